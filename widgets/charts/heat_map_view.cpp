#include "widgets/charts/heat_map_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "widgets/charts/heat_map_geometry.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kLargestCell = 64;    // pixels a value
constexpr double kWheelFactor = 1.25;  // a notch
constexpr double kFillBeyond = 4;      // longer than this many times the view's shape, a matrix is stretched to fill it

double quantileOf(const Statistics& statistics, double share) {
  for (size_t i = 0; i < kAbsQuantiles.size(); ++i) {
    if (std::abs(kAbsQuantiles[i] - share) < 1e-9) return statistics.abs_quantiles[i];
  }
  return statistics.abs_max();
}

}  // namespace

HeatMapView::HeatMapView(QWidget* parent) : Chart(parent), m_bar(new ColorBar(this)) {
  setAccessibleName(tr("Heat map of a weight matrix"));
  setEmptyText(tr("Select a matrix in the model tree to see its values."));
  m_bar->setClip(m_clip);
  m_bar->hide();
  connect(m_bar, &ColorBar::clipChosen, this, [this](double share) {
    setClip(share);
    Q_EMIT clipChosen(share);
  });
  connect(m_bar, &ColorBar::mapChosen, this, [this](ColorMapKind kind) {
    setColorMap(kind);
    Q_EMIT mapChosen(kind);
  });
}

HeatMapView::~HeatMapView() = default;

void HeatMapView::setSource(std::shared_ptr<const Weight> weight, const MatrixLabels& labels) {
  clear();
  if (weight == nullptr) return;
  m_weight = std::move(weight);
  m_labels = labels;
  m_sinceSource.start();
  setTitle(labels.name);
  setNote(tr("%1, %2.").arg(QString::fromStdString(to_string(shape_of(*m_weight))),
                            QString::fromStdString(describe(*m_weight))));
  m_store = std::make_unique<TileStore>(Matrix(m_weight));
  connect(m_store.get(), &TileStore::previewReady, this, [this] {
    updateScale();
    update();
  });
  connect(m_store.get(), &TileStore::tileReady, this, [this] { update(); });
  connect(m_store.get(), &TileStore::failed, this, &HeatMapView::failed);
  connect(m_store.get(), &TileStore::summaryReady, this, [this](std::shared_ptr<const MatrixSummary> summary) {
    m_summary = std::move(summary);
    updateScale();
    update();
    Q_EMIT summaryReady();
  });
  m_bar->show();
  m_fitted = true;
  viewChanged();
}

void HeatMapView::clear() {
  m_store.reset();
  m_summary.reset();
  m_weight.reset();
  m_hovered.reset();
  m_current.reset();
  m_dragFrom.reset();
  m_shown = false;
  m_marks.clear();
  m_given.reset();
  m_scale = ColorScale{.map = m_scale.map};
  m_bar->hide();
  setReadout({});
  update();
}

bool HeatMapView::isEmpty() const { return m_store == nullptr; }

// Without the room that square cells leave free.
QSize HeatMapView::figureSize() const {
  const QSize size = Chart::figureSize();
  if (m_store == nullptr) return size;
  const Geometry g = geometryFor(QRectF(QPointF(), QSizeF(size)));
  const double bottom = std::max(g.caption.bottom() + kGrid, g.bar.bottom() + kGrid);
  return QSize(static_cast<int>(std::ceil(g.bar.right() + 1.5 * kGrid)), static_cast<int>(std::ceil(bottom)))
      .boundedTo(size);
}

QSize HeatMapView::minimumSizeHint() const {
  const QFontMetrics metrics(Theme::instance().secondaryFont());
  return {metrics.horizontalAdvance('0') * 30 + 12 * kGrid, metrics.height() * 8 + 8 * kGrid};
}

// --- Colours
// ----------------------------------------------------------------------------------------------------------

