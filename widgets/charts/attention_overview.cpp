#include "widgets/charts/attention_overview.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/color_bar.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr int kMostCells = 48;  // along a thumbnail's edge
constexpr int64_t kCsvWeights = 1000000;

const ColorScale kWeights{ColorMapKind::Viridis, 0, 1, 0, 1};

// The strongest weight of each block of tokens.
QImage thumbnail(const AttentionData& data, LayerIndex layer, int row, const std::vector<int>& shown) {
  const int n = static_cast<int>(shown.size());
  const int side = std::min(n, kMostCells);
  const ColorMap map(ColorMapKind::Viridis, false);
  const float* weights = data.layers[static_cast<size_t>(layer.value)].values<float>().data() +
                         static_cast<int64_t>(row) * data.size() * data.size();
  std::vector<float> cells(static_cast<size_t>(side) * static_cast<size_t>(side), 0);
  for (int i = 0; i < n; ++i) {
    const float* from = weights + shown[static_cast<size_t>(i)] * data.size();
    float* line = cells.data() + static_cast<int64_t>(i) * side / n * side;
    for (int j = 0; j < n; ++j) {
      float& cell = line[static_cast<int64_t>(j) * side / n];
      cell = std::max(cell, from[shown[static_cast<size_t>(j)]]);
    }
  }
  QImage image(side, side, QImage::Format_RGB32);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) image.setPixel(x, y, map.at(cells[static_cast<size_t>(y * side + x)]));
  }
  return image;
}

}  // namespace

struct AttentionOverview::Grid {
  QPointF origin;
  double side = 0, gap = 0;
  QRectF bar;
  QFont font;

  QRectF cell(int layer, int head) const {
    return {origin.x() + head * (side + gap), origin.y() + layer * (side + gap), side, side};
  }
};

AttentionOverview::AttentionOverview(QWidget* parent) : Chart(parent) {
  setAccessibleName(tr("Attention of every head"));
  setTitle(tr("Attention of every head"));
  setEmptyText(tr("Type or choose a sentence to see where every head looks."));
}

void AttentionOverview::setAttention(AttentionPtr attention) {
  m_attention = std::move(attention);
  rebuild();
}

void AttentionOverview::setHideSpecial(bool hide) {
  if (hide == m_hideSpecial) return;
  m_hideSpecial = hide;
  rebuild();
}

void AttentionOverview::rebuild() {
  m_thumbnails.clear();
  if (!isEmpty()) {
    const std::vector<int> shown = m_attention->tokensShown(m_hideSpecial);
    for (int layer = 0; layer < m_attention->layerCount(); ++layer) {
      auto& row = m_thumbnails.emplace_back();
      for (int head = 0; head < m_attention->columnCount(); ++head) {
        const int at = m_attention->rowOf(LayerIndex(layer), HeadIndex(head));
        row.push_back(at < 0 || shown.empty() ? QImage() : thumbnail(*m_attention, LayerIndex(layer), at, shown));
      }
    }
    setNote(tr("Sentence: %1. Rows of a thumbnail are the tokens that look, columns the tokens looked at.")
                .arg(m_attention->tokens.join(' ')));
  }
  setReadout({});
  updateGeometry();
  update();
}

void AttentionOverview::setSelection(LayerIndex layer, HeadIndex head) {
  m_layer = layer;
  m_head = head;
  update();
}

AttentionOverview::Grid AttentionOverview::gridFor(const QRectF& area) const {
  Grid grid;
  grid.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(grid.font);
  const double line = std::ceil(metrics.height());
  const double left =
      kGrid +
      std::ceil(std::max(metrics.horizontalAdvance(tr("layer")), metrics.horizontalAdvance(QStringLiteral("00")))) +
      kGrid;
  const double top = kGrid + 2 * line + 4;
  const double bar =
      std::max(ColorBar::barWidth(kWeights, grid.font), std::ceil(metrics.horizontalAdvance(tr("weight"))));
  const int layers = std::max(1, m_attention->layerCount()), heads = std::max(1, m_attention->columnCount());
  const double pitch =
      std::min((area.width() - left - bar - 3 * kGrid) / heads, (area.height() - top - kGrid) / layers);
  grid.gap = pitch > 40 ? 6 : pitch > 16 ? 3 : 1;
  grid.side = std::max(2.0, std::min(std::floor(pitch - grid.gap), 160.0));
  grid.origin = QPointF(area.left() + left, area.top() + top);
  const double height = layers * (grid.side + grid.gap) - grid.gap;
  grid.bar = QRectF(grid.origin.x() + heads * (grid.side + grid.gap) + kGrid, grid.origin.y(), bar,
                    std::min(height, 24.0 * kGrid));
  return grid;
}

