#pragma once
// Where the cells of a model map lie: a row a layer, or areas by size.

#include <QRectF>

#include <vector>

#include "widgets/models/model_map.h"

namespace espalier {

// Rectangles of `areas` (any order, not negative) that fill `room`, as near to squares as the squarified treemap makes
// them (Bruls, Huizing and van Wijk 2000). A zero area gets a null rectangle.
std::vector<QRectF> squarified(const std::vector<double>& areas, const QRectF& room);

struct MapLayout {
  std::vector<QRectF> cells;    // of ModelMap::cells; null where a cell is not drawn
  std::vector<QRectF> rows;     // of ModelMap::rows
  std::vector<QRectF> columns;  // of ModelMap::columns; empty in a treemap
  double labelWidth = 0;        // left of the cells
};

// Every layer a line. Cells one above the other that are one weight become one rectangle, at its first place; the other
// places are null.
MapLayout layerLayout(const ModelMap& map, const QRectF& room, double labelWidth, double rowHeight);
// Every row of the map a rectangle as large as its bytes, with a line of `titleHeight` for its name, filled with its
// cells. A shared weight stands where it is first used.
MapLayout areaLayout(const ModelMap& map, const QRectF& room, double titleHeight);

}  // namespace espalier
