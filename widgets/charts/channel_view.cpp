#include "widgets/charts/channel_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "widgets/charts/axis.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {

struct ChannelView::Frame {
  QRectF plot;
  Axis channel, value;
  QFont font;
};

ChannelView::ChannelView(QWidget* parent) : Chart(parent) {
  setTitle(tr("Ranges of the channels"));
  setEmptyText(tr("The ranges appear once the weight has been read."));
}

void ChannelView::setRanges(const ChannelRanges& ranges, const QString& axis) {
  m_ranges = ranges;
  m_axis = axis;
  m_hovered = -1;
  order();
  setReadout({});
  update();
}

void ChannelView::clear() { setRanges({}, {}); }

void ChannelView::setSorted(bool sorted) {
  m_sorted = sorted;
  order();
  update();
}

double ChannelView::magnitude(size_t channel) const {
  return std::max(std::abs(m_ranges.low[channel]), std::abs(m_ranges.high[channel]));
}

void ChannelView::order() {
  m_order.resize(m_ranges.low.size());
  std::iota(m_order.begin(), m_order.end(), size_t{0});
  if (m_order.empty()) return;
  std::vector<size_t> byMagnitude = m_order;
  std::stable_sort(byMagnitude.begin(), byMagnitude.end(),
                   [&](size_t a, size_t b) { return magnitude(a) > magnitude(b); });
  m_median = magnitude(byMagnitude[byMagnitude.size() / 2]);
  if (m_sorted) m_order = std::move(byMagnitude);
}

ChannelView::Frame ChannelView::frameFor(const QRectF& area) const {
  Frame f;
  f.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(f.font);
  const double left = leftAxisWidth(f.font) + kGrid, top = topNameHeight(f.font) + metrics.height();
  f.plot = QRectF(area.left() + left, area.top() + top, std::max(8.0, area.width() - left - 2 * kGrid),
                  std::max(8.0, area.height() - top - bottomAxisHeight(f.font)));
  double low = 0, high = 0;
  for (size_t c = 0; c < m_ranges.low.size(); ++c) {
    low = std::min<double>(low, m_ranges.low[c]);
    high = std::max<double>(high, m_ranges.high[c]);
  }
  setRange(f.value, low, high, 0.03);
  f.value.begin = f.plot.bottom();
  f.value.end = f.plot.top();
  f.value.makeTicks(metrics.height() * 2);
  f.channel.low = 0;
  f.channel.high = static_cast<double>(m_order.size());
  f.channel.begin = f.plot.left();
  f.channel.end = f.plot.right();
  f.channel.makeTicks(metrics.horizontalAdvance(QStringLiteral("00000")) * 1.6);
  return f;
}

QSize ChannelView::minimumSizeHint() const {
  const QFont font = Theme::instance().secondaryFont();
  return {static_cast<int>(leftAxisWidth(font)) * 4,
          static_cast<int>(bottomAxisHeight(font) + topNameHeight(font)) + 40};
}

