#include "widgets/charts/head_matrix.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kPartLength = 0.35;  // of a strike: clear of the number in the middle

}  // namespace

struct HeadMatrix::Layout {
  QPointF origin;
  double cellWidth = 0, cellHeight = 0;
  QRectF bar;
  QFont font;

  QRectF cell(HeadPosition at) const {
    return {origin.x() + at.second.value * cellWidth, origin.y() + at.first.value * cellHeight, cellWidth, cellHeight};
  }
};

HeadMatrix::HeadMatrix(QWidget* parent) : Chart(parent), m_motion(new QVariantAnimation(this)) {
  m_motion->setStartValue(0.0);
  m_motion->setEndValue(1.0);
  m_motion->setDuration(150);
  connect(m_motion, &QVariantAnimation::valueChanged, this, [this](const QVariant& share) {
    m_leavingShare = share.toDouble();
    update();
  });
  setAccessibleName(tr("Importance of every head"));
  setTitle(tr("Importance of every head"));
  setEmptyText(tr("Measure the importance of the heads to see which ones matter."));
}

void HeadMatrix::setScores(const HeadScores& scores) {
  m_scores = scores;
  m_scale.map = scores.isSigned ? ColorMapKind::Diverging : ColorMapKind::Viridis;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& [position, value] : scores.values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (scores.isSigned) high = std::max(std::abs(high), std::abs(low));
  // Magnitudes are shown from zero on, whatever the least of them is.
  low = std::min(low, 0.0);
  if (!(high > low)) high = low + 1;
  m_scale.high = m_scale.fullHigh = high;
  m_scale.low = m_scale.fullLow = scores.isSigned ? -high : low;
  setTitle(scores.criterion);
  setReadout({});
  updateGeometry();
  update();
}

void HeadMatrix::clear() {
  m_pruned.clear();
  m_partly.clear();
  setScores({});
}

void HeadMatrix::setPruned(const std::set<HeadPosition>& pruned, const std::set<HeadPosition>& partly) {
  m_leaving.clear();
  std::set_difference(pruned.begin(), pruned.end(), m_pruned.begin(), m_pruned.end(),
                      std::inserter(m_leaving, m_leaving.end()));
  m_motion->stop();
  m_leavingShare = 1;
  if (!m_leaving.empty() && isVisible() && !Theme::instance().reducedMotion()) m_motion->start();
  m_pruned = pruned;
  m_partly = partly;
  update();
}

void HeadMatrix::setCompact(bool compact) {
  m_compact = compact;
  updateGeometry();
  update();
}

void HeadMatrix::setChosen(bool chosen) {
  m_chosen = chosen;
  update();
}

void HeadMatrix::setCurrent(LayerIndex layer, HeadIndex head) {
  m_current = {layer, head};
  update();
}

HeadMatrix::Layout HeadMatrix::layoutFor(const QRectF& area) const {
  Layout layout;
  layout.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(layout.font);
  const double line = std::ceil(metrics.height());
  const int layers = std::max(1, m_scores.layers), heads = std::max(1, m_scores.heads);
  if (m_compact) {
    const double top = line + kGrid;
    const double cell = std::max(2.0, std::min((area.width() - 2) / heads, (area.height() - top - 2) / layers));
    layout.cellWidth = layout.cellHeight = std::floor(cell);
    layout.origin = QPointF(area.left() + 1, area.top() + top);
    return layout;
  }
  const double left = kGrid + std::ceil(metrics.horizontalAdvance(tr("layer"))) + kGrid;
  const double top = kGrid + 2 * line + 4;
  const double bar =
      std::max(ColorBar::barWidth(m_scale, layout.font), std::ceil(metrics.horizontalAdvance(m_scores.unit)));
  const double width = (area.width() - left - bar - 4 * kGrid) / heads;
  const double height = (area.height() - top - line - 2 * kGrid) / layers;
  // Cells as wide as their numbers, never towers.
  layout.cellWidth = std::clamp(std::min(width, height * 2), 4.0, 88.0);
  layout.cellHeight = std::clamp(std::min(height, layout.cellWidth), 4.0, 56.0);
  // Whole pixels: every gap is as wide as the next.
  layout.cellWidth = std::floor(layout.cellWidth);
  layout.cellHeight = std::floor(layout.cellHeight);
  layout.origin = QPointF(area.left() + left, area.top() + top);
  layout.bar = QRectF(layout.origin.x() + heads * layout.cellWidth + 2 * kGrid, layout.origin.y(), bar,
                      std::min(std::max(layers * layout.cellHeight, 10.0 * kGrid), 30.0 * kGrid));
  return layout;
}