QRectF AttentionOverview::thumbnailRect(LayerIndex layer, HeadIndex head) const {
  return isEmpty() ? QRectF() : gridFor(rect()).cell(layer.value, head.value);
}

// Without the room that square thumbnails leave free.
QSize AttentionOverview::figureSize() const {
  const QSize size = Chart::figureSize();
  if (isEmpty()) return size;
  const Grid grid = gridFor(QRectF(QPointF(), QSizeF(size)));
  const double foot = grid.origin.y() + m_attention->layerCount() * (grid.side + grid.gap) + kGrid;
  return QSize(static_cast<int>(std::ceil(grid.bar.right() + 2 * kGrid)),
               static_cast<int>(std::ceil(std::max(foot, grid.bar.bottom() + kGrid))))
      .boundedTo(size);
}

QSize AttentionOverview::minimumSizeHint() const {
  const QFontMetrics metrics(Theme::instance().secondaryFont());
  const int layers = m_attention == nullptr ? 4 : m_attention->layerCount();
  const int heads = m_attention == nullptr ? 4 : m_attention->columnCount();
  // Many heads get small thumbnails rather than a wide window.
  return {metrics.horizontalAdvance(tr("layer")) + 12 * kGrid + std::min(heads * 16, 16 * kGrid),
          metrics.height() * 2 + 3 * kGrid + std::min(layers * 16, 16 * kGrid)};
}

void AttentionOverview::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Grid grid = gridFor(area);
  painter.setFont(grid.font);
  const QFontMetricsF metrics(grid.font);
  const double line = metrics.height();
  painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(grid.origin.x(), grid.origin.y() - 2 * line - 4, 30.0 * kGrid, line), Qt::AlignLeft,
                   tr("head"));
  painter.drawText(QRectF(area.left() + kGrid, grid.origin.y() - line - 4, 30.0 * kGrid, line), Qt::AlignLeft,
                   tr("layer"));
  const int every = grid.side + grid.gap < metrics.horizontalAdvance(QStringLiteral("000")) ? 2 : 1;
  for (int head = 0; head < m_attention->columnCount(); head += every) {
    const QRectF cell = grid.cell(0, head);
    painter.drawText(QRectF(cell.left() - line, cell.top() - line - 3, cell.width() + 2 * line, line), Qt::AlignHCenter,
                     QString::number(head));
  }
  for (int layer = 0; layer < m_attention->layerCount(); ++layer) {
    const QRectF first = grid.cell(layer, 0);
    if (layer % (grid.side + grid.gap < line ? 2 : 1) == 0) {
      painter.setPen(colors.secondaryText);
      painter.drawText(QRectF(area.left(), first.center().y() - line / 2, first.left() - kGrid - area.left(), line),
                       Qt::AlignRight | Qt::AlignVCenter, QString::number(layer));
    }
    for (int head = 0; head < m_attention->columnCount(); ++head) {
      const QRectF cell = grid.cell(layer, head);
      const QImage& image = m_thumbnails[static_cast<size_t>(layer)][static_cast<size_t>(head)];
      if (!image.isNull()) {
        painter.drawImage(cell, image);
        continue;
      }
      painter.setPen(QPen(colors.strongLine, 1, Qt::DotLine));
      painter.setBrush(Qt::NoBrush);
      painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5));
    }
  }
  ColorBar::paintBar(painter, grid.bar, kWeights, colors, grid.font);
  painter.setPen(colors.secondaryText);
  painter.drawText(QRectF(grid.bar.left(), grid.bar.top() - line - 3, 20.0 * kGrid, line), Qt::AlignLeft, tr("weight"));
}

void AttentionOverview::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const QRectF cell = gridFor(rect()).cell(m_layer.value, m_head.value);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(colors.surface, 4));
  painter.drawRect(cell.adjusted(-1, -1, 1, 1));
  painter.setPen(QPen(colors.accent, 2));
  painter.drawRect(cell.adjusted(-1, -1, 1, 1));
}

