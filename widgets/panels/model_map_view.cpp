#include "widgets/panels/model_map_view.h"

#include <QKeyEvent>
#include <QMouseEvent>

#include <algorithm>
#include <cmath>
#include <limits>

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kAreaHeight = 38 * kGrid;  // of a treemap

}  // namespace

QString measureName(ModelMapView::Measure measure) {
  switch (measure) {
    case ModelMapView::Measure::Bytes:
      return ModelMapView::tr("size");
    case ModelMapView::Measure::Parameters:
      return ModelMapView::tr("parameters");
    case ModelMapView::Measure::Macs:
      return ModelMapView::tr("MACs");
    case ModelMapView::Measure::Time:
      return ModelMapView::tr("measured time");
    case ModelMapView::Measure::Sparsity:
      return ModelMapView::tr("zeros");
    case ModelMapView::Measure::Bits:
      return ModelMapView::tr("bits a value");
    case ModelMapView::Measure::Places:
      return ModelMapView::tr("sharing");
  }
  return {};
}

ModelMapView::ModelMapView(QWidget* parent) : Chart(parent) {
  setTitle(tr("Model map"));
  setEmptyText(tr("Open a model to see its map."));
}

void ModelMapView::setMap(ModelMapPtr map) {
  m_map = std::move(map);
  m_sparsity.clear();
  m_times = {};
  showConditions();
  m_current = m_hovered = m_currentLayer = -1;
  setReadout({});
  updateGeometry();
  update();
}

void ModelMapView::setMeasure(Measure measure) {
  m_measure = measure;
  setTitle(tr("Model map: %1").arg(measureName(measure)));
  showConditions();
  setReadout({});
  updateGeometry();
  update();
}

void ModelMapView::setArrangement(Arrangement arrangement) {
  m_arrangement = arrangement;
  updateGeometry();
  update();
}

void ModelMapView::setSparsity(std::vector<double> shares) {
  m_sparsity = std::move(shares);
  update();
}

void ModelMapView::setTimes(MapTimes times) {
  m_times = std::move(times);
  showConditions();
  update();
}

void ModelMapView::showConditions() {
  setNote(m_measure == Measure::Time && hasTimes()
              ? tr("%1 a pass: %2.").arg(timeText(m_times.wallMs), m_times.conditions)
              : QString());
}

void ModelMapView::setSearch(const QString& text) {
  if (text == m_search) return;
  m_search = text;
  update();
}

void ModelMapView::setCurrent(const QString& slot, int layer) {
  const int cell = m_map ? m_map->cellOf(slot) : -1;
  // The scores of a layer have no weight to be selected by.
  const bool keep = slot.isEmpty() && m_current >= 0 && m_map && layer >= 0 &&
                    m_map->cells[static_cast<size_t>(m_current)].slot.isEmpty() &&
                    m_map->cells[static_cast<size_t>(m_current)].layer == layer;
  if (!keep) m_current = cell;
  m_currentLayer = layer;
  update();
}

bool ModelMapView::matches(int cell) const {
  if (m_search.isEmpty()) return true;
  const MapCell& shown = m_map->cells[static_cast<size_t>(cell)];
  const auto holds = [&](const QString& text) { return text.contains(m_search, Qt::CaseInsensitive); };
  return holds(m_map->rows[static_cast<size_t>(shown.row)].name) || holds(shown.name) || holds(shown.part) ||
         std::any_of(shown.slots.begin(), shown.slots.end(), holds);
}

