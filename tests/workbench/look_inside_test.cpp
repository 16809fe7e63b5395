// Looking inside with a run beside the open model: weights, answers, words, attention, flips.
#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabWidget>
#include <QTreeView>
#include <QTreeWidget>

#include "app/workbench/pages/activations_page.h"
#include "app/workbench/pages/compare_page.h"
#include "app/workbench/pages/flips_page.h"
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/pages/saliency_page.h"
#include "app/workbench/pages/weight_details.h"
#include "app/workbench/pages/weights_page.h"
#include "app/workbench/run_picker.h"
#include "formats/safetensors.h"
#include "tests/workbench/opened_window.h"
#include "widgets/charts/answers_view.h"
#include "widgets/charts/channel_view.h"
#include "widgets/charts/confusion_view.h"
#include "widgets/charts/pair_matrix.h"
#include "widgets/charts/spectrum_view.h"
#include "widgets/panels/model_map_view.h"
#include "widgets/panels/model_panel.h"
#include "widgets/panels/pinned_panel.h"
#include "widgets/panels/weight_maps.h"

namespace espalier {
namespace {

using test::kQuery;
using test::waitFor;

// Three tokens; every head of every layer looks evenly, but for one head of the run.
Json attentionAnswer(const JobSpec& spec) {
  const bool run = spec.settings["model"].get<std::string>().ends_with("run");
  TensorFile content;
  for (int layer = 0; layer < 2; ++layer) {
    std::vector<float> values(4 * 3 * 3, 1.f / 3);
    if (run && layer == 1) {
      for (int query = 0; query < 3; ++query) {
        float* row = values.data() + (2 * 3 + query) * 3;  // head 2
        row[0] = 1;
        row[1] = row[2] = 0;
      }
    }
    content.tensors["attentions." + std::to_string(layer)] = Tensor::from({4, 3, 3}, std::move(values));
  }
  const std::filesystem::path file = spec.output_folder / "attention.safetensors";
  write_safetensors(file, content);
  return {{"tokens", {"[CLS]", "fine", "[SEP]"}},
          {"offsets", {nullptr, {2, 6}, nullptr}},
          {"labels", {"no", "yes"}},
          {"probabilities", {0.1, 0.9}},
          {"file", file.string()}};
}

Json activityLayers(double factor) {
  Json layers = Json::array();
  for (int i = 0; i < 3; ++i) {
    const double most = factor * (i + 1);
    layers.push_back({{"min", -most},
                      {"max", most},
                      {"mean", 0},
                      {"std", most / 4},
                      {"abs_p50", most / 5},
                      {"abs_p99", most / 2},
                      {"abs_p999", most / 2},
                      {"channel_min", {-most, 0}},
                      {"channel_max", {most, 1}},
                      {"outlier_values", i},
                      {"outlier_channels", i > 0 ? 1 : 0},
                      {"largest_outlier_channels", Json::array()}});
    if (i > 0) {
      layers.back()["largest_outlier_channels"].push_back(
          {{"channel", 1}, {"token_frac", 0.25}, {"min", 0}, {"max", most}});
    }
  }
  return layers;
}

// Ranges first; the likeness of layers i and j is 1 / (1 + |i - j|), of those of the run half of it.
bool stopHalfWay = false;

Json activityAnswer(const JobSpec& spec, JobContext& context) {
  Json answer = {{"layers", activityLayers(1)},
                 {"outlier_features", {1}},
                 {"cka", Json::array()},
                 {"examples", 2},
                 {"tokens", 10},
                 {"split", "dev"}};
  context.result({{"kind", "layers"}, {"layers", answer["layers"]}});
  if (stopHalfWay) throw Error(ErrorKind::Device, "the examples ran away");
  const bool both = spec.settings.contains("baseline");
  if (both) {
    EXPECT_TRUE(spec.settings["baseline"].get<std::string>().ends_with("run"));
    answer["baseline_layers"] = activityLayers(2);
    answer["baseline_outlier_features"] = Json::array();
  }
  for (int i = 0; i < 3; ++i) {
    answer["cka"].push_back(Json::array());
    if (both) answer["baseline_cka"].push_back(Json::array());
    for (int j = 0; j < 3; ++j) {
      answer["cka"][i].push_back(1.0 / (1 + std::abs(i - j)));
      if (both) answer["baseline_cka"][i].push_back(0.5 / (1 + std::abs(i - j)));
    }
  }
  return answer;
}

JobKinds worker() {
  JobKinds kinds;
  kinds.add("activations", activityAnswer);
  kinds.add("attention", [](const JobSpec& spec, JobContext&) { return attentionAnswer(spec); });
  kinds.add("saliency", [](const JobSpec& spec, JobContext&) {
    const bool run = spec.settings["model"].get<std::string>().ends_with("run");
    EXPECT_TRUE(!run || spec.settings["label"].get<int>() == 1) << "both explain what the open model says";
    const auto method = spec.settings.value("method", "gradient_x_input");
    Json answer = {{"tokens", {"[CLS]", "fine", "[SEP]"}},
                   {"offsets", {nullptr, {2, 6}, nullptr}},
                   {"scores",
                    {0.0,
                     run                     ? 0.25
                     : method == "occlusion" ? -0.5
                                             : 0.75,
                     0.0}},
                   {"logits", run ? std::vector<double>{-1, 1} : std::vector<double>{-1.5, 0.5}},
                   {"labels", {"no", "yes"}},
                   {"probabilities", run ? std::vector<double>{0.6, 0.4} : std::vector<double>{0.1, 0.9}},
                   {"explained_label", 1}};
    if (method == "integrated_gradients") answer["completeness_error"] = 0.03;
    return answer;
  });
  kinds.add("flips", [](const JobSpec& spec, JobContext&) {
    EXPECT_TRUE(spec.settings["model"].get<std::string>().ends_with("run"));
    EXPECT_TRUE(spec.settings["baseline"].get<std::string>().ends_with("small"));
    return Json::parse(R"({"examples": 2, "lost": 1, "gained": 0, "moved": 0, "baseline_accuracy": 1.0,
      "accuracy": 0.5, "mcnemar_p": 1.0, "labels": ["no", "yes"], "between": [[1, 1], [0, 0]],
      "confusion": [[0, 1], [0, 1]],
      "slices": [{"by": "length", "name": "1-8 tokens", "examples": 1, "lost": 0, "gained": 0, "moved": 0,
                  "baseline_accuracy": 1.0, "accuracy": 1.0, "mcnemar_p": 1.0, "members": [0]}],
      "rows": [{"index": 1, "kind": "lost", "text": "a dull film", "gold": 0, "baseline_answer": 0, "answer": 1,
                "baseline_probability": 0.9, "probability": 0.6, "baseline_loss": 0.1, "loss": 0.9}]})");
  });
  return kinds;
}

class LookInside : public test::OpenedWindow {
 protected:
  LookInside() : OpenedWindow(worker()) {}
};

TEST_F(LookInside, TheMapAndTheSearchFollowTheWindow) {
  window->showPage("overview");
  ModelMapView* map = page<OverviewPage>("overview")->map();
  ASSERT_FALSE(map->isEmpty());
  const ModelMap& cells = *window->session()->model()->map;
  const int cell = cells.cellOf("encoder.1.ffn.in_proj.weight");
  QTest::mouseClick(map, Qt::LeftButton, {}, map->cellRect(cell).center().toPoint());
  EXPECT_EQ(window->session()->selection()->state().slot, "encoder.1.ffn.in_proj.weight");
  window->modelPanel()->searchField()->setText(" q_proj ");
  EXPECT_FALSE(map->matches(cell));
  EXPECT_TRUE(map->matches(cells.cellOf(kQuery)));
  QTest::mouseDClick(map, Qt::LeftButton, {}, map->cellRect(cell).center().toPoint());
  EXPECT_EQ(window->currentPage()->name(), "weights");
  EXPECT_EQ(page<WeightsPage>("weights")->shownSlot(), "encoder.1.ffn.in_proj.weight");
  window->session()->selection()->goBack();
  EXPECT_EQ(window->currentPage()->name(), "overview");
}

TEST_F(LookInside, ZerosAreCountedWhenAskedFor) {
  auto* overview = page<OverviewPage>("overview");
  window->showPage("overview");
  auto* measure = overview->findChild<QComboBox*>();
  ASSERT_NE(measure, nullptr);
  EXPECT_FALSE(overview->map()->hasSparsity());
  measure->setCurrentIndex(measure->findData(static_cast<int>(ModelMapView::Measure::Sparsity)));
  EXPECT_TRUE(waitFor([&] { return overview->map()->hasSparsity(); }));
}

TEST_F(LookInside, ModulesAreTimedWhenAskedFor) {
  auto* overview = page<OverviewPage>("overview");
  window->showPage("overview");
  auto* measure = overview->findChild<QComboBox*>();
  ASSERT_NE(measure, nullptr);
  EXPECT_FALSE(overview->map()->hasTimes());
  measure->setCurrentIndex(measure->findData(static_cast<int>(ModelMapView::Measure::Time)));
  ASSERT_TRUE(waitFor([&] { return overview->map()->hasTimes(); }));
  EXPECT_TRUE(overview->map()->figureConditions().contains(" a pass: batch 1"));
}

TEST_F(LookInside, AWeightBeforeAndAfterARun) {
  auto* weights = page<WeightsPage>("weights");
  window->showPage("weights");
  window->session()->selection()->selectSlot(kQuery, 0);
  EXPECT_FALSE(weights->maps()->isComparing());
  EXPECT_FALSE(weights->runPicker()->isEnabled()) << "there is no run yet";
  addRun();
  QComboBox* runs = weights->runPicker();
  ASSERT_TRUE(runs->isEnabled());
  ASSERT_EQ(runs->count(), 2) << "nothing, and the run; the baseline is what is open";
  runs->setCurrentIndex(1);
  Q_EMIT runs->activated(1);
  EXPECT_EQ(window->session()->selection()->state().run, "b");
  ASSERT_TRUE(waitFor([&] { return weights->maps()->isComparing(); }));
  const WeightMaps* maps = weights->maps();
  EXPECT_FALSE(maps->map(WeightMaps::Difference)->isEmpty());
  EXPECT_TRUE(weights->facts().contains("4-bit codes per row")) << weights->facts().toStdString();
  EXPECT_TRUE(weights->facts().contains(QStringLiteral("‖after − before‖")));
  ASSERT_TRUE(waitFor([&] { return maps->map(WeightMaps::Before)->summary() != nullptr; }));
  EXPECT_TRUE(waitFor([&] {
    return maps->map(WeightMaps::After)->scale().high == maps->map(WeightMaps::Before)->scale().high;
  })) << "one range for both";
  // Another weight stays compared; nothing ends it.
  window->session()->selection()->selectSlot("encoder.0.ffn.in_proj.weight", 0);
  ASSERT_TRUE(waitFor([&] { return weights->maps()->isComparing(); }));
  EXPECT_TRUE(weights->facts().endsWith("0")) << weights->facts().toStdString();
  runs->setCurrentIndex(0);
  Q_EMIT runs->activated(0);
  EXPECT_FALSE(weights->maps()->isComparing());
}

TEST_F(LookInside, TheDetailsOfAWeight) {
  auto* weights = page<WeightsPage>("weights");
  window->showPage("weights");
  window->session()->selection()->selectSlot(kQuery, 0);
  WeightDetails* details = weights->details();
  ASSERT_TRUE(waitFor([&] { return !details->spectrumView()->isEmpty(); }));
  const QString sentence = details->spectrumView()->rankSentence(8);
  EXPECT_TRUE(sentence.startsWith("rank 8: ")) << sentence.toStdString();
  EXPECT_TRUE(sentence.contains(QStringLiteral("1.02\u00a0kB of 1.02\u00a0kB"))) << sentence.toStdString();
  ASSERT_TRUE(waitFor([&] { return weights->heatMap()->summary() != nullptr; }));
  details->tabs()->setCurrentIndex(2);
  ASSERT_TRUE(waitFor([&] { return details->outlierTable()->topLevelItemCount() == 32; }));
  QSignalSpy cells(details, &WeightDetails::cellAsked);
  details->outlierTable()->setCurrentItem(details->outlierTable()->topLevelItem(0));
  ASSERT_EQ(cells.count(), 1);
  const double largest = materialize(window->session()->model()->model.weight(kQuery))
                             .value_at(cells[0][0].toLongLong() * 16 + cells[0][1].toLongLong());
  EXPECT_EQ(std::abs(largest), weights->heatMap()->summary()->statistics.abs_max());
}

TEST_F(LookInside, ARunAndTheOpenModelOnOneSentence) {
  auto* compare = page<ComparePage>("compare");
  window->showPage("compare");
  EXPECT_FALSE(compare->showsContent());
  EXPECT_FALSE(compare->emptyState()->button()->text().isEmpty());
  addRun();
  ASSERT_TRUE(waitFor([&] { return compare->rows()->table().rows.size() == 3; }));
  EXPECT_TRUE(compare->showsContent());
  const SaliencyTable& table = compare->rows()->table();
  EXPECT_EQ(table.label, "yes");
  EXPECT_EQ(table.tokens[1].shown, "fine");
  EXPECT_EQ(table.rows[2].scores[1], -0.5);
  EXPECT_EQ(compare->answers()->figureCsv(), QStringLiteral("label,before,after,logit_before,logit_after\r\n"
                                                            "no,0.1,0.6,-1.5,-1\r\nyes,0.9,0.4,0.5,1\r\n"));
  ASSERT_TRUE(waitFor([&] { return !compare->matrix()->isEmpty(); }));
  const QString changes = compare->matrix()->figureCsv();
  EXPECT_TRUE(changes.contains("0,2,0,0")) << changes.toStdString();
  EXPECT_TRUE(changes.contains("1,2,0.66666")) << changes.toStdString();
  EXPECT_EQ(compare->maps()->map(WeightMaps::Before)->figureTitle(), "Layer 1, head 2: attention")
      << "the head that changed most";
  window->session()->selection()->selectHead(0, 1);
  EXPECT_EQ(compare->maps()->map(WeightMaps::Before)->figureTitle(), "Layer 0, head 1: attention");
  EXPECT_TRUE(compare->maps()->isComparing());
  EXPECT_FALSE(compare->maps()->map(WeightMaps::Difference)->isEmpty());
}

TEST_F(LookInside, OneSentenceByEveryMethodOfSaliency) {
  auto* saliency = page<SaliencyPage>("saliency");
  window->showPage("saliency");
  const auto names = [&] {
    QStringList rows;
    for (const SaliencyRow& row : saliency->rows()->table().rows) rows << row.name;
    return rows.join(", ");
  };
  ASSERT_TRUE(waitFor([&] {
    return names() ==
           QStringLiteral("gradient × input, integrated gradients, SmoothGrad, occlusion, attention rollout");
  })) << names().toStdString();
  const std::vector<SaliencyRow>& rows = saliency->rows()->table().rows;
  EXPECT_EQ(rows[0].about, QStringLiteral("yes 90.0\u00a0%")) << rows[0].about.toStdString();
  EXPECT_EQ(rows[1].about, "sum off by 0.030") << rows[1].about.toStdString();
  EXPECT_EQ(rows[3].scores[1], -0.5);
  // A method that is switched on is asked then; one that is switched off leaves its row.
  saliency->methods()[4]->setChecked(true);
  saliency->methods()[0]->setChecked(false);
  ASSERT_TRUE(waitFor([&] {
    return names() == QStringLiteral("integrated gradients, SmoothGrad, occlusion, gradient, attention rollout");
  })) << names().toStdString();
  EXPECT_EQ(saliency->rows()->table().rows[0].about, QStringLiteral("yes 90.0\u00a0%, sum off by 0.030"));
}

TEST_F(LookInside, FlippedExamplesOpenElsewhere) {
  addRun();
  auto* flips = page<FlipsPage>("flips");
  window->showPage("flips");
  EXPECT_FALSE(flips->showsContent());
  flips->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return flips->showsContent(); }));
  QTreeView* table = flips->table();
  ASSERT_EQ(table->model()->rowCount(), 1);
  table->setCurrentIndex(table->model()->index(0, 0));
  EXPECT_EQ(window->session()->selection()->state().example, 1);
  EXPECT_TRUE(waitFor([&] { return window->session()->sentence()->sentence().text == "a dull film"; }));
  Q_EMIT table->activated(table->currentIndex());
  EXPECT_EQ(window->currentPage()->name(), "compare");
  window->showPage("flips");
  QTest::mouseClick(flips->confusion(), Qt::LeftButton, {}, flips->confusion()->cellRect(1, 1).center().toPoint());
  EXPECT_EQ(table->model()->rowCount(), 0);
  QTest::mouseClick(flips->confusion(), Qt::LeftButton, {}, flips->confusion()->cellRect(1, 1).center().toPoint());
  EXPECT_EQ(table->model()->rowCount(), 1);
  flips->slices()->setCurrentItem(flips->slices()->topLevelItem(1));
  EXPECT_EQ(table->model()->rowCount(), 0) << "the slice holds another example";
}

