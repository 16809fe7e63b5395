#include <gtest/gtest.h>

#include <QSignalSpy>

#include <cmath>
#include <numeric>

#include "measure/cost.h"
#include "tests/widgets/small_model.h"
#include "widgets/models/model_map.h"
#include "widgets/models/model_map_time.h"
#include "widgets/models/opened_model.h"
#include "widgets/panels/model_map_layout.h"
#include "widgets/panels/model_map_view.h"

namespace espalier {
namespace {

// Every layer is the first one: as ALBERT shares.
Model sharedModel() {
  Model model = test::smallModel();
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer == LayerIndex(1)) {
      std::string first = slot.name;
      first.replace(first.find(".1."), 3, ".0.");
      model.weights.share(slot.name, first);
    }
  }
  return model;
}

int cellNamed(const ModelMap& map, const QString& row, const QString& name) {
  for (size_t i = 0; i < map.cells.size(); ++i) {
    if (map.rows[static_cast<size_t>(map.cells[i].row)].name == row && map.cells[i].name == name) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

TEST(ModelMap, AddsUpToTheModel) {
  for (const Model& model : {test::smallModel(), sharedModel()}) {
    const ModelMap map = buildModelMap(model);
    int64_t macs = 0;
    std::set<std::string> places;
    for (const MapCell& cell : map.cells) {
      macs += cell.macs;
      for (const QString& slot : cell.slots) EXPECT_TRUE(places.insert(slot.toStdString()).second);
    }
    EXPECT_EQ(macs, count_macs(model, kLedgerTokens));
    EXPECT_EQ(places.size(), slots_of(model.architecture).size()) << "every weight has one place";
  }
}

TEST(ModelMap, KnowsWhatIsOneWeight) {
  const ModelMap map = buildModelMap(test::smallModel());
  ASSERT_EQ(map.groups.size(), 1u) << "the query projections";
  const int first = cellNamed(map, "layer 0", "q_proj"), second = cellNamed(map, "layer 1", "q_proj");
  EXPECT_EQ(map.groups[0], (std::vector<int>{first, second}));
  EXPECT_TRUE(map.cells[static_cast<size_t>(first)].first);
  EXPECT_FALSE(map.cells[static_cast<size_t>(second)].first);
  EXPECT_EQ(map.cells[static_cast<size_t>(first)].bits, 32);
  EXPECT_EQ(map.cellOf("encoder.1.attention.q_proj.bias"), second) << "a bias stands with its weight";
}

TEST(ModelMap, CountsZeros) {
  Model model = test::smallModel();
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  const Tensor values = materialize(model.weight(slot));
  std::vector<bool> keep(static_cast<size_t>(values.numel()), true);
  std::fill(keep.begin(), keep.begin() + static_cast<std::ptrdiff_t>(keep.size() / 2), false);
  model.weights.replace(slot, make_masked(values, keep));
  const ModelMap map = buildModelMap(model);
  const std::vector<double> shares = mapSparsity(map, model, {});
  const auto cell = static_cast<size_t>(map.cellOf(QString::fromStdString(slot)));
  const double weights = 32 * 16, bias = 32;
  EXPECT_NEAR(shares[cell], weights / 2 / (weights + bias), 1e-12);
  EXPECT_TRUE(std::isnan(shares[static_cast<size_t>(cellNamed(map, "layer 0", "scores"))]));
}

TEST(Squarified, FillsTheRoomInProportion) {
  const QRectF room(10, 20, 300, 200);
  const std::vector<double> areas = {6, 0, 6, 4, 3, 2, 2, 1};
  const std::vector<QRectF> rects = squarified(areas, room);
  EXPECT_TRUE(rects[1].isNull());
  for (size_t i = 0; i < areas.size(); ++i) {
    EXPECT_NEAR(rects[i].width() * rects[i].height(), areas[i] / 24 * 300 * 200, 1e-6);
    EXPECT_TRUE(areas[i] == 0 || room.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(rects[i])) << i;
    for (size_t j = 0; j < i; ++j) {
      const QRectF common = rects[i].intersected(rects[j]);
      EXPECT_LT(common.width() * common.height(), 1e-6) << i << " and " << j;
    }
    // The paper's example: nothing is thinner than 1 to 3.
    if (areas[i] > 0) {
      const double ratio = rects[i].width() / rects[i].height();
      EXPECT_LT(std::max(ratio, 1 / ratio), 3) << i;
    }
  }
}

TEST(ModelMapView, JoinsTheLayersOfAnAlbert) {
  const Model model = sharedModel();
  ModelMapView view;
  view.resize(900, 400);
  view.setMap(std::make_shared<const ModelMap>(buildModelMap(model)));
  const ModelMap map = buildModelMap(model);
  const int first = cellNamed(map, "layer 0", "in_proj"), second = cellNamed(map, "layer 1", "in_proj");
  EXPECT_TRUE(view.cellRect(second).isNull());
  const int alone = cellNamed(map, "layer 0", "scores");
  EXPECT_GT(view.cellRect(first).height(), 1.8 * view.cellRect(alone).height()) << "as high as both layers";
}

TEST(ModelMapView, SelectsSearchesAndTells) {
  ModelMapView view;
  view.resize(900, 400);
  const auto map = std::make_shared<const ModelMap>(buildModelMap(test::smallModel()));
  view.setMap(map);
  view.show();
  QSignalSpy selected(&view, &ModelMapView::moduleSelected), opened(&view, &ModelMapView::moduleOpened);
  QSignalSpy readouts(&view, &Chart::readoutChanged);
  const int cell = map->cellOf("encoder.1.ffn.in_proj.weight");
  QTest::mouseClick(&view, Qt::LeftButton, {}, view.cellRect(cell).center().toPoint());
  ASSERT_EQ(selected.count(), 1);
  EXPECT_EQ(selected[0][0].toString(), "encoder.1.ffn.in_proj.weight");
  EXPECT_EQ(selected[0][1].toInt(), 1);
  EXPECT_TRUE(readouts.last()[0].toString().startsWith("layer 1, ffn in_proj: 544 parameters"))
      << readouts.last()[0].toString().toStdString();
  QTest::keyClick(&view, Qt::Key_Up);
  EXPECT_EQ(selected.last()[0].toString(), "encoder.0.ffn.in_proj.weight");
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_EQ(selected.last()[0].toString(), "encoder.0.ffn.out_proj.weight");
  QTest::keyClick(&view, Qt::Key_Return);
  ASSERT_EQ(opened.count(), 1);

  view.setSearch("layer 1");
  EXPECT_TRUE(view.matches(cell));
  EXPECT_FALSE(view.matches(map->cellOf("encoder.0.ffn.in_proj.weight")));
  view.setSearch("ffn.in_proj");
  EXPECT_TRUE(view.matches(map->cellOf("encoder.0.ffn.in_proj.weight")));
  EXPECT_FALSE(view.matches(map->cellOf("embeddings.word.weight")));
}

// A profile of one millisecond a part.
ModelProfile profileOf(const Model& model) {
  ModelProfile profile;
  profile.parts = Engine(model, {.threads = 1}).parts();
  profile.ms.assign(profile.parts.size(), 1.0);
  profile.wall_ms = static_cast<double>(profile.parts.size()) + 1;
  profile.kernels = "reference";
  return profile;
}

TEST(ModelMapTime, EveryPartStandsOnTheMap) {
  for (const Model& model : {test::smallModel(), sharedModel()}) {
    const ModelMap map = buildModelMap(model);
    const ModelProfile profile = profileOf(model);
    const MapTimes times = timesOf(map, profile);
    ASSERT_EQ(times.ms.size(), map.cells.size());
    double sum = 0;
    for (const double ms : times.ms) sum += std::isnan(ms) ? 0 : ms;
    EXPECT_NEAR(sum, static_cast<double>(profile.parts.size()), 1e-9) << "no part is lost, none counts twice";
    EXPECT_EQ(times.wallMs, profile.wall_ms);
    EXPECT_TRUE(times.conditions.contains("batch 1, 128 tokens, 1 thread, reference"))
        << times.conditions.toStdString();
  }
}

TEST(ModelMapTime, JoinedProductsAreDividedByTheirMacs) {
  const Model model = test::smallModel();
  const ModelMap map = buildModelMap(model);
  const MapTimes times = timesOf(map, profileOf(model));
  for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
    EXPECT_NEAR(times.ms[static_cast<size_t>(cellNamed(map, "layer 1", name))], 1.0 / 3, 1e-9) << name;
  }
  EXPECT_EQ(times.ms[static_cast<size_t>(cellNamed(map, "layer 0", "scores"))], 1);
  EXPECT_EQ(times.ms[static_cast<size_t>(cellNamed(map, "layer 0", "in_proj"))], 1);
  for (const char* name : {"position", "type", "norm"}) {
    EXPECT_NEAR(times.ms[static_cast<size_t>(cellNamed(map, "embeddings", name))], 1.0 / 3, 1e-9) << name;
  }
}

TEST(ModelMapTime, TheViewSaysUnderWhichConditions) {
  const Model model = test::smallModel();
  ModelMapView view;
  view.setMap(std::make_shared<const ModelMap>(buildModelMap(model)));
  view.setMeasure(ModelMapView::Measure::Time);
  EXPECT_FALSE(view.hasTimes());
  EXPECT_TRUE(std::isnan(view.valueOf(0)));
  const MapTimes times = measureMapTimes(buildModelMap(model), model, {});
  EXPECT_TRUE(times.conditions.contains("32 tokens")) << "as many as the model takes";
  view.setTimes(times);
  EXPECT_TRUE(view.hasTimes());
  EXPECT_TRUE(view.figureConditions().contains(times.conditions));
  view.setMeasure(ModelMapView::Measure::Bytes);
  EXPECT_FALSE(view.figureConditions().contains(times.conditions));
  view.setMap(nullptr);
  EXPECT_FALSE(view.hasTimes());
}

TEST(ModelMapView, PaintsEveryMeasureInBothArrangements) {
  const Model model = sharedModel();
  ModelMapView view;
  const auto map = std::make_shared<const ModelMap>(buildModelMap(model));
  view.setMap(map);
  using Measure = ModelMapView::Measure;
  for (const auto arrangement : {ModelMapView::Arrangement::Layers, ModelMapView::Arrangement::Areas}) {
    view.setArrangement(arrangement);
    view.resize(view.sizeHint());
    for (const Measure measure : {Measure::Bytes, Measure::Parameters, Measure::Macs, Measure::Time, Measure::Sparsity,
                                  Measure::Bits, Measure::Places}) {
      view.setMeasure(measure);
      if (measure == Measure::Sparsity) view.setTimes(measureMapTimes(*map, model, {}));
      if (measure == Measure::Bits) view.setSparsity(mapSparsity(*map, model, {}));
      EXPECT_FALSE(view.grab().isNull());
      EXPECT_EQ(view.figureCsv().count("\r\n"), static_cast<qsizetype>(map->cells.size()) + 1);
    }
    double area = 0;
    for (size_t i = 0; i < map->cells.size(); ++i) {
      const QRectF rect = view.cellRect(static_cast<int>(i));
      area += rect.width() * rect.height();
    }
    EXPECT_GT(area, 0);
  }
  view.setMap(nullptr);
  EXPECT_TRUE(view.isEmpty());
  EXPECT_FALSE(view.grab().isNull());
}

}  // namespace
}  // namespace espalier