void HeatMapView::updateScale() {
  if (m_store == nullptr) return;
  double low = 0, high = 0, clipped = 0;
  if (m_summary != nullptr) {
    const Statistics& statistics = m_summary->statistics;
    low = statistics.min;
    high = statistics.max;
    clipped = m_clip < 1 ? quantileOf(statistics, m_clip) : statistics.abs_max();
  } else {
    // Until the exact pass has ended the preview's values stand for all.
    std::vector<float> magnitudes;
    for (const float value : m_store->previewTile().values) {
      if (!std::isfinite(value)) continue;
      low = std::min<double>(low, value);
      high = std::max<double>(high, value);
      magnitudes.push_back(std::abs(value));
    }
    if (magnitudes.empty()) return;
    const auto rank = static_cast<std::ptrdiff_t>(m_clip * static_cast<double>(magnitudes.size() - 1));
    std::nth_element(magnitudes.begin(), magnitudes.begin() + rank, magnitudes.end());
    clipped = magnitudes[static_cast<size_t>(rank)];
  }
  const double most = std::max(std::abs(low), std::abs(high));
  if (clipped <= 0) clipped = most > 0 ? most : 1;
  const bool isSigned = m_scale.map == ColorMapKind::Diverging;
  if (m_given) clipped = m_given->high;
  m_scale.low = isSigned ? -clipped : 0;
  m_scale.high = clipped;
  m_scale.fullLow = isSigned ? low : 0;
  m_scale.fullHigh = isSigned ? high : most;
  m_store->setColors(m_scale, Theme::instance().isDark());
  m_bar->setScale(m_scale);
  viewChanged();
  Q_EMIT scaleChanged();
}

void HeatMapView::setGivenScale(std::optional<ColorScale> scale) {
  m_given = scale;
  updateScale();
  update();
}

void HeatMapView::setMarks(std::vector<Cell> marks) {
  m_marks = std::move(marks);
  update();
}

void HeatMapView::setColorMap(ColorMapKind kind) {
  m_scale.map = kind;
  m_bar->setScale(m_scale);
  updateScale();
  update();
}

void HeatMapView::setClip(double share) {
  m_clip = share;
  m_bar->setClip(share);
  updateScale();
  update();
}

void HeatMapView::rethemed() {
  if (m_store != nullptr) m_store->setColors(m_scale, Theme::instance().isDark());
  viewChanged();
}

// --- The view
// ---------------------------------------------------------------------------------------------------------

// The whole matrix: square cells, unless the matrix is so much longer than the view that they would be a thread.
QPointF HeatMapView::fitZoom(QSizeF size) const {
  const Matrix& matrix = m_store->matrix();
  double x = std::max(1.0, size.width()) / static_cast<double>(matrix.cols());
  double y = std::max(1.0, size.height()) / static_cast<double>(matrix.rows());
  if (std::max(x, y) / std::min(x, y) <= kFillBeyond) x = y = std::min(x, y);
  // A bias is one row: a band, not a wall.
  return {std::min(x, std::max(kLargestCell, y)), std::min(y, std::max(kLargestCell, x))};
}

HeatMapView::Geometry HeatMapView::geometryFor(const QRectF& area) const {
  Geometry g;
  g.font = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(g.font);
  const double line = std::ceil(metrics.height());
  const Matrix& matrix = m_store->matrix();
  const double digits = metrics.horizontalAdvance(QString(formatCount(matrix.rows()).size(), '0'));
  const double names = m_labels.row ? metrics.horizontalAdvance(QStringLiteral("0000000000")) : 0;
  const double left = std::ceil(kGrid + line + kGrid + std::max(digits, names) + 6);
  const double strip = 4 * kGrid;
  const double barWidth = std::max<double>(m_bar->sizeHint().width(), ColorBar::barWidth(m_scale, g.font));
  const double top = kGrid + 2 * line + 6;
  g.map = QRectF(area.left() + left, area.top() + top, area.width() - left - strip - barWidth - 4 * kGrid,
                 area.height() - top - strip - line - 3 * kGrid);
  g.map.setWidth(std::max(8.0, g.map.width()));
  g.map.setHeight(std::max(8.0, g.map.height()));
  const QPointF fit = fitZoom(g.map.size());
  g.zoom = m_fitted ? fit : QPointF(std::max(m_zoom.x(), fit.x()), std::max(m_zoom.y(), fit.y()));
  const QSizeF whole(static_cast<double>(matrix.cols()) * g.zoom.x(), static_cast<double>(matrix.rows()) * g.zoom.y());
  g.content =
      QRectF(g.map.topLeft(), QSizeF(std::min(g.map.width(), whole.width()), std::min(g.map.height(), whole.height())));
  const auto clampOrigin = [](double origin, int64_t count, double shown) {
    return std::clamp(origin, 0.0, std::max(0.0, static_cast<double>(count) - shown));
  };
  g.origin = m_fitted ? QPointF()
                      : QPointF(clampOrigin(m_origin.x(), matrix.cols(), g.content.width() / g.zoom.x()),
                                clampOrigin(m_origin.y(), matrix.rows(), g.content.height() / g.zoom.y()));
  g.rowLabels = QRectF(area.left() + kGrid + line + kGrid / 2, g.content.top(), 0, g.content.height());
  g.rowLabels.setRight(g.content.left() - 6);
  g.rowNorms = QRectF(g.content.right() + kGrid / 2, g.content.top(), strip, g.content.height());
  g.columnNorms = QRectF(g.content.left(), g.content.bottom() + kGrid / 2, g.content.width(), strip);
  const double barHeight = std::min(g.map.height(), std::max(g.content.height(), 20.0 * kGrid));
  g.bar = QRectF(g.rowNorms.right() + 2 * kGrid, g.content.top(), barWidth, barHeight);
  g.caption = QRectF(g.content.left(), g.columnNorms.bottom() + kGrid, area.right() - kGrid - g.content.left(), line);
  return g;
}