std::optional<std::pair<LayerIndex, HeadIndex>> AttentionOverview::headAt(QPointF position) const {
  if (isEmpty()) return std::nullopt;
  const Grid grid = gridFor(rect());
  const int head = static_cast<int>(std::floor((position.x() - grid.origin.x()) / (grid.side + grid.gap)));
  const int layer = static_cast<int>(std::floor((position.y() - grid.origin.y()) / (grid.side + grid.gap)));
  if (layer < 0 || layer >= m_attention->layerCount() || head < 0 || head >= m_attention->columnCount())
    return std::nullopt;
  return std::pair(LayerIndex(layer), HeadIndex(head));
}

void AttentionOverview::select(LayerIndex layer, HeadIndex head) {
  if (m_attention->rowOf(layer, head) < 0) {
    setReadout(tr("layer %1, head %2 was removed").arg(layer.value).arg(head.value));
    return;
  }
  setSelection(layer, head);
  setReadout(tr("layer %1, head %2").arg(layer.value).arg(head.value));
  Q_EMIT headSelected(layer, head);
}

void AttentionOverview::mousePressEvent(QMouseEvent* event) {
  const auto at = headAt(event->position());
  if (event->button() != Qt::LeftButton || !at) return Chart::mousePressEvent(event);
  select(at->first, at->second);
}

void AttentionOverview::mouseDoubleClickEvent(QMouseEvent* event) {
  const auto at = headAt(event->position());
  if (at && m_attention->rowOf(at->first, at->second) >= 0) Q_EMIT headOpened(at->first, at->second);
}

void AttentionOverview::mouseMoveEvent(QMouseEvent* event) {
  const auto at = headAt(event->position());
  if (!at) return setReadout({});
  const bool removed = m_attention->rowOf(at->first, at->second) < 0;
  setReadout((removed ? tr("layer %1, head %2 was removed") : tr("layer %1, head %2"))
                 .arg(at->first.value)
                 .arg(at->second.value));
}

void AttentionOverview::keyPressEvent(QKeyEvent* event) {
  if (isEmpty()) return Chart::keyPressEvent(event);
  int dx = 0, dy = 0;
  switch (event->key()) {
    case Qt::Key_Left:
      dx = -1;
      break;
    case Qt::Key_Right:
      dx = 1;
      break;
    case Qt::Key_Up:
      dy = -1;
      break;
    case Qt::Key_Down:
      dy = 1;
      break;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      Q_EMIT headOpened(m_layer, m_head);
      return;
    default:
      return Chart::keyPressEvent(event);
  }
  // Removed heads are stepped over.
  int layer = m_layer.value + dy, head = m_head.value + dx;
  while (layer >= 0 && layer < m_attention->layerCount() && head >= 0 && head < m_attention->columnCount()) {
    if (m_attention->rowOf(LayerIndex(layer), HeadIndex(head)) >= 0) return select(LayerIndex(layer), HeadIndex(head));
    layer += dy;
    head += dx;
  }
}

QString AttentionOverview::figureCsv() const {
  if (isEmpty()) return {};
  const AttentionData& attention = *m_attention;
  const std::vector<int> shown = attention.tokensShown(m_hideSpecial);
  int64_t heads = 0;
  for (const Tensor& layer : attention.layers) heads += layer.size(0);
  const auto n = static_cast<int64_t>(shown.size());
  const bool whole = heads * n * n <= kCsvWeights;
  QString csv =
      whole ? csvLine({QStringLiteral("layer"), QStringLiteral("head"), QStringLiteral("from"), QStringLiteral("to"),
                       QStringLiteral("from_token"), QStringLiteral("to_token"), QStringLiteral("weight")})
            : csvLine({QStringLiteral("layer"), QStringLiteral("head"), QStringLiteral("mean_entropy_nats")});
  for (int layer = 0; layer < attention.layerCount(); ++layer) {
    for (int head = 0; head < attention.columnCount(); ++head) {
      const int row = attention.rowOf(LayerIndex(layer), HeadIndex(head));
      if (row < 0) continue;
      double entropy = 0;
      for (const int from : shown) {
        for (const int to : shown) {
          const double weight = attention.weight(LayerIndex(layer), row, from, to);
          if (weight > 0) entropy -= weight * std::log(weight);
          if (!whole) continue;
          csv += csvLine({QString::number(layer), QString::number(head), QString::number(from), QString::number(to),
                          attention.tokens[from], attention.tokens[to], QString::number(weight, 'g', 7)});
        }
      }
      if (!whole)
        csv += csvLine({QString::number(layer), QString::number(head), csvNumber(entropy / static_cast<double>(n))});
    }
  }
  return csv;
}

}  // namespace espalier