QRectF HeadMatrix::cellRect(LayerIndex layer, HeadIndex head) const { return layoutFor(rect()).cell({layer, head}); }

// Without the room that the cells leave free.
QSize HeadMatrix::figureSize() const {
  const QSize size = Chart::figureSize();
  if (m_compact || isEmpty()) return size;
  const Layout layout = layoutFor(QRectF(QPointF(), QSizeF(size)));
  const double line = std::ceil(QFontMetricsF(layout.font).height());
  const double foot = layout.origin.y() + m_scores.layers * layout.cellHeight + line + 2 * kGrid;
  return QSize(static_cast<int>(std::ceil(layout.bar.right())) + kGrid,
               static_cast<int>(std::ceil(std::max(foot, layout.bar.bottom() + kGrid))))
      .boundedTo(size);
}

QSize HeadMatrix::sizeHint() const {
  const QFontMetrics metrics(Theme::instance().secondaryFont());
  if (m_compact) {
    // As high as its cells are wide, up to a square.
    const int width = 16 * kGrid, high = width * std::max(1, m_scores.layers) / std::max(1, m_scores.heads);
    return {width, metrics.height() + kGrid + std::clamp(high, 4 * kGrid, 10 * kGrid)};
  }
  return {std::max(4, m_scores.heads) * 56 + 16 * kGrid, std::max(4, m_scores.layers) * 40 + 10 * kGrid};
}

QSize HeadMatrix::minimumSizeHint() const {
  const QFontMetrics metrics(Theme::instance().secondaryFont());
  if (m_compact) return {10 * kGrid, 8 * kGrid + metrics.height()};
  return {std::max(4, m_scores.heads) * 12 + 14 * kGrid + metrics.horizontalAdvance(tr("layer")),
          std::max(4, m_scores.layers) * 12 + 6 * kGrid + 3 * metrics.height()};
}

