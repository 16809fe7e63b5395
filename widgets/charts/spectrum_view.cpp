#include "widgets/charts/spectrum_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/axis.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr double kFirstEnergy = 0.9;

struct Frame {
  QRectF plot;
  bool stacked = false;  // the two names do not fit on one line
  Axis rank, value;
  QFont font;
};

QString valueName() { return axisName(SpectrumView::tr("singular value"), {}, true); }
QString energyName() { return SpectrumView::tr("energy"); }

Frame frameFor(const QRectF& area, const Spectrum& spectrum) {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const double left = leftAxisWidth(f.font) + kGrid;
  const QFontMetricsF metrics(f.font);
  const double names = metrics.horizontalAdvance(valueName() + energyName()) + 4 * kGrid;
  f.stacked = names > area.width();
  // The sentence of the rank above the names of the axes.
  const double top = topNameHeight(f.font) + kGrid + metrics.height() * (f.stacked ? 2 : 1);
  const double right = QFontMetricsF(f.font).horizontalAdvance(QStringLiteral("100 %")) + 2 * kGrid;
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - right),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  const double most = std::max(spectrum.values.front(), 1e-300);
  // Values below a millionth of the largest are rounding.
  const double least = std::max(spectrum.values.back(), most * 1e-6);
  f.value.log = true;
  setRange(f.value, least, most, 0.03);
  f.value.begin = f.plot.bottom();
  f.value.end = f.plot.top();
  f.value.makeTicks(QFontMetricsF(f.font).height() * 2);
  f.rank.low = 0;
  f.rank.high = static_cast<double>(spectrum.values.size());
  f.rank.begin = f.plot.left();
  f.rank.end = f.plot.right();
  f.rank.makeTicks(QFontMetricsF(f.font).horizontalAdvance(QStringLiteral("00000")) * 1.6);
  return f;
}

}  // namespace

SpectrumView::SpectrumView(QWidget* parent) : Chart(parent) {
  setAccessibleName(tr("Singular values of a weight matrix"));
  setTitle(tr("Singular values"));
  setEmptyText(tr("The singular values appear when a matrix is selected."));
}

void SpectrumView::setSpectrum(const Spectrum& spectrum, int64_t rows, int64_t columns, int64_t storedBytes) {
  m_spectrum = spectrum;
  m_rows = rows;
  m_columns = columns;
  m_storedBytes = storedBytes;
  // Somewhere to begin: the rank is there to be moved.
  m_rank = spectrum.values.empty() ? 0 : std::max<int64_t>(1, spectrum.rank_for_energy(kFirstEnergy));
  setReadout({});
  update();
}

void SpectrumView::clear() {
  m_other = {};
  setSpectrum({}, 0, 0, 0);
}

void SpectrumView::setOther(const Spectrum& spectrum, const QString& name) {
  m_other = spectrum;
  m_otherName = name;
  update();
}

void SpectrumView::setRank(int64_t rank) {
  m_rank = std::clamp<int64_t>(rank, 0, static_cast<int64_t>(m_spectrum.values.size()));
  update();
}

QSize SpectrumView::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 4,
          static_cast<int>(bottomAxisHeight(font) + topNameHeight(font)) + 40};
}

QString SpectrumView::rankSentence(int64_t rank) const {
  const double stored = static_cast<double>(rank) * static_cast<double>(m_rows + m_columns);
  const double share = stored / (static_cast<double>(m_rows) * static_cast<double>(m_columns));
  const auto whole = static_cast<double>(m_storedBytes);
  return tr("rank %1: %2 of %3, error %4, %5 % of the energy")
      .arg(formatCount(rank), formatBytes(std::round(whole * share)), formatBytes(whole),
           formatNumber(m_spectrum.error(rank)), formatNumber(100 * m_spectrum.energy(rank)));
}