HeatMapView::Visible HeatMapView::visibleIn(const Geometry& g, double pixelRatio) const {
  const auto level = [&](double zoom) {
    return std::clamp(static_cast<int>(std::floor(std::log2(1 / (zoom * pixelRatio)) + 1e-9)), 0, 30);
  };
  Visible visible{level(g.zoom.y()), level(g.zoom.x()), {}};
  const Matrix& matrix = m_store->matrix();
  const auto last = [](double end, int64_t count) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::ceil(end)) - 1, 0, count - 1);
  };
  const int64_t rows = TileStore::kTileRows << visible.rowLevel;
  const int64_t columns = TileStore::kTileColumns << visible.columnLevel;
  const int64_t firstRow = static_cast<int64_t>(g.origin.y()) / rows;
  const int64_t firstColumn = static_cast<int64_t>(g.origin.x()) / columns;
  const int64_t lastRow = last(g.rowAt(g.content.bottom()), matrix.rows()) / rows;
  const int64_t lastColumn = last(g.columnAt(g.content.right()), matrix.cols()) / columns;
  for (int64_t r = firstRow; r <= lastRow; ++r) {
    for (int64_t c = firstColumn; c <= lastColumn; ++c) {
      visible.keys.push_back({visible.rowLevel, visible.columnLevel, r, c});
    }
  }
  const int64_t middle = firstRow + lastRow;
  std::stable_sort(visible.keys.begin(), visible.keys.end(), [&](const TileKey& a, const TileKey& b) {
    return std::abs(2 * a.row - middle) < std::abs(2 * b.row - middle);
  });
  return visible;
}

void HeatMapView::requestTiles() {
  if (m_store != nullptr) m_store->want(visibleIn(geometryFor(rect()), devicePixelRatioF()).keys);
}

void HeatMapView::viewChanged() {
  if (m_store == nullptr) return;
  const Geometry g = geometryFor(rect());
  m_zoom = g.zoom;
  m_origin = g.origin;
  m_bar->setGeometry(g.bar.toRect());
  requestTiles();
  update();
}

bool HeatMapView::isSettled() const {
  if (m_store == nullptr) return true;
  for (const TileKey& key : visibleIn(geometryFor(rect()), devicePixelRatioF()).keys) {
    if (m_store->picture(key) == nullptr) return false;
  }
  return true;
}

void HeatMapView::fit() {
  m_fitted = true;
  viewChanged();
  Q_EMIT partShown(m_zoom, m_origin, true);
}

void HeatMapView::showPart(QPointF zoom, QPointF origin, bool fitted) {
  m_fitted = fitted;
  m_zoom = zoom;
  m_origin = origin;
  viewChanged();
}

void HeatMapView::moveView(QPointF zoom, QPointF origin) {
  m_fitted = false;
  m_zoom = zoom;
  m_origin = origin;
  viewChanged();
  if (m_zoom == fitZoom(geometryFor(rect()).map.size())) m_fitted = true;
  Q_EMIT partShown(m_zoom, m_origin, m_fitted);
}

