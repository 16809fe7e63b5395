#include "widgets/charts/attention_head_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/numbers.h"

namespace espalier {

AttentionHeadView::AttentionHeadView(QWidget* parent) : Chart(parent), m_scroll(new QScrollBar(Qt::Vertical, this)) {
  setAccessibleName(tr("Attention of one head"));
  setTitle(tr("Attention of one head"));
  setEmptyText(tr("Choose a head in the overview to see its attention token by token."));
  m_scroll->hide();
  m_scroll->setAccessibleName(tr("Scroll the tokens"));
  connect(m_scroll, &QScrollBar::valueChanged, this, [this] { update(); });
}

void AttentionHeadView::setAttention(AttentionPtr attention) {
  m_attention = std::move(attention);
  rebuild();
}

void AttentionHeadView::setHead(LayerIndex layer, HeadIndex head) {
  m_layer = layer;
  m_head = head;
  setTitle(tr("Attention of layer %1, head %2").arg(layer.value).arg(head.value));
  rebuild();
}

void AttentionHeadView::setMode(Mode mode) {
  m_mode = mode;
  m_hovered = m_kept = -1;
  layoutScroll();
  update();
}

void AttentionHeadView::setHideSpecial(bool hide) {
  m_hideSpecial = hide;
  rebuild();
}

void AttentionHeadView::rethemed() {
  measureLabels();
  layoutScroll();
}

bool AttentionHeadView::isEmpty() const { return m_row < 0 || m_shown.empty(); }

void AttentionHeadView::rebuild() {
  m_row = m_attention == nullptr ? -1 : m_attention->rowOf(m_layer, m_head);
  m_shown = m_attention == nullptr ? std::vector<int>() : m_attention->tokensShown(m_hideSpecial);
  m_hovered = m_kept = -1;
  measureLabels();
  if (m_attention != nullptr) {
    setEmptyText(m_row < 0 ? tr("Layer %1, head %2 was removed from this model.").arg(m_layer.value).arg(m_head.value)
                           : tr("Every token of this sentence is hidden."));
    setNote(tr("Sentence: %1. The weights that leave a token sum to 1.").arg(m_attention->tokens.join(' ')));
  }
  setReadout({});
  layoutScroll();
  updateGeometry();
  update();
}

QSize AttentionHeadView::minimumSizeHint() const {
  const QFontMetrics metrics(Theme::instance().bodyFont());
  return {metrics.horizontalAdvance('m') * 20, metrics.height() * 6};
}

double AttentionHeadView::rowHeight() const {
  return std::ceil(QFontMetricsF(Theme::instance().bodyFont()).height() + 4);
}

void AttentionHeadView::measureLabels() {
  const QFontMetricsF metrics(Theme::instance().bodyFont());
  double widest = metrics.horizontalAdvance(QStringLiteral("from"));
  for (const int token : m_shown) widest = std::max(widest, metrics.horizontalAdvance(m_attention->tokens[token]));
  m_labelWidth = std::min(std::ceil(widest) + 2 * kGrid, metrics.averageCharWidth() * 24);
}

float AttentionHeadView::weightOf(int fromShown, int toShown) const {
  return m_attention->weight(m_layer, m_row, m_shown[static_cast<size_t>(fromShown)],
                             m_shown[static_cast<size_t>(toShown)]);
}

QSize AttentionHeadView::figureSize() const {
  QSize size = Chart::figureSize();
  if (m_mode == Mode::Lines && !isEmpty()) {
    size.setHeight(
        std::min(8000, static_cast<int>((static_cast<double>(m_shown.size()) + 1) * rowHeight()) + 3 * kGrid));
  }
  return size;
}

void AttentionHeadView::layoutScroll() {
  const double content = (static_cast<double>(m_shown.size()) + 1) * rowHeight() + 3 * kGrid;
  const bool needed = m_mode == Mode::Lines && !isEmpty() && content > height();
  m_scroll->setVisible(needed);
  const int width = m_scroll->sizeHint().width();
  m_scroll->setGeometry(this->width() - width, 0, width, height());
  m_scroll->setRange(0, needed ? static_cast<int>(content - height()) : 0);
  m_scroll->setPageStep(height());
  m_scroll->setSingleStep(static_cast<int>(rowHeight()));
}

void AttentionHeadView::resizeEvent(QResizeEvent* event) {
  Chart::resizeEvent(event);
  layoutScroll();
}

void AttentionHeadView::wheelEvent(QWheelEvent* event) {
  if (m_scroll->isVisible()) m_scroll->event(event);
  event->accept();
}

// --- Pointer
// ----------------------------------------------------------------------------------------------------------

void AttentionHeadView::hover(QPointF position) {
  if (isEmpty()) return;
  int hovered = -1;
  bool left = true;
  QString readout;
  const int n = static_cast<int>(m_shown.size());
  if (m_mode == Mode::Lines) {
    const int row = static_cast<int>(std::floor((position.y() - tokenRect(0, true).top()) / rowHeight()));
    for (const bool side : {true, false}) {
      if (row < 0 || row >= n || !tokenRect(row, side).contains(position)) continue;
      hovered = row;
      left = side;
    }
    if (hovered >= 0) {
      int strongest = 0;
      const auto weight = [&](int other) { return left ? weightOf(hovered, other) : weightOf(other, hovered); };
      for (int i = 1; i < n; ++i) {
        if (weight(i) > weight(strongest)) strongest = i;
      }
      const QString& token = m_attention->tokens[m_shown[static_cast<size_t>(hovered)]];
      const QString& other = m_attention->tokens[m_shown[static_cast<size_t>(strongest)]];
      readout = (left ? tr("“%1” looks most at “%2”: %3") : tr("“%1” is looked at most by “%2”: %3"))
                    .arg(token, other, formatNumber(weight(strongest)));
    }
  } else {
    const QRectF matrix = matrixRect(rect());
    if (matrix.contains(position)) {
      const int from = std::min(n - 1, static_cast<int>((position.y() - matrix.top()) / matrix.height() * n));
      const int to = std::min(n - 1, static_cast<int>((position.x() - matrix.left()) / matrix.width() * n));
      hovered = from;
      readout = tr("from “%1” to “%2”: %3")
                    .arg(m_attention->tokens[m_shown[static_cast<size_t>(from)]],
                         m_attention->tokens[m_shown[static_cast<size_t>(to)]], formatExact(weightOf(from, to)));
    }
  }
  setReadout(readout);
  if (hovered == m_hovered && left == m_hoveredLeft) return;
  m_hovered = hovered;
  m_hoveredLeft = left;
  Q_EMIT tokenHovered(hovered < 0 ? -1 : m_shown[static_cast<size_t>(hovered)]);
  update();
}

void AttentionHeadView::mouseMoveEvent(QMouseEvent* event) { hover(event->position()); }

void AttentionHeadView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || isEmpty()) return Chart::mousePressEvent(event);
  hover(event->position());
  const bool same = m_kept == m_hovered && m_keptLeft == m_hoveredLeft;
  m_kept = m_mode == Mode::Lines && !same ? m_hovered : -1;
  m_keptLeft = m_hoveredLeft;
  update();
}