double ModelMapView::valueOf(int cell) const {
  const MapCell& shown = m_map->cells[static_cast<size_t>(cell)];
  switch (m_measure) {
    case Measure::Bytes:
      return static_cast<double>(shown.bytes);
    case Measure::Parameters:
      return static_cast<double>(shown.parameters);
    case Measure::Macs:
      return static_cast<double>(shown.macs);
    case Measure::Time:
      return hasTimes() ? m_times.ms[static_cast<size_t>(cell)] : kNone;
    case Measure::Sparsity:
      return static_cast<size_t>(cell) < m_sparsity.size() ? m_sparsity[static_cast<size_t>(cell)] : kNone;
    case Measure::Bits:
      return shown.slot.isEmpty() ? kNone : shown.bits;
    case Measure::Places:
      if (shown.slot.isEmpty()) return kNone;
      return shown.group < 0 ? 1.0 : static_cast<double>(m_map->groups[static_cast<size_t>(shown.group)].size());
  }
  return kNone;
}

double ModelMapView::Scale::at(double value) const {
  if (!(high > low)) return 0.5;
  return std::clamp(log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low), 0.0, 1.0);
}

// Counts span orders of magnitude and are coloured by their logarithm; shares and bits are not.
ModelMapView::Scale ModelMapView::scale() const {
  if (m_measure == Measure::Sparsity) return {.low = 0, .high = 1};
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (size_t i = 0; i < m_map->cells.size(); ++i) {
    const double value = valueOf(static_cast<int>(i));
    if (!(value > 0)) continue;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  if (m_measure == Measure::Bits) return {.low = 0, .high = std::max(32.0, most)};
  if (m_measure == Measure::Places) return {.low = 1, .high = std::max(2.0, most)};
  if (most == 0) return {};
  return {.low = least < most ? least : least / 10, .high = most, .log = true};
}

// --- Where things lie

double ModelMapView::rowHeight() const {
  return std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + kGrid;
}

double ModelMapView::headerHeight() const {
  if (m_arrangement == Arrangement::Areas) return kGrid / 2.0;
  return 2 * std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + kGrid;
}

double ModelMapView::legendHeight() const {
  // Times have their conditions in a line of their own.
  const int lines = m_measure == Measure::Time ? 3 : 2;
  return lines * std::ceil(QFontMetricsF(Theme::instance().secondaryFont()).height()) + 3 * kGrid;
}

QRectF ModelMapView::mapArea(const QRectF& area) const { return area.adjusted(0, headerHeight(), -1, -legendHeight()); }

MapLayout ModelMapView::layoutFor(const QRectF& area) const {
  const QFontMetricsF metrics(Theme::instance().secondaryFont());
  if (m_arrangement == Arrangement::Areas) return areaLayout(*m_map, mapArea(area), metrics.height() + 2);
  double names = 0;
  for (const MapRow& row : m_map->rows) names = std::max(names, metrics.horizontalAdvance(row.name));
  return layerLayout(*m_map, mapArea(area), std::ceil(names) + kGrid, rowHeight());
}

QSize ModelMapView::sizeHint() const {
  const double rows = m_map ? static_cast<double>(m_map->rows.size()) : 8;
  const double map = m_arrangement == Arrangement::Areas ? kAreaHeight : rows * rowHeight();
  return {72 * kGrid, static_cast<int>(headerHeight() + map + legendHeight())};
}

QSize ModelMapView::minimumSizeHint() const { return {48 * kGrid, sizeHint().height()}; }

QSize ModelMapView::figureSize() const { return {std::max(width(), 80 * kGrid), sizeHint().height()}; }

int ModelMapView::drawnCell(int cell, const MapLayout& layout) const {
  if (cell < 0 || !layout.cells[static_cast<size_t>(cell)].isNull()) return cell;
  const MapCell& hidden = m_map->cells[static_cast<size_t>(cell)];
  if (hidden.group < 0) return -1;
  int drawn = -1;
  for (const int other : m_map->groups[static_cast<size_t>(hidden.group)]) {
    if (layout.cells[static_cast<size_t>(other)].isNull()) continue;
    // In its column the rectangle above it, else the first.
    const MapCell& candidate = m_map->cells[static_cast<size_t>(other)];
    if (drawn < 0 || (candidate.column == hidden.column && candidate.row <= hidden.row)) drawn = other;
  }
  return drawn;
}

QRectF ModelMapView::cellRect(int cell) const {
  return isEmpty() ? QRectF() : layoutFor(rect()).cells[static_cast<size_t>(cell)];
}

int ModelMapView::cellAt(QPointF position) const {
  if (isEmpty()) return -1;
  const MapLayout layout = layoutFor(rect());
  for (size_t i = 0; i < layout.cells.size(); ++i) {
    if (!layout.cells[i].contains(position)) continue;
    const MapCell& drawn = m_map->cells[i];
    if (m_arrangement == Arrangement::Areas || drawn.group < 0) return static_cast<int>(i);
    // In a joined rectangle the place whose layer is under the pointer.
    for (const int other : m_map->groups[static_cast<size_t>(drawn.group)]) {
      const MapCell& place = m_map->cells[static_cast<size_t>(other)];
      const QRectF& row = layout.rows[static_cast<size_t>(place.row)];
      if (place.column == drawn.column && position.y() >= row.top() && position.y() < row.bottom()) return other;
    }
    return static_cast<int>(i);
  }
  return -1;
}

// --- Pointer and keys

QString ModelMapView::textOf(int cell) const {
  const double value = valueOf(cell);
  const bool hasNoWeight = m_map->cells[static_cast<size_t>(cell)].slot.isEmpty();
  if (hasNoWeight && m_measure != Measure::Macs && m_measure != Measure::Time) return {};
  switch (m_measure) {
    case Measure::Bytes:
      return formatBytes(value);
    case Measure::Time:
      return std::isnan(value) ? QString() : timeText(value);
    case Measure::Sparsity:
      return std::isnan(value) ? QString() : percentText(value);
    case Measure::Bits:
      return std::isnan(value) ? QString() : formatNumber(value);
    case Measure::Places:
      return value > 1 ? tr("× %1").arg(value) : QString();
    case Measure::Parameters:
    case Measure::Macs:
      return countText(value);
  }
  return {};
}

QString ModelMapView::timeReadout(int cell) const {
  if (!hasTimes()) return {};
  const double ms = m_times.ms[static_cast<size_t>(cell)];
  if (std::isnan(ms)) return {};
  return tr("; %1, %2 of a pass (%3)").arg(timeText(ms), percentText(ms / m_times.wallMs), m_times.conditions);
}

QString ModelMapView::readoutFor(int cell) const {
  const MapCell& shown = m_map->cells[static_cast<size_t>(cell)];
  const QString place =
      QStringLiteral("%1, %2 %3")
          .arg(m_map->rows[static_cast<size_t>(shown.row)].name, shown.layer >= 0 ? shown.part : QString(), shown.name)
          .simplified();
  if (shown.slot.isEmpty()) {
    return tr("%1: %2 MACs for 128 tokens, no weight").arg(place, formatCount(shown.macs)) + timeReadout(cell);
  }
  QString text = tr("%1: %2 parameters, %3 bytes, %4 MACs, %5, %6 bits a value")
                     .arg(place, formatCount(shown.parameters), formatCount(shown.bytes), formatCount(shown.macs),
                          shown.form, formatNumber(shown.bits));
  if (static_cast<size_t>(cell) < m_sparsity.size()) {
    text += tr(", %1 zeros").arg(percentText(m_sparsity[static_cast<size_t>(cell)]));
  }
  if (shown.group >= 0) {
    text += tr(", one weight in %1 places").arg(m_map->groups[static_cast<size_t>(shown.group)].size());
  }
  return text + timeReadout(cell);
}

void ModelMapView::choose(int cell) {
  if (cell < 0) return;
  m_current = cell;
  const MapCell& chosen = m_map->cells[static_cast<size_t>(cell)];
  m_currentLayer = chosen.layer;
  setReadout(readoutFor(cell));
  update();
  Q_EMIT moduleSelected(chosen.slot, chosen.layer);
}

// To the nearest module in that direction.
void ModelMapView::move(int dx, int dy) {
  const MapLayout layout = layoutFor(rect());
  const auto centreOf = [&](int cell) {
    const MapCell& place = m_map->cells[static_cast<size_t>(cell)];
    const int drawn = drawnCell(cell, layout);
    if (drawn < 0) return QPointF(-1e6, -1e6);
    QPointF centre = layout.cells[static_cast<size_t>(drawn)].center();
    if (m_arrangement == Arrangement::Layers) centre.setY(layout.rows[static_cast<size_t>(place.row)].center().y());
    return centre;
  };
  const QPointF from = m_current < 0 ? QPointF(-1, -1) : centreOf(m_current);
  int best = -1;
  double nearest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < m_map->cells.size(); ++i) {
    const QPointF way = centreOf(static_cast<int>(i)) - from;
    const double ahead = way.x() * dx + way.y() * dy;
    if (static_cast<int>(i) == m_current || ahead < 1) continue;
    // Straight on is better than near.
    const double distance = ahead + 3 * std::abs(way.x() * dy + way.y() * dx);
    if (distance < nearest) {
      nearest = distance;
      best = static_cast<int>(i);
    }
  }
  choose(best);
}