// One number rules both directions: an axis that already fits stays there until the other has caught up, so cells
// become square as one comes closer.
void HeatMapView::zoomBy(double factor, QPointF anchor) {
  if (m_store == nullptr) return;
  const Geometry g = geometryFor(rect());
  const QPointF fit = fitZoom(g.map.size());
  const double largest = std::max({kLargestCell, fit.x(), fit.y()});
  const double wanted = std::clamp(std::min(g.zoom.x(), g.zoom.y()) * factor, std::min(fit.x(), fit.y()), largest);
  const QPointF zoom(std::max(fit.x(), wanted), std::max(fit.y(), wanted));
  const QPointF inside(std::clamp(anchor.x(), g.content.left(), g.content.right()),
                       std::clamp(anchor.y(), g.content.top(), g.content.bottom()));
  const QPointF held(g.columnAt(inside.x()), g.rowAt(inside.y()));
  moveView(zoom, QPointF(held.x() - (inside.x() - g.content.left()) / zoom.x(),
                         held.y() - (inside.y() - g.content.top()) / zoom.y()));
}

void HeatMapView::showCell(int64_t row, int64_t column) {
  if (m_store == nullptr) return;
  const Matrix& matrix = m_store->matrix();
  m_current = Cell{std::clamp<int64_t>(row, 0, matrix.rows() - 1), std::clamp<int64_t>(column, 0, matrix.cols() - 1)};
  const Geometry g = geometryFor(rect());
  const QRectF cell = cellRect(m_current->row, m_current->column);
  if (!g.content.adjusted(-0.5, -0.5, 0.5, 0.5).contains(cell)) {
    moveView(g.zoom, QPointF(static_cast<double>(m_current->column) + 0.5 - g.content.width() / g.zoom.x() / 2,
                             static_cast<double>(m_current->row) + 0.5 - g.content.height() / g.zoom.y() / 2));
  }
  update();
}

std::optional<HeatMapView::Cell> HeatMapView::cellAt(QPointF position) const {
  if (m_store == nullptr) return std::nullopt;
  const Geometry g = geometryFor(rect());
  if (!g.content.contains(position)) return std::nullopt;
  const Matrix& matrix = m_store->matrix();
  return Cell{std::clamp<int64_t>(static_cast<int64_t>(g.rowAt(position.y())), 0, matrix.rows() - 1),
              std::clamp<int64_t>(static_cast<int64_t>(g.columnAt(position.x())), 0, matrix.cols() - 1)};
}

QRectF HeatMapView::cellRect(int64_t row, int64_t column) const {
  if (m_store == nullptr) return {};
  const Geometry g = geometryFor(rect());
  return {QPointF(g.xOf(static_cast<double>(column)), g.yOf(static_cast<double>(row))), QSizeF(g.zoom.x(), g.zoom.y())};
}

// --- Pointer and keys
// -------------------------------------------------------------------------------------------------

QString HeatMapView::readoutFor(const Cell& cell, double value) const {
  const auto named = [](int64_t index, const std::function<QString(int64_t)>& name) {
    const QString label = name ? name(index) : QString();
    return label.isEmpty() ? formatCount(index) : QStringLiteral("%1 “%2”").arg(formatCount(index), label);
  };
  const QString row = m_labels.rowAxis.isEmpty() ? tr("row") : m_labels.rowAxis;
  const QString column = m_labels.columnAxis.isEmpty() ? tr("column") : m_labels.columnAxis;
  return QStringLiteral("%1 %2, %3 %4: %5")
      .arg(row, named(cell.row, m_labels.row), column, named(cell.column, m_labels.column), formatExact(value));
}

void HeatMapView::hover(QPointF position) {
  const std::optional<Cell> cell = cellAt(position);
  if (cell == m_hovered) return;
  m_hovered = cell;
  if (cell) {
    const double value = m_store->matrix().value(cell->row, cell->column);
    setReadout(readoutFor(*cell, value));
    Q_EMIT valueHovered(cell->row, cell->column, value, m_labels.row ? m_labels.row(cell->row) : QString());
  } else {
    setReadout({});
    Q_EMIT hoverEnded();
  }
  update();
}