TEST_F(LookInside, ActivationsOfTheModelAndOfARun) {
  auto* activations = page<ActivationsPage>("activations");
  window->showPage("activations");
  EXPECT_FALSE(activations->showsContent());
  activations->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return !activations->likeness()->isEmpty(); }));
  EXPECT_TRUE(activations->showsContent());
  EXPECT_FALSE(activations->measureButton()->isVisible()) << "nothing is left to measure";
  EXPECT_TRUE(activations->ranges()->figureCsv().contains("open model,1,-3,3,0,0.75,1.5,1.5"))
      << activations->ranges()->figureCsv().toStdString();
  EXPECT_TRUE(activations->likeness()->figureCsv().contains("1,0.3333333333333333,0.5,1"))
      << activations->likeness()->figureCsv().toStdString();
  // A layer chosen here is the layer of every page, and the other way round; its channels follow.
  QTest::mouseClick(activations->ranges(), Qt::LeftButton, {}, activations->ranges()->placeRect(2).center().toPoint());
  EXPECT_EQ(window->session()->selection()->state().layer, 1);
  ASSERT_EQ(activations->outliers()->topLevelItemCount(), 1);
  EXPECT_EQ(activations->outliers()->topLevelItem(0)->text(3), "3.00");
  window->session()->selection()->selectLayer(0);
  EXPECT_EQ(activations->outliers()->topLevelItem(0)->text(3), "2.00");
  addRun();
  QComboBox* runs = activations->runPicker();
  runs->setCurrentIndex(1);
  Q_EMIT runs->activated(1);
  ASSERT_TRUE(activations->measureButton()->isVisible());
  activations->measureButton()->click();
  ASSERT_TRUE(waitFor([&] { return activations->ranges()->figureCsv().contains("-6,6"); }));
  auto* pairs = activations->likeness()->parentWidget()->findChild<QComboBox*>();
  pairs->setCurrentIndex(1);
  EXPECT_TRUE(activations->likeness()->figureCsv().contains("emb,0.5,0.25,"));
}

