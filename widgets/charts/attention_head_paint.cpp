// Painting of one head's attention; see attention_head_view.cpp for its behaviour.
#include <QScrollBar>
#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/charts/attention_head_view.h"
#include "widgets/theme/color_bar.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {
namespace {

constexpr double kWidest = 720;      // longer lines are hard to follow
constexpr size_t kMostLines = 1200;  // more cannot be told apart, and would keep the window longer than a slot may
constexpr float kFaintest = 0.01f;   // invisible below
constexpr int kOpacities = 24;

const ColorScale kWeights{ColorMapKind::Viridis, 0, 1, 0, 1};

struct Line {
  float weight;
  int from, to;
};

QRectF columnsIn(const QRectF& area) {
  const double width = std::min(area.width() - 2 * kGrid, kWidest);
  return {area.left() + (area.width() - width) / 2, area.top() + kGrid, width, area.height() - kGrid};
}

}  // namespace

QRectF AttentionHeadView::tokenRect(int shownIndex, bool left) const {
  const double bar = m_scroll->isVisible() ? m_scroll->width() : 0;
  const QRectF columns = columnsIn(QRectF(rect()).adjusted(0, 0, -bar, 0));
  const double y = columns.top() + (shownIndex + 1) * rowHeight() - m_scroll->value();
  const double x = left ? columns.left() : columns.right() - m_labelWidth;
  return {x, y, m_labelWidth, rowHeight()};
}

void AttentionHeadView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  if (m_mode == Mode::Matrix) return paintMatrix(painter, area, colors);
  const bool live = painter.device()->devType() == QInternal::Widget;
  const double bar = live && m_scroll->isVisible() ? m_scroll->width() : 0;
  const bool hovering = live && m_hovered >= 0;
  paintLines(painter, area.adjusted(0, 0, -bar, 0), colors, live ? m_scroll->value() : 0, hovering ? m_hovered : m_kept,
             hovering ? m_hoveredLeft : m_keptLeft);
}

// only >= 0: the lines of that token alone, and its weights behind the tokens of the other side.
void AttentionHeadView::paintLines(QPainter& painter, const QRectF& area, const ThemeColors& colors, double scroll,
                                   int only, bool onlyLeft) const {
  const QRectF columns = columnsIn(area);
  const double row = rowHeight(), label = m_labelWidth;
  const int n = static_cast<int>(m_shown.size());
  const double firstY = columns.top() + row - scroll;
  const double x1 = columns.left() + label + 2, x2 = columns.right() - label - 2;
  const auto yOf = [&](int i) { return firstY + (i + 0.5) * row; };
  const int firstSeen = std::clamp(static_cast<int>((area.top() - firstY) / row), 0, n - 1);
  const int lastSeen = std::clamp(static_cast<int>((area.bottom() - firstY) / row), 0, n - 1);
  const QColor ink = seriesStyle(colors.dark ? 5 : 0, colors.dark).color;

  std::vector<Line> lines;
  const auto consider = [&](int from, int to) {
    const bool seen = (from >= firstSeen && from <= lastSeen) || (to >= firstSeen && to <= lastSeen);
    const float weight = weightOf(from, to);
    if (seen && weight >= kFaintest) lines.push_back({weight, from, to});
  };
  for (int from = 0; from < n; ++from) {
    if (only >= 0 && onlyLeft && from != only) continue;
    if (only >= 0 && !onlyLeft) {
      consider(from, only);
    } else {
      for (int to = 0; to < n; ++to) consider(from, to);
    }
  }
  if (lines.size() > kMostLines) {
    std::nth_element(lines.begin(), lines.begin() + kMostLines, lines.end(),
                     [](const Line& a, const Line& b) { return a.weight > b.weight; });
    lines.resize(kMostLines);
  }
  std::array<QList<QLineF>, kOpacities> byOpacity;
  for (const Line& line : lines) {
    const auto level = static_cast<size_t>(std::clamp(line.weight * kOpacities, 0.f, kOpacities - 1.f));
    byOpacity[level] << QLineF(x1, yOf(line.from), x2, yOf(line.to));
  }
  painter.save();
  painter.setClipRect(area.adjusted(0, row, 0, 0));
  for (int level = 0; level < kOpacities; ++level) {
    QColor color = ink;
    color.setAlphaF(static_cast<float>(level + 1) / kOpacities);
    painter.setPen(QPen(color, only >= 0 ? 2 : 1.5));
    painter.drawLines(byOpacity[static_cast<size_t>(level)]);
  }
  painter.setFont(Theme::instance().bodyFont());
  const QFontMetricsF metrics(painter.font());
  for (int i = firstSeen; i <= lastSeen; ++i) {
    const auto token = static_cast<size_t>(m_shown[static_cast<size_t>(i)]);
    const bool special = token < m_attention->special.size() && m_attention->special[token];
    for (const bool left : {true, false}) {
      const QRectF cell(left ? columns.left() : x2 + 2, firstY + i * row, label, row);
      const bool chosen = only == i && left == onlyLeft;
      if (only >= 0 && left != onlyLeft) {
        QColor ground = ink;
        ground.setAlphaF(std::clamp((onlyLeft ? weightOf(only, i) : weightOf(i, only)) * 0.9f, 0.f, 0.9f));
        painter.fillRect(cell.adjusted(0, 1, 0, -1), ground);
        // Its number, outside the column of names.
        const float weight = onlyLeft ? weightOf(only, i) : weightOf(i, only);
        painter.setPen(colors.secondaryText);
        painter.setFont(Theme::instance().secondaryFont());
        const double inner = left ? cell.right() + 6 : cell.left() - 6;
        const QRectF number(left ? inner : inner - label, cell.top(), label, row);
        if (weight >= kFaintest) {
          const Qt::Alignment side = left ? Qt::AlignLeft : Qt::AlignRight;
          const QString text = formatFixed(weight, 2);
          QColor halo = colors.surface;
          halo.setAlphaF(0.85f);
          const double width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 4;
          painter.fillRect(
              QRectF(left ? number.left() - 2 : number.right() - width + 2, number.top() + 2, width, row - 4), halo);
          painter.drawText(number, side | Qt::AlignVCenter, text);
        }
        painter.setFont(Theme::instance().bodyFont());
      }
      if (chosen) painter.fillRect(cell.adjusted(0, 1, 0, -1), colors.selection);
      painter.setPen(special ? colors.secondaryText : colors.text);
      painter.drawText(
          cell.adjusted(kGrid / 2, 0, -kGrid / 2, 0), (left ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter,
          metrics.elidedText(m_attention->tokens[static_cast<qsizetype>(token)], Qt::ElideRight, label - kGrid));
    }
  }
  painter.restore();
  painter.setFont(Theme::instance().secondaryFont());
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(columns.left(), columns.top(), label - kGrid / 2, row), Qt::AlignRight | Qt::AlignVCenter,
                   tr("from"));
  painter.drawText(QRectF(x2 + 2 + kGrid / 2, columns.top(), label, row), Qt::AlignLeft | Qt::AlignVCenter, tr("to"));
}

