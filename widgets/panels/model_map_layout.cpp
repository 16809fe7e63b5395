#include "widgets/panels/model_map_layout.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace espalier {

namespace {

constexpr double kGap = 1;       // between cells
constexpr double kGroupGap = 6;  // between parts, and around rows of a treemap

// The worst ratio of sides when `areas` share a strip along a side of `length`.
double worstRatio(double sum, double least, double most, double length) {
  const double square = length * length;
  return std::max(square * most / (sum * sum), sum * sum / (square * least));
}

}  // namespace

std::vector<QRectF> squarified(const std::vector<double>& areas, const QRectF& room) {
  std::vector<QRectF> rects(areas.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < areas.size(); ++i) {
    if (areas[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return areas[a] > areas[b]; });
  const double total =
      std::accumulate(order.begin(), order.end(), 0.0, [&](double sum, size_t i) { return sum + areas[i]; });
  if (total <= 0 || room.width() <= 0 || room.height() <= 0) return rects;
  const double unit = room.width() * room.height() / total;
  QRectF left = room;
  for (size_t begin = 0; begin < order.size();) {
    const double side = std::max(1e-9, std::min(left.width(), left.height()));
    double sum = areas[order[begin]] * unit;
    const double most = sum;
    size_t end = begin + 1;
    double ratio = worstRatio(sum, sum, most, side);
    for (; end < order.size(); ++end) {
      const double area = areas[order[end]] * unit;
      const double next = worstRatio(sum + area, area, most, side);
      if (next > ratio) break;
      sum += area;
      ratio = next;
    }
    const double thickness = sum / side;
    const bool upright = left.width() >= left.height();  // the strip stands at the left
    double at = upright ? left.top() : left.left();
    for (size_t i = begin; i < end; ++i) {
      const double extent = areas[order[i]] * unit / thickness;
      rects[order[i]] =
          upright ? QRectF(left.left(), at, thickness, extent) : QRectF(at, left.top(), extent, thickness);
      at += extent;
    }
    if (upright) {
      left.setLeft(left.left() + thickness);
    } else {
      left.setTop(left.top() + thickness);
    }
    begin = end;
  }
  return rects;
}

MapLayout layerLayout(const ModelMap& map, const QRectF& room, double labelWidth, double rowHeight) {
  MapLayout layout;
  layout.labelWidth = labelWidth;
  layout.cells.resize(map.cells.size());
  const double left = room.left() + labelWidth;
  const double width = std::max(8.0, room.right() - left);
  int parts = 0;
  for (size_t i = 1; i < map.columns.size(); ++i) parts += map.columns[i].part != map.columns[i - 1].part;
  const auto columns = static_cast<double>(std::max<size_t>(1, map.columns.size()));
  const double pitch = (width - parts * kGroupGap) / columns;
  double x = left;
  for (size_t i = 0; i < map.columns.size(); ++i) {
    if (i > 0 && map.columns[i].part != map.columns[i - 1].part) x += kGroupGap;
    layout.columns.emplace_back(x, room.top(), pitch, rowHeight * static_cast<double>(map.rows.size()));
    x += pitch;
  }
  std::vector<int> outside(map.rows.size());
  for (const MapCell& cell : map.cells) ++outside[static_cast<size_t>(cell.row)];
  for (size_t row = 0; row < map.rows.size(); ++row) {
    layout.rows.emplace_back(room.left(), room.top() + rowHeight * static_cast<double>(row), room.width(), rowHeight);
  }
  std::map<std::pair<int, int>, size_t> joined;  // the rectangle that a group grows in a column
  for (size_t i = 0; i < map.cells.size(); ++i) {
    const MapCell& cell = map.cells[i];
    const auto row = static_cast<size_t>(cell.row);
    const QRectF& line = layout.rows[row];
    QRectF rect;
    if (map.rows[row].inStack) {
      const QRectF& column = layout.columns[static_cast<size_t>(cell.column)];
      rect = QRectF(column.left(), line.top(), column.width(), line.height());
    } else {
      const double share = width / outside[row];
      rect = QRectF(left + share * cell.column, line.top(), share, line.height());
    }
    rect.adjust(0, 0, -kGap, -kGap);
    if (cell.group >= 0 && map.rows[row].inStack) {
      const auto [found, isNew] = joined.try_emplace({cell.group, cell.column}, i);
      QRectF& first = layout.cells[found->second];
      if (!isNew && std::abs(first.bottom() + kGap - rect.top()) < 0.5) {
        first.setBottom(rect.bottom());
        continue;
      }
      found->second = i;
    }
    layout.cells[i] = rect;
  }
  return layout;
}

MapLayout areaLayout(const ModelMap& map, const QRectF& room, double titleHeight) {
  MapLayout layout;
  layout.cells.resize(map.cells.size());
  std::vector<double> areas(map.rows.size());
  const auto areaOf = [](const MapCell& cell) { return cell.first ? static_cast<double>(cell.bytes) : 0.0; };
  for (const MapCell& cell : map.cells) areas[static_cast<size_t>(cell.row)] += areaOf(cell);
  layout.rows = squarified(areas, room);
  for (size_t row = 0; row < map.rows.size(); ++row) {
    if (layout.rows[row].isNull()) continue;
    QRectF inner = layout.rows[row].adjusted(0, 0, -kGroupGap / 2, -kGroupGap / 2);
    layout.rows[row] = inner;
    // A name needs room that its cells can spare.
    if (inner.height() > 2 * titleHeight) inner.setTop(inner.top() + titleHeight);
    std::vector<size_t> own;
    std::vector<double> parts;
    for (size_t i = 0; i < map.cells.size(); ++i) {
      if (map.cells[i].row != static_cast<int>(row)) continue;
      own.push_back(i);
      parts.push_back(areaOf(map.cells[i]));
    }
    const std::vector<QRectF> rects = squarified(parts, inner);
    for (size_t i = 0; i < own.size(); ++i) {
      if (!rects[i].isNull()) layout.cells[own[i]] = rects[i].adjusted(0, 0, -kGap, -kGap);
    }
  }
  return layout;
}

}  // namespace espalier
