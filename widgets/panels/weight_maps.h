#pragma once
#include <QWidget>

#include <array>

#include "widgets/charts/heat_map_view.h"

class QSplitter;

namespace espalier {

class ElidedLabel;

// A matrix alone, or before and after a recipe with their difference: heat maps side by side that move as one. Before
// and after share their colours.
class WeightMaps : public QWidget {
  Q_OBJECT

 public:
  enum Kind { Before, After, Difference };

  explicit WeightMaps(QWidget* parent = nullptr);

  void setSource(const WeightPtr& weight, const MatrixLabels& labels);
  // Null `after`: the matrix alone again. Null `difference`: there is none. Captions stand above the maps.
  void setOther(const WeightPtr& after, const WeightPtr& difference, const MatrixLabels& labels,
                const std::array<QString, 3>& captions);
  void clear();
  // Which of the three are seen while there is something to compare.
  void setShown(Kind kind, bool shown);
  bool isComparing() const { return m_comparing; }
  HeatMapView* map(Kind kind) const { return m_parts[kind].map; }
  // In every map.
  void showCell(qint64 row, qint64 column);
  void setMarks(const std::vector<HeatMapView::Cell>& marks);

 private:
  struct Part {
    QWidget* frame = nullptr;
    ElidedLabel* caption = nullptr;
    HeatMapView* map = nullptr;
    bool wanted = true;
  };
  void tie(HeatMapView* from);
  void arrange();

  std::array<Part, 3> m_parts;
  QSplitter* m_splitter;
  bool m_comparing = false;
  bool m_following = false;
};

}  // namespace espalier