void ChannelView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Frame f = frameFor(area);
  const QFontMetricsF metrics(f.font);
  painter.setFont(f.font);
  painter.setRenderHint(QPainter::Antialiasing, false);
  // A bar is a channel or a pixel, whichever is wider; of the channels in a pixel the ends of all.
  const double pitch = f.plot.width() / static_cast<double>(m_order.size());
  const auto step = std::max<size_t>(1, static_cast<size_t>(std::ceil(1 / pitch)));
  const QColor fill = seriesStyle(0, colors.dark).color;
  for (size_t i = 0; i < m_order.size(); i += step) {
    double low = 0, high = 0;
    for (size_t j = i; j < std::min(m_order.size(), i + step); ++j) {
      low = std::min<double>(low, m_ranges.low[m_order[j]]);
      high = std::max<double>(high, m_ranges.high[m_order[j]]);
    }
    const double x = f.channel.at(static_cast<double>(i));
    const double width = std::max(1.0, pitch * static_cast<double>(step) - (pitch > 3 ? 1 : 0));
    const double top = f.value.at(high);
    painter.fillRect(QRectF(x, top, width, std::max(1.0, f.value.at(low) - top)), fill);
  }
  // The median channel: how far the others go beyond it is what a scale a channel gains.
  painter.setPen(QPen(colors.text, 1, Qt::DashLine));
  for (const double edge : {-m_median, m_median}) {
    const double y = f.value.at(edge);
    if (y > f.plot.top() && y < f.plot.bottom()) {
      painter.drawLine(QPointF(f.plot.left(), y), QPointF(f.plot.right(), y));
    }
  }
  double most = 0;
  for (const size_t channel : m_order) most = std::max(most, magnitude(channel));
  const QString sentence = m_median > 0
                               ? tr("widest channel %1 × the median one (dashed)").arg(formatNumber(most / m_median))
                               : tr("most channels are zero");
  painter.setPen(colors.text);
  const QRectF line(area.left() + kGrid, area.top() + 2, area.width() - 2 * kGrid, metrics.height());
  painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(sentence, Qt::ElideRight, line.width()));
  paintBottomAxis(painter, f.channel, f.plot, m_sorted ? tr("%1, widest first").arg(m_axis) : m_axis, colors, f.font);
  paintLeftAxis(painter, f.value, f.plot, tr("range"), colors, f.font);
}

void ChannelView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_hovered < 0) return;
  const Frame f = frameFor(rect());
  QColor veil = colors.text;
  veil.setAlphaF(0.2f);
  const double left = f.channel.at(m_hovered), right = f.channel.at(m_hovered + 1);
  painter.fillRect(QRectF(left, f.plot.top(), std::max(1.0, right - left), f.plot.height()), veil);
}

void ChannelView::hover(int position) {
  if (position == m_hovered) return;
  m_hovered = position;
  if (position < 0) {
    setReadout({});
  } else {
    const size_t channel = m_order[static_cast<size_t>(position)];
    setReadout(tr("%1 %2: %3 to %4")
                   .arg(m_axis, formatCount(static_cast<int64_t>(channel)), formatExact(m_ranges.low[channel]),
                        formatExact(m_ranges.high[channel])));
  }
  update();
}

void ChannelView::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const Frame f = frameFor(rect());
  const double x = event->position().x();
  const int count = static_cast<int>(m_order.size());
  const bool inside = x >= f.plot.left() && x <= f.plot.right();
  hover(inside ? std::clamp(static_cast<int>(f.channel.valueAt(x)), 0, count - 1) : -1);
}

void ChannelView::mousePressEvent(QMouseEvent* event) {
  if (isEmpty() || event->button() != Qt::LeftButton) return Chart::mousePressEvent(event);
  mouseMoveEvent(event);
  if (m_hovered >= 0) Q_EMIT channelChosen(static_cast<qint64>(m_order[static_cast<size_t>(m_hovered)]));
}

void ChannelView::leaveEvent(QEvent* event) {
  m_hovered = -1;
  update();
  Chart::leaveEvent(event);
}

void ChannelView::keyPressEvent(QKeyEvent* event) {
  const int count = static_cast<int>(m_order.size());
  const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  if (count > 0 && step != 0) {
    hover(m_hovered < 0 ? 0 : std::clamp(m_hovered + step, 0, count - 1));
  } else if (event->key() == Qt::Key_Return && m_hovered >= 0) {
    Q_EMIT channelChosen(static_cast<qint64>(m_order[static_cast<size_t>(m_hovered)]));
  } else if (event->key() == Qt::Key_S) {
    setSorted(!m_sorted);
  } else {
    Chart::keyPressEvent(event);
  }
}

QString ChannelView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("channel"), QStringLiteral("low"), QStringLiteral("high")});
  for (size_t c = 0; c < m_ranges.low.size(); ++c) {
    csv += csvLine({QString::number(c), csvNumber(m_ranges.low[c]), csvNumber(m_ranges.high[c])});
  }
  return csv;
}

}  // namespace espalier
