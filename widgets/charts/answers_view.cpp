#include "widgets/charts/answers_view.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr size_t kMostLabels = 8;
constexpr int kBefore = 7, kAfter = 1;  // styles: the baseline's, and one that no family of colours confuses with it

// The number of a label as exact as that, or a dash while it is not known.
QString text(const std::vector<double>& values, size_t label, int decimals) {
  return label < values.size() ? formatFixed(values[label], decimals) : formatNumber(std::nan(""));
}
QString exactText(const std::vector<double>& values, size_t label) {
  return label < values.size() ? formatExact(values[label]) : formatNumber(std::nan(""));
}

}  // namespace

AnswersView::AnswersView(QWidget* parent) : Chart(parent) {
  setTitle(tr("Answers before and after"));
  setEmptyText(tr("The answers appear when a sentence is chosen."));
}

void AnswersView::setAnswers(const QStringList& labels, const LabelAnswers& before, const LabelAnswers& after) {
  m_labels = labels;
  m_before = before;
  m_after = after;
  while (m_labels.size() < static_cast<qsizetype>(before.probabilities.size()))
    m_labels << QString::number(m_labels.size());
  m_shown.resize(before.probabilities.size());
  std::iota(m_shown.begin(), m_shown.end(), 0);
  if (m_shown.size() > kMostLabels) {
    const auto most = [&](int label) {
      const auto at = static_cast<size_t>(label);
      return std::max(m_before.probabilities[at], at < m_after.probabilities.size() ? m_after.probabilities[at] : 0);
    };
    std::stable_sort(m_shown.begin(), m_shown.end(), [&](int a, int b) { return most(a) > most(b); });
    m_shown.resize(kMostLabels);
  }
  setReadout({});
  updateGeometry();
  update();
}

void AnswersView::clear() { setAnswers({}, {}, {}); }

double AnswersView::rowHeight() const {
  return 2 * std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + 4;
}

double AnswersView::headerHeight() const {
  return std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + kGrid;
}

QSize AnswersView::sizeHint() const {
  const double rows = static_cast<double>(std::max<size_t>(1, m_shown.size()));
  return {48 * kGrid, static_cast<int>(headerHeight() + rows * rowHeight() + kGrid)};
}

QSize AnswersView::minimumSizeHint() const { return {30 * kGrid, sizeHint().height()}; }

void AnswersView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const QFont small = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(small);
  const double line = std::ceil(metrics.height());
  double names = 0;
  for (const int label : m_shown) names = std::max(names, metrics.horizontalAdvance(m_labels[label]));
  names = std::min(std::ceil(names), area.width() / 4);
  const double numbers =
      std::ceil(std::max(metrics.horizontalAdvance(tr("probability")), metrics.horizontalAdvance("0.000"))) + kGrid;
  const double logits = m_before.logits.empty() ? 0 : std::ceil(metrics.horizontalAdvance("−00.00")) + kGrid;
  const double change = std::ceil(metrics.horizontalAdvance(tr("difference"))) + kGrid;
  const double left = area.left() + names + 2 * kGrid;
  const double width = std::max(8.0, area.right() - kGrid - change - logits - numbers - left);
  const SeriesStyle before = seriesStyle(kBefore, colors.dark), after = seriesStyle(kAfter, colors.dark);

  painter.setFont(small);
  painter.setPen(colors.secondaryText);
  double x = left;
  for (const auto& [style, name] : {std::pair(before, tr("before")), std::pair(after, tr("after"))}) {
    painter.fillRect(QRectF(x, area.top() + line / 2 - 3, 8, 8), style.color);
    painter.drawText(QRectF(x + 12, area.top(), width, line), Qt::AlignLeft | Qt::AlignVCenter, name);
    x += metrics.horizontalAdvance(name) + 4 * kGrid;
  }
  const auto header = [&](double right, double room, const QString& name) {
    painter.drawText(QRectF(right - room, area.top(), room, line), Qt::AlignRight | Qt::AlignVCenter, name);
  };
  header(area.right() - kGrid, change, tr("difference"));
  header(left + width + numbers, numbers, tr("probability"));
  if (logits > 0) header(left + width + numbers + logits, logits, tr("logit"));
  double y = area.top() + headerHeight();
  painter.setRenderHint(QPainter::Antialiasing, false);
  for (const int label : m_shown) {
    const auto at = static_cast<size_t>(label);
    painter.setPen(colors.text);
    const QString name = metrics.elidedText(m_labels[label], Qt::ElideRight, names);
    painter.drawText(QRectF(area.left() + kGrid, y, names, 2 * line), Qt::AlignRight | Qt::AlignVCenter, name);
    const auto bar = [&](double top, const LabelAnswers& answers, const QColor& color) {
      const std::vector<double>& values = answers.probabilities;
      if (at < values.size()) {
        painter.fillRect(QRectF(left, top + 2, std::max(1.0, width * values[at]), line - 4), color);
      }
      const double right = left + width + numbers;
      painter.drawText(QRectF(left + width, top, numbers, line), Qt::AlignRight | Qt::AlignVCenter,
                       text(values, at, 3));
      if (logits == 0) return;
      painter.drawText(QRectF(right, top, logits, line), Qt::AlignRight | Qt::AlignVCenter,
                       text(answers.logits, at, 2));
    };
    bar(y, m_before, before.color);
    bar(y + line, m_after, after.color);
    if (at < m_after.probabilities.size()) {
      const double difference = m_after.probabilities[at] - m_before.probabilities[at];
      const QString sign = difference > 0 ? QStringLiteral("+") : QString();
      painter.drawText(QRectF(area.right() - kGrid - change, y, change, 2 * line), Qt::AlignRight | Qt::AlignVCenter,
                       std::abs(difference) < 5e-4 ? QStringLiteral("0.000") : sign + formatFixed(difference, 3));
    }
    y += rowHeight();
  }
}

void AnswersView::mouseMoveEvent(QMouseEvent* event) {
  const auto row = static_cast<int>(std::floor((event->position().y() - headerHeight()) / rowHeight()));
  if (row < 0 || row >= static_cast<int>(m_shown.size())) return setReadout({});
  const auto at = static_cast<size_t>(m_shown[static_cast<size_t>(row)]);
  QString said = tr("probability of “%1”: %2 before, %3 after")
                     .arg(m_labels[static_cast<qsizetype>(at)], exactText(m_before.probabilities, at),
                          exactText(m_after.probabilities, at));
  if (!m_before.logits.empty()) {
    said += tr("; logit: %1 before, %2 after").arg(exactText(m_before.logits, at), exactText(m_after.logits, at));
  }
  setReadout(said);
}

QString AnswersView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("label"), QStringLiteral("before"), QStringLiteral("after"),
                         QStringLiteral("logit_before"), QStringLiteral("logit_after")});
  const auto number = [](const std::vector<double>& values, size_t label) {
    return label < values.size() ? csvNumber(values[label]) : QString();
  };
  for (size_t i = 0; i < m_before.probabilities.size(); ++i) {
    csv += csvLine({m_labels[static_cast<qsizetype>(i)], number(m_before.probabilities, i),
                    number(m_after.probabilities, i), number(m_before.logits, i), number(m_after.logits, i)});
  }
  return csv;
}

}  // namespace espalier
