#include "widgets/charts/saliency_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/color_map.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kWidest = 880;  // a longer line is hard to read

QFont sentenceFont() {
  QFont font = Theme::instance().titleFont();
  font.setWeight(QFont::Normal);
  return font;
}

QString shownText(const SaliencyToken& token) {
  return token.continuesWord && token.text.startsWith(QLatin1String("##")) ? token.text.mid(2) : token.text;
}

}  // namespace

// One token's box; tokens of a word touch.
struct SaliencyView::Flow {
  std::vector<QRectF> boxes;  // null when hidden
  QRectF answer;
  QString answerText;
  QRectF legend;
  double bottom = 0;
  double largest = 0;  // |score|
};

SaliencyView::SaliencyView(QWidget* parent) : Chart(parent) {
  setAccessibleName(tr("Words that decided"));
  setTitle(tr("Words that decided"));
  setEmptyText(tr("Type or choose a sentence to see which words decide."));
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::MinimumExpanding);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void SaliencyView::setSaliency(const SaliencyData& saliency) {
  m_saliency = saliency;
  m_current = -1;
  setReadout({});
  if (!saliency.tokens.empty()) {
    setTitle(tr("Saliency: %1").arg(saliency.method));
    setNote(tr("%1 of the score of “%2”. Predicted: %3 (%4).")
                .arg(saliency.method, saliency.label, saliency.prediction, formatNumber(saliency.probability)));
  }
  updateGeometry();
  update();
}

void SaliencyView::clear() { setSaliency({}); }

void SaliencyView::setHideSpecial(bool hide) {
  m_hideSpecial = hide;
  updateGeometry();
  update();
}

SaliencyView::Flow SaliencyView::flowFor(const QRectF& area) const {
  Flow flow;
  const QFontMetricsF metrics(sentenceFont());
  const double left = area.left() + 2 * kGrid, right = std::min(area.right() - 2 * kGrid, left + kWidest);
  const double padding = 3, space = std::ceil(metrics.horizontalAdvance(' ')) + 2;
  const double height = std::ceil(metrics.height()) + 6, pitch = height + kGrid;
  double x = left, y = area.top() + 2 * kGrid;
  const auto& tokens = m_saliency.tokens;
  flow.boxes.resize(tokens.size());
  const auto widthOf = [&](size_t i) {
    const bool begins = !tokens[i].continuesWord, ends = i + 1 == tokens.size() || !tokens[i + 1].continuesWord;
    return std::ceil(metrics.horizontalAdvance(shownText(tokens[i]))) + (begins ? padding : 0) + (ends ? padding : 0);
  };
  for (size_t begin = 0; begin < tokens.size();) {
    size_t end = begin + 1;
    while (end < tokens.size() && tokens[end].continuesWord) ++end;
    double width = 0;
    for (size_t i = begin; i < end; ++i) width += widthOf(i);
    const bool hidden = m_hideSpecial && tokens[begin].special;
    if (!hidden && x > left && x + width > right) {
      x = left;
      y += pitch;
    }
    for (size_t i = begin; i < end && !hidden; ++i) {
      // A word longer than a line breaks between its pieces.
      if (x > left && x + widthOf(i) > right) {
        x = left;
        y += pitch;
      }
      flow.boxes[i] = QRectF(x, y, widthOf(i), height);
      x += widthOf(i);
      flow.largest = std::max(flow.largest, std::abs(tokens[i].score));
    }
    if (!hidden) x += space;
    begin = end;
  }
  flow.answerText = QStringLiteral("→  %1  %2").arg(m_saliency.prediction, formatNumber(m_saliency.probability));
  QFont bold = sentenceFont();
  bold.setWeight(QFont::DemiBold);
  const double answerWidth = std::ceil(QFontMetricsF(bold).horizontalAdvance(flow.answerText)) + 2;
  if (x > left && x + space + answerWidth > right) {
    x = left;
    y += pitch;
  } else {
    x += space;
  }
  flow.answer = QRectF(x, y, answerWidth, height);
  y += pitch + kGrid;
  const double legendHeight = 2 * std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + 12 + 4;
  const QFontMetricsF small(Theme::instance().secondaryFont());
  const double names = small.horizontalAdvance(tr("against “%1”").arg(m_saliency.label)) +
                       small.horizontalAdvance(tr("towards “%1”").arg(m_saliency.label)) + 4 * kGrid;
  flow.legend = QRectF(left, y, std::min(right - left, std::max(40.0 * kGrid, names)), legendHeight);
  flow.bottom = y + legendHeight + kGrid;
  return flow;
}

QRectF SaliencyView::tokenRect(int token) const {
  const Flow flow = flowFor(rect());
  return token < 0 || token >= static_cast<int>(flow.boxes.size()) ? QRectF() : flow.boxes[static_cast<size_t>(token)];
}

int SaliencyView::heightForWidth(int width) const {
  if (isEmpty()) return sizeHint().height();
  return static_cast<int>(std::ceil(flowFor(QRectF(0, 0, width, 100)).bottom));
}

QSize SaliencyView::sizeHint() const { return {560, isEmpty() ? 160 : std::max(120, heightForWidth(560))}; }

QSize SaliencyView::minimumSizeHint() const {
  const QFontMetrics metrics(sentenceFont());
  return {metrics.horizontalAdvance('m') * 14 + 4 * kGrid, metrics.height() * 4};
}