void HeadMatrix::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Layout layout = layoutFor(area);
  const QFontMetricsF metrics(layout.font);
  const double line = metrics.height();
  const ColorMap map(m_scale.map, colors.dark);
  painter.setFont(layout.font);
  painter.setPen(m_compact ? colors.text : colors.secondaryText);
  if (m_compact) {
    painter.drawText(QRectF(area.left() + 1, area.top() + kGrid / 2, area.width() - 2, line),
                     Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(m_scores.criterion, Qt::ElideRight, area.width() - 2));
  } else {
    painter.drawText(QRectF(layout.origin.x(), layout.origin.y() - 2 * line - 4, 30.0 * kGrid, line), Qt::AlignLeft,
                     ofHeads() ? tr("head") : m_scores.column);
    painter.drawText(QRectF(area.left() + kGrid, layout.origin.y() - line - 4, 30.0 * kGrid, line), Qt::AlignLeft,
                     tr("layer"));
    const int everyHead = layout.cellWidth < metrics.horizontalAdvance(QStringLiteral("000")) ? 2 : 1;
    const int numbered = ofHeads() || m_scores.heads > 1 ? m_scores.heads : 0;
    for (int head = 0; head < numbered; head += everyHead) {
      const QRectF cell = layout.cell({LayerIndex(0), HeadIndex(head)});
      painter.drawText(QRectF(cell.left() - line, cell.top() - line - 3, cell.width() + 2 * line, line),
                       Qt::AlignHCenter, QString::number(head));
    }
    const int everyLayer = layout.cellHeight < line ? 2 : 1;
    for (int layer = 0; layer < m_scores.layers; layer += everyLayer) {
      const QRectF cell = layout.cell({LayerIndex(layer), HeadIndex(0)});
      painter.drawText(QRectF(area.left(), cell.center().y() - line / 2, cell.left() - kGrid - area.left(), line),
                       Qt::AlignRight | Qt::AlignVCenter, QString::number(layer));
    }
  }
  // All numbers with the decimals that give the largest three digits, so that they can be compared at a glance.
  const int decimals =
      std::clamp(2 - static_cast<int>(std::floor(std::log10(std::max(m_scale.high, -m_scale.low)))), 0, 12);
  const auto written = [&](double value) {
    return decimals > 4 ? formatNumber(value, 2) : formatFixed(value, decimals);
  };
  const bool live = painter.device()->devType() == QInternal::Widget;
  const double gap = layout.cellWidth > 16 ? 1 : 0, small = layout.cellWidth >= 6 ? 1 : 0;
  const bool numbers = !m_compact && layout.cellHeight >= line + 2 &&
                       layout.cellWidth >= std::max(metrics.horizontalAdvance(written(m_scale.high)),
                                                    metrics.horizontalAdvance(written(m_scale.low))) +
                                               6;
  for (int layer = 0; layer < m_scores.layers; ++layer) {
    for (int head = 0; head < m_scores.heads; ++head) {
      const HeadPosition at{LayerIndex(layer), HeadIndex(head)};
      const QRectF cell = layout.cell(at).adjusted(gap, gap, -std::max(gap, small), -std::max(gap, small));
      const auto found = m_scores.values.find(at);
      if (found == m_scores.values.end()) {
        // Gone from the model: only its place is left.
        painter.setPen(QPen(colors.strongLine, 1, Qt::DotLine));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5));
        continue;
      }
      const double t = (found->second - m_scale.low) / (m_scale.high - m_scale.low);
      const bool pruned = m_pruned.count(at) > 0;
      const double gone = !pruned ? 0 : live && m_leaving.count(at) > 0 ? m_leavingShare : 1;
      painter.setRenderHint(QPainter::Antialiasing, false);
      painter.fillRect(cell, QColor(map.at(t)));
      QColor veil = colors.raised;
      veil.setAlphaF(static_cast<float>(gone));
      painter.fillRect(cell, veil);
      painter.setRenderHint(QPainter::Antialiasing);
      const QColor ink = pruned ? colors.secondaryText : map.textOn(t);
      if (numbers) {
        painter.setPen(ink);
        painter.drawText(cell, Qt::AlignCenter, written(found->second));
      }
      const QLineF strike(cell.bottomLeft() + QPointF(3, -3), cell.topRight() + QPointF(-3, 3));
      if (!pruned && m_partly.count(at) > 0) {
        painter.setPen(QPen(map.textOn(t), layout.cellWidth > 16 ? 1.5 : 1));
        painter.drawLine(strike.p1(), strike.pointAt(kPartLength));
      }
      if (!pruned) continue;
      painter.setPen(QPen(colors.secondaryText, layout.cellWidth > 16 ? 1.5 : 1));
      painter.drawLine(strike.p1(), strike.pointAt(gone));
      if (!numbers) painter.drawLine(cell.topLeft() + QPointF(3, 3), cell.bottomRight() + QPointF(-3, -3));
      painter.setBrush(Qt::NoBrush);
      painter.setPen(QPen(colors.strongLine, 1));
      painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5));
    }
  }
  if (m_compact) return;
  ColorBar::paintBar(painter, layout.bar, m_scale, colors, layout.font);
  painter.setPen(colors.secondaryText);
  if (!m_scores.unit.isEmpty()) {
    painter.drawText(QRectF(layout.bar.left(), layout.bar.top() - line - 3, 30.0 * kGrid, line), Qt::AlignLeft,
                     m_scores.unit);
  }
  const auto left = static_cast<int>(m_scores.values.size());
  const QString count = !ofHeads()         ? m_scores.foot
                        : m_pruned.empty() ? tr("%1 heads").arg(left)
                                           : tr("%1 of %2 heads to be pruned").arg(m_pruned.size()).arg(left);
  const double foot = layout.origin.y() + m_scores.layers * layout.cellHeight + kGrid;
  painter.drawText(QRectF(layout.origin.x(), foot, area.right() - layout.origin.x(), line),
                   Qt::AlignLeft | Qt::AlignVCenter, count);
}

void HeadMatrix::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  const Layout layout = layoutFor(rect());
  painter.setBrush(Qt::NoBrush);
  if (m_compact) {
    if (!m_chosen || isEmpty()) return;
    painter.setPen(QPen(colors.accent, 2));
    painter.drawRect(
        QRectF(layout.origin, QSizeF(m_scores.heads * layout.cellWidth, m_scores.layers * layout.cellHeight)));
    return;
  }
  if (m_hovered && exists(*m_hovered)) {
    painter.setPen(QPen(colors.text, 1.5));
    painter.drawRect(layout.cell(*m_hovered).adjusted(1, 1, -1, -1));
  }
  painter.setPen(QPen(colors.surface, 4));
  painter.drawRect(layout.cell(m_current).adjusted(1, 1, -1, -1));
  painter.setPen(QPen(colors.accent, 2));
  painter.drawRect(layout.cell(m_current).adjusted(1, 1, -1, -1));
}