bool HeatMapView::event(QEvent* event) {
  const bool handled = Chart::event(event);
  // The bar asks for another width when its labels or the text size change.
  if (event->type() == QEvent::LayoutRequest || event->type() == QEvent::Show) viewChanged();
  return handled;
}

void HeatMapView::resizeEvent(QResizeEvent* event) {
  Chart::resizeEvent(event);
  viewChanged();
}

void HeatMapView::wheelEvent(QWheelEvent* event) {
  const double notches = event->angleDelta().y() / 120.0;
  if (notches != 0) zoomBy(std::pow(kWheelFactor, notches), event->position());
  event->accept();
}

void HeatMapView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || m_store == nullptr) return Chart::mousePressEvent(event);
  m_dragFrom = event->position();
  m_dragOrigin = m_origin;
  m_dragged = false;
}

void HeatMapView::mouseMoveEvent(QMouseEvent* event) {
  if (m_dragFrom && m_store != nullptr) {
    const QPointF moved = event->position() - *m_dragFrom;
    if (!m_dragged && moved.manhattanLength() < 4) return;
    m_dragged = true;
    setCursor(Qt::ClosedHandCursor);
    moveView(m_zoom, m_dragOrigin - QPointF(moved.x() / m_zoom.x(), moved.y() / m_zoom.y()));
    return;
  }
  hover(event->position());
}

void HeatMapView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !m_dragFrom) return Chart::mouseReleaseEvent(event);
  m_dragFrom.reset();
  unsetCursor();
  if (m_dragged) return;
  if (const auto cell = cellAt(event->position())) select(*cell);
}

void HeatMapView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) zoomBy(4, event->position());
}

void HeatMapView::select(const Cell& cell) {
  m_current = cell;
  Q_EMIT cellClicked(cell.row, cell.column);
  update();
}

// Arrows move the marked cell, or pan when none is marked.
bool HeatMapView::moveCurrent(int key) {
  const int dx = key == Qt::Key_Left ? -1 : key == Qt::Key_Right ? 1 : 0;
  const int dy = key == Qt::Key_Up ? -1 : key == Qt::Key_Down ? 1 : 0;
  if (dx == 0 && dy == 0) return false;
  if (!m_current) {
    const Geometry g = geometryFor(rect());
    moveView(g.zoom,
             g.origin + QPointF(dx * g.content.width() / g.zoom.x() / 8, dy * g.content.height() / g.zoom.y() / 8));
    return true;
  }
  showCell(m_current->row + dy, m_current->column + dx);
  const double value = m_store->matrix().value(m_current->row, m_current->column);
  setReadout(readoutFor(*m_current, value));
  Q_EMIT cellClicked(m_current->row, m_current->column);
  return true;
}

void HeatMapView::keyPressEvent(QKeyEvent* event) {
  if (m_store == nullptr) return Chart::keyPressEvent(event);
  const bool shift = event->modifiers() & Qt::ShiftModifier;
  const QPointF middle = geometryFor(rect()).content.center();
  const QPointF anchor = underMouse() ? QPointF(mapFromGlobal(QCursor::pos())) : middle;
  if (shift && event->key() == Qt::Key_Up) {
    zoomBy(kWheelFactor, anchor);
  } else if (shift && event->key() == Qt::Key_Down) {
    zoomBy(1 / kWheelFactor, anchor);
  } else if (event->key() == Qt::Key_Plus || event->key() == Qt::Key_Equal) {
    zoomBy(kWheelFactor, middle);
  } else if (event->key() == Qt::Key_Minus) {
    zoomBy(1 / kWheelFactor, middle);
  } else if (shift && event->key() == Qt::Key_Backspace) {
    fit();
  } else if (event->key() == Qt::Key_Escape && m_current) {
    m_current.reset();
    update();
  } else if (!moveCurrent(event->key())) {
    Chart::keyPressEvent(event);
  }
}

void HeatMapView::leaveEvent(QEvent* event) {
  if (m_hovered) {
    m_hovered.reset();
    Q_EMIT hoverEnded();
    update();
  }
  Chart::leaveEvent(event);
}

}  // namespace espalier