QRectF AttentionHeadView::matrixRect(const QRectF& area) const {
  const QFontMetricsF metrics(Theme::instance().secondaryFont());
  const double label = std::min(m_labelWidth, area.width() / 4);
  const double bar = ColorBar::barWidth(kWeights, Theme::instance().secondaryFont()) + 3 * kGrid;
  const double top = std::min(label, area.height() / 4) + metrics.height() + kGrid;
  const double side = std::min(area.width() - label - metrics.height() - bar - kGrid, area.height() - top - kGrid);
  return {area.left() + kGrid + label + metrics.height(), area.top() + top, std::max(8.0, side), std::max(8.0, side)};
}

void AttentionHeadView::paintMatrix(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  const QRectF matrix = matrixRect(area);
  const int n = static_cast<int>(m_shown.size());
  const ColorMap map(ColorMapKind::Viridis, colors.dark);
  // Never fewer cells than pixels can show: the strongest weight of those that share one.
  const int side = std::min(n, std::max(1, static_cast<int>(matrix.width() * painter.device()->devicePixelRatioF())));
  std::vector<float> cells(static_cast<size_t>(side) * static_cast<size_t>(side), 0);
  for (int from = 0; from < n; ++from) {
    for (int to = 0; to < n; ++to) {
      float& cell = cells[static_cast<size_t>(static_cast<int64_t>(from) * side / n * side +
                                              static_cast<int64_t>(to) * side / n)];
      cell = std::max(cell, weightOf(from, to));
    }
  }
  QImage image(side, side, QImage::Format_RGB32);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) image.setPixel(x, y, map.at(cells[static_cast<size_t>(y * side + x)]));
  }
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  if (painter.device()->devType() != QInternal::Widget) {
    image = image.scaled((matrix.size() * 2).toSize(), Qt::IgnoreAspectRatio, Qt::FastTransformation);
  }
  painter.drawImage(matrix, image);

  const QFont font = Theme::instance().secondaryFont();
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  const double line = metrics.height(), cell = matrix.width() / n;
  painter.setPen(colors.secondaryText);
  const double label = std::min(m_labelWidth, area.width() / 4);
  const int every = std::max(1, static_cast<int>(std::ceil(line / cell)));
  for (int i = 0; i < n; i += every) {
    const QString text =
        metrics.elidedText(m_attention->tokens[m_shown[static_cast<size_t>(i)]], Qt::ElideRight, label - kGrid);
    painter.drawText(QRectF(matrix.left() - label, matrix.top() + (i + 0.5) * cell - line / 2, label - 4, line),
                     Qt::AlignRight | Qt::AlignVCenter, text);
    painter.save();
    painter.translate(matrix.left() + (i + 0.5) * cell, matrix.top() - 4);
    painter.rotate(-90);
    painter.drawText(QRectF(0, -line / 2, label, line), Qt::AlignLeft | Qt::AlignVCenter, text);
    painter.restore();
  }
  painter.save();
  painter.translate(matrix.left() - label - line, matrix.top());
  painter.rotate(-90);
  painter.drawText(QRectF(-matrix.height(), 0, matrix.height(), line), Qt::AlignRight | Qt::AlignVCenter, tr("← from"));
  painter.restore();
  const double barTop = matrix.top();
  painter.drawText(QRectF(area.left() + kGrid, matrix.top() - line - 4, matrix.left() - area.left() - 2 * kGrid, line),
                   Qt::AlignRight | Qt::AlignVCenter, tr("to →"));
  ColorBar::paintBar(painter,
                     QRectF(matrix.right() + 2 * kGrid, barTop, ColorBar::barWidth(kWeights, font),
                            std::min(matrix.height(), 24.0 * kGrid)),
                     kWeights, colors, font);
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(matrix.right() + 2 * kGrid, matrix.top() - line - 4, 20.0 * kGrid, line), Qt::AlignLeft,
                   tr("weight"));
}

void AttentionHeadView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_mode != Mode::Matrix || m_hovered < 0) return;
  const QRectF matrix = matrixRect(rect());
  const double cell = matrix.height() / static_cast<double>(m_shown.size());
  painter.setPen(QPen(colors.accent, 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(QRectF(matrix.left(), matrix.top() + m_hovered * cell, matrix.width(), cell));
}

}  // namespace espalier