QSize SaliencyView::figureSize() const {
  const int wide = std::clamp(width(), 320, static_cast<int>(kWidest) + 4 * kGrid);
  return {wide, heightForWidth(wide)};
}

void SaliencyView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Flow flow = flowFor(area);
  const ColorMap map(ColorMapKind::Diverging, colors.dark);
  const double largest = flow.largest > 0 ? flow.largest : 1;
  painter.setFont(sentenceFont());
  for (size_t i = 0; i < flow.boxes.size(); ++i) {
    const QRectF& box = flow.boxes[i];
    if (box.isNull()) continue;
    const SaliencyToken& token = m_saliency.tokens[i];
    const double t = 0.5 + 0.5 * token.score / largest;
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.fillRect(box, QColor(map.at(t)));
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(map.textOn(t));
    const double inset = token.continuesWord ? 0 : 3;
    painter.drawText(box.adjusted(inset, 0, 3, 0), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip,
                     shownText(token));
    if (token.known) {
      painter.fillRect(QRectF(box.left(), box.bottom() + 1, box.width(), 2), colors.text);
    }
  }
  QFont bold = sentenceFont();
  bold.setWeight(QFont::DemiBold);
  painter.setFont(bold);
  painter.setPen(colors.text);
  painter.drawText(flow.answer, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, flow.answerText);

  // What the colours mean.
  painter.setFont(Theme::instance().secondaryFont());
  const QFontMetricsF metrics(painter.font());
  const double line = metrics.height();
  painter.setPen(colors.secondaryText);
  const QRectF names(flow.legend.left(), flow.legend.top(), flow.legend.width(), line);
  const auto half = [&](const QString& text) {
    return metrics.elidedText(text.arg(m_saliency.label), Qt::ElideMiddle, names.width() / 2 - kGrid / 2);
  };
  painter.drawText(names, Qt::AlignLeft | Qt::AlignVCenter, half(tr("against “%1”")));
  painter.drawText(names, Qt::AlignRight | Qt::AlignVCenter, half(tr("towards “%1”")));
  const QRectF bar(flow.legend.left(), names.bottom() + 2, flow.legend.width(), 12);
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 32; ++i) gradient.setColorAt(i / 32.0, QColor(map.at(i / 32.0)));
  painter.fillRect(bar, gradient);
  const QRectF numbers(bar.left(), bar.bottom() + 2, bar.width(), line);
  painter.drawText(numbers, Qt::AlignLeft | Qt::AlignVCenter, formatNumber(-largest));
  painter.drawText(numbers, Qt::AlignHCenter | Qt::AlignVCenter, QStringLiteral("0"));
  painter.drawText(numbers, Qt::AlignRight | Qt::AlignVCenter, formatNumber(largest));
  if (std::any_of(m_saliency.tokens.begin(), m_saliency.tokens.end(), [](const SaliencyToken& t) { return t.known; })) {
    const double x = flow.legend.right() + 3 * kGrid;
    const QString text = tr("underlined: known to decide");
    if (x + metrics.horizontalAdvance(text) <= area.right()) {
      painter.fillRect(QRectF(x, bar.bottom() - 2, metrics.horizontalAdvance(text), 2), colors.text);
      painter.drawText(QPointF(x, bar.bottom() - 5), text);
    }
  }
}

void SaliencyView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const QRectF box = tokenRect(m_current);
  if (box.isNull()) return;
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(colors.accent, 2));
  painter.drawRect(box.adjusted(-1, -1, 1, 1));
}

void SaliencyView::setCurrent(int token) {
  if (token == m_current) return;
  m_current = token;
  if (token < 0) {
    setReadout({});
  } else {
    const SaliencyToken& shown = m_saliency.tokens[static_cast<size_t>(token)];
    setReadout(tr("“%1”: %2 %3 “%4”")
                   .arg(shown.text, formatExact(shown.score), shown.score < 0 ? tr("against") : tr("towards"),
                        m_saliency.label));
  }
  Q_EMIT tokenHovered(token);
  update();
}

void SaliencyView::mouseMoveEvent(QMouseEvent* event) {
  const Flow flow = flowFor(rect());
  int token = -1;
  for (size_t i = 0; i < flow.boxes.size(); ++i) {
    if (flow.boxes[i].contains(event->position())) token = static_cast<int>(i);
  }
  setCurrent(token);
}

void SaliencyView::leaveEvent(QEvent* event) {
  setCurrent(-1);
  Chart::leaveEvent(event);
}

void SaliencyView::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  if (step == 0 || isEmpty()) return Chart::keyPressEvent(event);
  const Flow flow = flowFor(rect());
  int token = m_current + step;
  while (token >= 0 && token < static_cast<int>(flow.boxes.size()) && flow.boxes[static_cast<size_t>(token)].isNull())
    token += step;
  if (token >= 0 && token < static_cast<int>(flow.boxes.size())) setCurrent(token);
}

QString SaliencyView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("position"), QStringLiteral("token"), QStringLiteral("score"),
                         QStringLiteral("special"), QStringLiteral("known")});
  for (size_t i = 0; i < m_saliency.tokens.size(); ++i) {
    const SaliencyToken& token = m_saliency.tokens[i];
    csv += csvLine({QString::number(i), token.text, csvNumber(token.score), QString::number(int(token.special)),
                    QString::number(int(token.known))});
  }
  return csv;
}

}  // namespace espalier