TEST_F(LookInside, ActivationsThatStopHalfWayCanBeMeasuredAgain) {
  auto* activations = page<ActivationsPage>("activations");
  window->showPage("activations");
  stopHalfWay = true;
  activations->emptyState()->button()->click();
  ASSERT_TRUE(waitFor([&] { return activations->bar()->text().contains("ran away"); }));
  stopHalfWay = false;
  EXPECT_FALSE(activations->ranges()->isEmpty()) << "what arrived stays";
  ASSERT_TRUE(activations->measureButton()->isVisible());
  activations->measureButton()->click();
  EXPECT_TRUE(waitFor([&] { return !activations->likeness()->isEmpty(); }));
}

TEST_F(LookInside, APinnedViewBringsItsSelectionBack) {
  window->showPage("overview");
  window->session()->selection()->selectSlot(kQuery, 0);
  window->pinView();
  ASSERT_EQ(window->pinnedPanel()->count(), 1);
  window->showPage("weights");
  window->session()->selection()->selectSlot("encoder.1.ffn.in_proj.weight", 1);
  SelectionState pinned;
  pinned.page = QStringLiteral("overview");
  pinned.slot = QString::fromLatin1(kQuery);
  pinned.layer = 0;
  Q_EMIT window->pinnedPanel()->openAsked(pinned);
  EXPECT_EQ(window->currentPage()->name(), "overview");
  EXPECT_EQ(window->session()->selection()->state().slot, kQuery);
}

}  // namespace
}  // namespace espalier