void SpectrumView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area, m_spectrum);
  const QFontMetricsF metrics(f.font);
  const auto count = static_cast<int64_t>(m_spectrum.values.size());

  // The energy curve against its own right-hand scale of 0 to 100 %.
  const double total = [&] {
    double sum = 0;
    for (const double value : m_spectrum.values) sum += value * value;
    return sum > 0 ? sum : 1;
  }();
  QPolygonF energy, values;
  energy << f.plot.bottomLeft();
  double kept = 0;
  const int64_t stride = std::max<int64_t>(1, count / 2000);
  for (int64_t i = 0; i < count; ++i) {
    const double value = m_spectrum.values[static_cast<size_t>(i)];
    kept += value * value;
    if (i % stride != 0 && i + 1 != count) continue;
    energy << QPointF(f.rank.at(static_cast<double>(i + 1)), f.plot.bottom() - kept / total * f.plot.height());
    const QPointF point(f.rank.at(static_cast<double>(i) + 0.5),
                        std::min(f.plot.bottom(), f.value.at(std::max(value, f.value.low))));
    values << point;
  }
  const QColor valueInk = seriesStyle(0, colors.dark).color, energyInk = seriesStyle(1, colors.dark).color;
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(energyInk, 1.5));
  painter.drawPolyline(energy);
  if (!m_other.values.empty()) {
    QPolygonF others;
    for (size_t i = 0; i < m_other.values.size(); i += static_cast<size_t>(stride)) {
      if (m_other.values[i] < f.value.low) break;
      others << QPointF(f.rank.at(static_cast<double>(i) + 0.5), std::max(f.plot.top(), f.value.at(m_other.values[i])));
    }
    painter.setPen(QPen(colors.text, 1.5, Qt::DashLine));
    painter.drawPolyline(others);
  }
  painter.setPen(QPen(valueInk, 2));
  painter.drawPolyline(values);

  paintBottomAxis(painter, f.rank, f.plot, tr("rank"), colors, f.font);
  paintLeftAxis(painter, f.value, f.plot, QString(), colors, f.font);
  painter.setFont(f.font);
  const double energyTop = f.plot.top() - metrics.height() - kGrid;
  const double nameTop = energyTop - (f.stacked ? metrics.height() : 0);
  painter.setPen(colors.dark ? valueInk : valueInk.darker(110));
  painter.drawText(QRectF(area.left() + kGrid, nameTop, area.width(), metrics.height()),
                   Qt::AlignLeft | Qt::AlignVCenter, valueName());
  painter.setPen(colors.dark ? energyInk : energyInk.darker(115));
  painter.drawText(QRectF(area.left(), energyTop, area.width() - kGrid, metrics.height()),
                   Qt::AlignRight | Qt::AlignVCenter, energyName());
  for (const int percent : {0, 50, 100}) {
    const double y = f.plot.bottom() - percent / 100.0 * f.plot.height();
    painter.drawText(
        QRectF(f.plot.right() + 6, y - metrics.height() / 2, area.right() - f.plot.right(), metrics.height()),
        Qt::AlignLeft | Qt::AlignVCenter, QStringLiteral("%1 %").arg(percent));
  }
  if (!m_other.values.empty()) {
    painter.setPen(colors.secondaryText);
    painter.drawText(
        QRectF(f.plot.left() + 4, f.plot.bottom() - metrics.height() - 2, f.plot.width(), metrics.height()),
        Qt::AlignLeft | Qt::AlignVCenter, tr("dashed: %1").arg(m_otherName));
  }
  if (m_rank > 0) {
    const double x = f.rank.at(static_cast<double>(m_rank));
    painter.setPen(QPen(colors.accent, 1.5));
    painter.drawLine(QPointF(x, f.plot.top()), QPointF(x, f.plot.bottom()));
    const QRectF line(area.left() + kGrid, area.top() + 2, area.width() - 2 * kGrid, metrics.height());
    painter.setPen(colors.text);
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(rankSentence(m_rank), Qt::ElideRight, line.width()));
  }
}

void SpectrumView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_rank <= 0) return;
  const Frame f = frameFor(rect(), m_spectrum);
  // A handle that says "drag me".
  const double x = f.rank.at(static_cast<double>(m_rank));
  painter.setPen(Qt::NoPen);
  painter.setBrush(colors.accent);
  painter.drawRoundedRect(QRectF(x - 3, f.plot.center().y() - kGrid, 6, 2 * kGrid), 3, 3);
}

int64_t SpectrumView::rankAt(double x) const {
  const Frame f = frameFor(rect(), m_spectrum);
  return std::clamp<int64_t>(std::llround(f.rank.valueAt(x)), 1, static_cast<int64_t>(m_spectrum.values.size()));
}

void SpectrumView::choose(int64_t rank) {
  setReadout(rankSentence(rank));
  if (rank == m_rank) return;
  setRank(rank);
  Q_EMIT rankChosen(rank);
}

void SpectrumView::mousePressEvent(QMouseEvent* event) {
  if (isEmpty() || event->button() != Qt::LeftButton) return Chart::mousePressEvent(event);
  choose(rankAt(event->position().x()));
}

void SpectrumView::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const int64_t rank = rankAt(event->position().x());
  if (event->buttons() & Qt::LeftButton) {
    choose(rank);
  } else {
    setReadout(tr("singular value %1: %2; %3")
                   .arg(formatCount(rank), formatNumber(m_spectrum.values[static_cast<size_t>(rank - 1)]),
                        rankSentence(rank)));
  }
}

void SpectrumView::keyPressEvent(QKeyEvent* event) {
  const bool left = event->key() == Qt::Key_Left, right = event->key() == Qt::Key_Right;
  if (isEmpty() || (!left && !right)) return Chart::keyPressEvent(event);
  const int64_t step = event->modifiers() & Qt::ControlModifier ? 16 : 1;
  choose(std::clamp<int64_t>(m_rank + (left ? -step : step), 1, static_cast<int64_t>(m_spectrum.values.size())));
}

QString SpectrumView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("rank"), QStringLiteral("singular_value"), QStringLiteral("energy_share")});
  double total = 0, kept = 0;
  for (const double value : m_spectrum.values) total += value * value;
  for (size_t i = 0; i < m_spectrum.values.size(); ++i) {
    kept += m_spectrum.values[i] * m_spectrum.values[i];
    csv += csvLine({QString::number(i + 1), csvNumber(m_spectrum.values[i]), csvNumber(total > 0 ? kept / total : 1)});
  }
  return csv;
}

}  // namespace espalier
