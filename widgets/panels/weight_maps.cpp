#include "widgets/panels/weight_maps.h"

#include <QSplitter>
#include <QVBoxLayout>

#include "widgets/panels/calm_views.h"

namespace espalier {

namespace {
constexpr int kLeastWidth = 22 * kGrid;  // three find room on a small page
}  // namespace

WeightMaps::WeightMaps(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  m_splitter = new QSplitter(Qt::Horizontal, this);
  m_splitter->setChildrenCollapsible(false);
  layout->addWidget(m_splitter);
  for (Part& part : m_parts) {
    part.frame = new QWidget(m_splitter);
    auto* column = new QVBoxLayout(part.frame);
    column->setContentsMargins(kGrid / 2, 0, 0, 0);
    column->setSpacing(0);
    part.caption = new ElidedLabel(Qt::ElideRight, part.frame);
    part.map = new HeatMapView(part.frame);
    part.map->setMinimumWidth(kLeastWidth);
    column->addWidget(part.caption);
    column->addWidget(part.map, 1);
    m_splitter->addWidget(part.frame);
    tie(part.map);
  }
  connect(map(Before), &HeatMapView::scaleChanged, this, [this] {
    if (m_comparing) map(After)->setGivenScale(map(Before)->scale());
  });
  arrange();
}

// What the person does to one map happens to all.
void WeightMaps::tie(HeatMapView* from) {
  connect(from, &HeatMapView::partShown, this, [this, from](QPointF zoom, QPointF origin, bool fitted) {
    if (m_following) return;
    m_following = true;
    for (const Part& part : m_parts) {
      if (part.map != from) part.map->showPart(zoom, origin, fitted);
    }
    m_following = false;
  });
  connect(from, &HeatMapView::clipChosen, this, [this, from](double share) {
    for (const Part& part : m_parts) {
      if (part.map != from) part.map->setClip(share);
    }
  });
  connect(from, &HeatMapView::mapChosen, this, [this, from](ColorMapKind kind) {
    for (const Part& part : m_parts) {
      if (part.map != from) part.map->setColorMap(kind);
    }
  });
  connect(from, &HeatMapView::cellClicked, this, &WeightMaps::showCell);
}

void WeightMaps::setSource(const WeightPtr& weight, const MatrixLabels& labels) {
  m_comparing = false;
  map(Before)->setSource(weight, labels);
  map(After)->clear();
  map(Difference)->clear();
  arrange();
}

void WeightMaps::setOther(const WeightPtr& after, const WeightPtr& difference, const MatrixLabels& labels,
                          const std::array<QString, 3>& captions) {
  m_comparing = after != nullptr;
  map(After)->setSource(after, labels);
  if (m_comparing) map(After)->setGivenScale(map(Before)->scale());
  map(Difference)->setSource(difference, labels);
  for (size_t i = 0; i < m_parts.size(); ++i) m_parts[i].caption->setFullText(captions[i]);
  arrange();
}

void WeightMaps::clear() {
  m_comparing = false;
  for (const Part& part : m_parts) part.map->clear();
  arrange();
}

void WeightMaps::setShown(Kind kind, bool shown) {
  m_parts[kind].wanted = shown;
  arrange();
}

void WeightMaps::arrange() {
  for (size_t i = 0; i < m_parts.size(); ++i) {
    const Part& part = m_parts[i];
    const bool shown = m_comparing ? part.wanted && !part.map->isEmpty() : i == Before;
    part.caption->setVisible(m_comparing);
    part.frame->setVisible(shown);
  }
}

void WeightMaps::showCell(qint64 row, qint64 column) {
  for (const Part& part : m_parts) part.map->showCell(row, column);
}

void WeightMaps::setMarks(const std::vector<HeatMapView::Cell>& marks) { map(Before)->setMarks(marks); }

}  // namespace espalier