void AttentionHeadView::leaveEvent(QEvent* event) {
  m_hovered = -1;
  Q_EMIT tokenHovered(-1);
  update();
  Chart::leaveEvent(event);
}

void AttentionHeadView::keyPressEvent(QKeyEvent* event) {
  const int n = static_cast<int>(m_shown.size());
  if (!isEmpty() && m_mode == Mode::Lines && (event->key() == Qt::Key_Up || event->key() == Qt::Key_Down)) {
    const int step = event->key() == Qt::Key_Up ? -1 : 1;
    m_kept = m_kept < 0 ? 0 : std::clamp(m_kept + step, 0, n - 1);
    const QRectF row = tokenRect(m_kept, true);
    if (row.top() < rowHeight()) m_scroll->setValue(m_scroll->value() + static_cast<int>(row.top() - rowHeight()));
    if (row.bottom() > height()) m_scroll->setValue(m_scroll->value() + static_cast<int>(row.bottom() - height()));
    hover(tokenRect(m_kept, m_keptLeft).center());
    update();
  } else if (event->key() == Qt::Key_Left || event->key() == Qt::Key_Right) {
    m_keptLeft = event->key() == Qt::Key_Left;
    update();
  } else if (event->key() == Qt::Key_M) {
    setMode(m_mode == Mode::Lines ? Mode::Matrix : Mode::Lines);
  } else if (event->key() == Qt::Key_Escape && m_kept >= 0) {
    m_kept = -1;
    update();
  } else {
    Chart::keyPressEvent(event);
  }
}

QString AttentionHeadView::figureCsv() const {
  if (isEmpty()) return {};
  QStringList header{QStringLiteral("from \\ to")};
  for (const int token : m_shown) header << m_attention->tokens[token];
  QString csv = csvLine(header);
  for (int from = 0; from < static_cast<int>(m_shown.size()); ++from) {
    QStringList fields{m_attention->tokens[m_shown[static_cast<size_t>(from)]]};
    for (int to = 0; to < static_cast<int>(m_shown.size()); ++to) fields << QString::number(weightOf(from, to), 'g', 7);
    csv += csvLine(fields);
  }
  return csv;
}

}  // namespace espalier