void ModelMapView::mouseMoveEvent(QMouseEvent* event) {
  const int cell = cellAt(event->position());
  setReadout(cell < 0 ? QString() : readoutFor(cell));
  if (cell == m_hovered) return;
  m_hovered = cell;
  update();
}

void ModelMapView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) choose(cellAt(event->position()));
}

void ModelMapView::mouseDoubleClickEvent(QMouseEvent* event) {
  const int cell = cellAt(event->position());
  if (cell < 0 || m_map->cells[static_cast<size_t>(cell)].slot.isEmpty()) return;
  Q_EMIT moduleOpened(m_map->cells[static_cast<size_t>(cell)].slot);
}

void ModelMapView::keyPressEvent(QKeyEvent* event) {
  if (isEmpty()) return Chart::keyPressEvent(event);
  switch (event->key()) {
    case Qt::Key_Left:
      return move(-1, 0);
    case Qt::Key_Right:
      return move(1, 0);
    case Qt::Key_Up:
      return move(0, -1);
    case Qt::Key_Down:
      return move(0, 1);
    case Qt::Key_Return:
    case Qt::Key_Enter:
      if (event->modifiers() == Qt::NoModifier && m_current >= 0) {
        const QString& slot = m_map->cells[static_cast<size_t>(m_current)].slot;
        if (!slot.isEmpty()) Q_EMIT moduleOpened(slot);
        return;
      }
      break;
    default:
      break;
  }
  Chart::keyPressEvent(event);
}

void ModelMapView::leaveEvent(QEvent* event) {
  m_hovered = -1;
  update();
  Chart::leaveEvent(event);
}

QString ModelMapView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("row"), QStringLiteral("part"), QStringLiteral("module"),
                         QStringLiteral("weight"), QStringLiteral("form"), QStringLiteral("parameters"),
                         QStringLiteral("bytes"), QStringLiteral("macs"), QStringLiteral("bits"),
                         QStringLiteral("sparsity"), QStringLiteral("ms"), QStringLiteral("shared_group")});
  for (size_t i = 0; m_map && i < m_map->cells.size(); ++i) {
    const MapCell& cell = m_map->cells[i];
    csv += csvLine(
        {m_map->rows[static_cast<size_t>(cell.row)].name, cell.part, cell.name, cell.slot, cell.form,
         QString::number(cell.parameters), QString::number(cell.bytes), QString::number(cell.macs),
         csvNumber(cell.slot.isEmpty() ? kNone : cell.bits), csvNumber(i < m_sparsity.size() ? m_sparsity[i] : kNone),
         csvNumber(hasTimes() ? m_times.ms[i] : kNone), cell.group < 0 ? QString() : QString::number(cell.group + 1)});
  }
  return csv;
}

}  // namespace espalier