std::optional<HeadPosition> HeadMatrix::headAt(QPointF position) const {
  const Layout layout = layoutFor(rect());
  const int head = static_cast<int>(std::floor((position.x() - layout.origin.x()) / layout.cellWidth));
  const int layer = static_cast<int>(std::floor((position.y() - layout.origin.y()) / layout.cellHeight));
  if (layer < 0 || layer >= m_scores.layers || head < 0 || head >= m_scores.heads) return std::nullopt;
  return HeadPosition{LayerIndex(layer), HeadIndex(head)};
}

QString HeadMatrix::readoutFor(HeadPosition at) const {
  QString where = tr("layer %1").arg(at.first.value);
  // A single column has no number: it is the layer.
  if (ofHeads() || m_scores.heads > 1) {
    where += QStringLiteral(", %1 %2").arg(ofHeads() ? tr("head") : m_scores.column).arg(at.second.value);
  }
  const auto found = m_scores.values.find(at);
  if (found == m_scores.values.end()) return tr("%1 was removed").arg(where);
  const QString what = m_scores.unit.isEmpty() ? m_scores.criterion : m_scores.unit;
  const QString state = m_pruned.count(at) > 0   ? tr("; the recipe prunes it")
                        : m_partly.count(at) > 0 ? tr("; the recipe prunes a part of it")
                                                 : QString();
  return QStringLiteral("%1: %2 %3%4").arg(where, what, formatExact(found->second), state);
}

void HeadMatrix::toggle(HeadPosition at) {
  if (!exists(at)) return;
  Q_EMIT headToggled(at.first, at.second, m_pruned.count(at) == 0);
}

void HeadMatrix::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || isEmpty()) return Chart::mousePressEvent(event);
  if (m_compact) {
    Q_EMIT activated();
    return;
  }
  const auto at = headAt(event->position());
  if (!at) return;
  m_current = *at;
  Q_EMIT headSelected(at->first, at->second);
  toggle(*at);
  setReadout(readoutFor(*at));
  update();
}

void HeadMatrix::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const auto at = headAt(event->position());
  setReadout(at ? readoutFor(*at) : QString());
  if (at == m_hovered) return;
  m_hovered = at;
  update();
}

void HeadMatrix::leaveEvent(QEvent* event) {
  m_hovered.reset();
  update();
  Chart::leaveEvent(event);
}

void HeadMatrix::keyPressEvent(QKeyEvent* event) {
  if (isEmpty()) return Chart::keyPressEvent(event);
  int layer = m_current.first.value, head = m_current.second.value;
  switch (event->key()) {
    case Qt::Key_Left:
      --head;
      break;
    case Qt::Key_Right:
      ++head;
      break;
    case Qt::Key_Up:
      --layer;
      break;
    case Qt::Key_Down:
      ++layer;
      break;
    case Qt::Key_Space:
    case Qt::Key_Return:
    case Qt::Key_Enter:
      if (m_compact) {
        Q_EMIT activated();
      } else {
        toggle(m_current);
        setReadout(readoutFor(m_current));
      }
      return;
    default:
      return Chart::keyPressEvent(event);
  }
  m_current = {LayerIndex(std::clamp(layer, 0, m_scores.layers - 1)),
               HeadIndex(std::clamp(head, 0, m_scores.heads - 1))};
  setReadout(readoutFor(m_current));
  Q_EMIT headSelected(m_current.first, m_current.second);
  update();
}

QString HeadMatrix::figureCsv() const {
  QString csv = csvLine({QStringLiteral("layer"), ofHeads() ? QStringLiteral("head") : QStringLiteral("column"),
                         QStringLiteral("score"), QStringLiteral("pruned")});
  for (const auto& [at, value] : m_scores.values) {
    csv += csvLine({QString::number(at.first.value), QString::number(at.second.value), csvNumber(value),
                    m_pruned.count(at) > 0 ? QStringLiteral("1") : QStringLiteral("0")});
  }
  return csv;
}

}  // namespace espalier
