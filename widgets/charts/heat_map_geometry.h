#pragma once
#include <QRectF>
#include <vector>

#include "widgets/charts/heat_map_view.h"
#include "widgets/charts/tile_store.h"

namespace espalier {

// Part of a heat map's painting and pointing, shared by its source files.
struct HeatMapView::Geometry {
  QRectF map;          // room for values
  QRectF content;      // what of it values fill: smaller when the whole matrix is
  QRectF rowNorms;     // right of the content
  QRectF columnNorms;  // below it
  QRectF bar;          // colour scale
  QRectF rowLabels;    // left of the content
  QRectF caption;      // one line at the bottom
  QPointF zoom;        // pixels a value
  QPointF origin;      // value coordinates at content's top left
  QFont font;          // of ticks and caption

  double xOf(double column) const { return content.left() + (column - origin.x()) * zoom.x(); }
  double yOf(double row) const { return content.top() + (row - origin.y()) * zoom.y(); }
  double columnAt(double x) const { return origin.x() + (x - content.left()) / zoom.x(); }
  double rowAt(double y) const { return origin.y() + (y - content.top()) / zoom.y(); }
};

struct HeatMapView::Visible {
  int rowLevel = 0, columnLevel = 0;
  std::vector<TileKey> keys;  // from the middle out
};

}  // namespace espalier
