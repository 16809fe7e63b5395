#include "introspect/criteria.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "introspect/gates.h"
#include "introspect/introspect.h"
#include "network/network.h"
#include "tests/introspect/small_network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

LayerScores scores_of(const Model& model, const EncodedDataset& data, Prunable prunable, Criterion criterion,
                      const CriterionOptions& options = {}) {
  JobContext context;
  return score_items(model, data, prunable, criterion, options, context).scores;
}

// Mean loss and right answers of a model as it is.
GatedModel::Outcome outcome_of(const Model& model, const EncodedDataset& data) {
  return GatedModel(model, data, Prunable::Heads, 4, "cpu").run({}, {});
}

// The model whose layer gives back what it gets: post-norm layers cannot, so it is taken out of the architecture.
Model without_layer(const Model& model, size_t gone) {
  Model less = model;
  less.architecture.layers.erase(less.architecture.layers.begin() + static_cast<std::ptrdiff_t>(gone));
  less.weights = {};
  for (const Slot& slot : slots_of(less.architecture)) {
    std::string name = slot.name;
    if (slot.layer && static_cast<size_t>(slot.layer->value) >= gone) {
      const std::string now = "encoder." + std::to_string(slot.layer->value) + ".";
      name = "encoder." + std::to_string(slot.layer->value + 1) + "." + name.substr(now.size());
    }
    less.weights.add(slot.name, model.weight(name));
  }
  return less;
}

TEST(Criteria, HaveNamesAndAreRefusedWithTheList) {
  for (const Prunable prunable : {Prunable::Heads, Prunable::Units, Prunable::Layers}) {
    EXPECT_EQ(prunable_from(to_string(prunable)), prunable);
    for (const Criterion criterion : criteria_of(prunable)) {
      EXPECT_EQ(criterion_from(to_string(criterion), prunable), criterion);
    }
  }
  const Error error = test::expect_error([] { criterion_from("confidence", Prunable::Units); });
  EXPECT_NE(std::string(error.what()).find("activation"), std::string::npos) << error.what();
  EXPECT_EQ(test::expect_error([] { prunable_from("words"); }).kind(), ErrorKind::InvalidInput);
  const std::vector<Criterion> cheap = default_criteria(Prunable::Units);
  EXPECT_EQ(std::ranges::count(cheap, Criterion::Ablation), 0);
}

TEST(Criteria, AllGiveAScoreForEveryItem) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(5);
  CriterionOptions options;
  options.gate_steps = 3;
  for (const Prunable prunable : {Prunable::Heads, Prunable::Units, Prunable::Layers}) {
    for (const Criterion criterion : criteria_of(prunable)) {
      if (prunable == Prunable::Units && criterion == Criterion::Ablation) continue;  // a pass a unit
      const LayerScores scores = scores_of(model, data, prunable, criterion, options);
      const size_t wanted = prunable == Prunable::Heads ? 4 : prunable == Prunable::Units ? 64 : 1;
      ASSERT_EQ(scores.size(), 4U) << to_string(criterion);
      for (const auto& layer : scores) {
        EXPECT_EQ(layer.size(), wanted) << to_string(criterion);
        for (const double score : layer) EXPECT_TRUE(std::isfinite(score)) << to_string(criterion);
      }
    }
  }
}

TEST(Criteria, MichelIsTheImportanceThatPruningUses) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(6);
  JobContext context;
  const Importance wanted = head_importance(model, data, {}, context);
  const LayerScores scores = scores_of(model, data, Prunable::Heads, Criterion::Michel);
  for (size_t layer = 0; layer < 4; ++layer) {
    for (size_t head = 0; head < 4; ++head) EXPECT_NEAR(scores[layer][head], wanted.scores[layer][head], 1e-9);
  }
}

TEST(Criteria, TaylorOfOneExampleIsMichelSquared) {
  const Model model = tiny_model();
  const EncodedDataset one = random_data(1);
  ImportanceOptions options;
  options.normalize_layers = false;
  JobContext context;
  const Importance michel = head_importance(model, one, options, context);
  const LayerScores taylor = scores_of(model, one, Prunable::Heads, Criterion::Taylor);
  for (size_t layer = 0; layer < 4; ++layer) {
    for (size_t head = 0; head < 4; ++head) {
      EXPECT_NEAR(taylor[layer][head], std::pow(michel.scores[layer][head], 2), 1e-9);
    }
  }
}

TEST(Ablation, OfAHeadIsTheLossOfTheModelWithoutItsColumns) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(6);
  const LayerScores scores = scores_of(model, data, Prunable::Heads, Criterion::Ablation);
  const double whole = outcome_of(model, data).loss;
  for (size_t layer = 0; layer < 4; ++layer) {
    for (int64_t head = 0; head < 4; ++head) {
      Model without = model;
      set_columns(without, "encoder." + std::to_string(layer) + ".attention.out_proj.weight", head * 8, 8, 0);
      EXPECT_NEAR(scores[layer][static_cast<size_t>(head)], outcome_of(without, data).loss - whole, 1e-5);
    }
  }
}

TEST(Ablation, OfAUnitAndOfALayerIsTheLossWithoutThem) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(6);
  const double whole = outcome_of(model, data).loss;
  const LayerScores units = scores_of(model, data, Prunable::Units, Criterion::Ablation);
  Model without = model;
  set_columns(without, "encoder.2.ffn.out_proj.weight", 40, 1, 0);
  EXPECT_NEAR(units[2][40], outcome_of(without, data).loss - whole, 1e-5);
  const LayerScores layers = scores_of(model, data, Prunable::Layers, Criterion::Ablation);
  for (size_t layer = 0; layer < 4; ++layer) {
    EXPECT_NEAR(layers[layer][0], outcome_of(without_layer(model, layer), data).loss - whole, 1e-5) << layer;
  }
}

TEST(Criteria, OfALayerAreTheGradientOfItsGate) {
  // Central difference of the loss of one example in double precision.
  const Model model = tiny_model();
  const EncodedDataset one = random_data(1);
  const LayerScores scores = scores_of(model, one, Prunable::Layers, Criterion::Michel);
  Network network(model, {.placement = {.precision = Precision::Float64}});
  const auto loss_with = [&](size_t layer, double gate) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gates(4, at::ones({1}, at::kDouble));
    gates[layer] = at::full({1}, gate, at::kDouble);
    ForwardOptions options;
    options.layer_gates = &gates;
    const EncodedExample& example = one.examples[0];
    const at::Tensor logits = network.forward(make_network_batch({&example.encoding}, 0, "cpu"), options).logits;
    return at::cross_entropy_loss(logits, at::tensor({example.label}, at::kLong)).item<double>();
  };
  for (size_t layer = 0; layer < 4; ++layer) {
    const double slope = (loss_with(layer, 1 + 1e-5) - loss_with(layer, 1 - 1e-5)) / 2e-5;
    EXPECT_NEAR(scores[layer][0], std::abs(slope), 1e-4 * std::max(1.0, std::abs(slope)));
  }
}

TEST(Criteria, AttentionOfEqualKeysHasTheEntropyOfTheirNumber) {
  // Without queries all scores are 0, so that every key gets the same share.
  Model model = tiny_model();
  for (int layer = 0; layer < 4; ++layer) {
    const std::string place = "encoder." + std::to_string(layer) + ".attention.q_proj.";
    set_columns(model, place + "weight", 0, 32, 0);
    model.weights.replace(place + "bias", Dense{Tensor::from({32}, std::vector<float>(32, 0))});
  }
  EncodedDataset data = random_data(1);
  Encoding& encoding = data.examples[0].encoding;
  encoding.special.front() = true;
  const auto length = static_cast<double>(encoding.size());
  for (const auto& layer : scores_of(model, data, Prunable::Heads, Criterion::Entropy)) {
    for (const double score : layer) EXPECT_NEAR(score, -std::log(length), 1e-5);
  }
  for (const auto& layer : scores_of(model, data, Prunable::Heads, Criterion::Confidence)) {
    for (const double score : layer) EXPECT_NEAR(score, 1 / length, 1e-6);
  }
}

TEST(Criteria, PaddingChangesNothing) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(6);
  CriterionOptions one;
  one.batch_size = 1;
  const std::vector<std::pair<Prunable, Criterion>> all = {{Prunable::Heads, Criterion::Confidence},
                                                           {Prunable::Heads, Criterion::Entropy},
                                                           {Prunable::Layers, Criterion::Influence},
                                                           {Prunable::Units, Criterion::Activation}};
  for (const auto& [prunable, criterion] : all) {
    const LayerScores together = scores_of(model, data, prunable, criterion);
    const LayerScores alone = scores_of(model, data, prunable, criterion, one);
    for (size_t layer = 0; layer < 4; ++layer) {
      for (size_t i = 0; i < alone[layer].size(); ++i) {
        EXPECT_NEAR(together[layer][i], alone[layer][i], 1e-4 * std::max(1.0, std::abs(alone[layer][i])))
            << to_string(criterion);
      }
    }
  }
}

TEST(Criteria, AUnitThatNobodyReadsIsWorthNothing) {
  Model model = tiny_model();
  set_columns(model, "encoder.2.ffn.out_proj.weight", 40, 1, 0);
  for (const Criterion criterion :
       {Criterion::Michel, Criterion::Taylor, Criterion::Activation, Criterion::Magnitude}) {
    const LayerScores scores = scores_of(model, random_data(5), Prunable::Units, criterion);
    EXPECT_EQ(scores[2][40], 0.0) << to_string(criterion);
    EXPECT_GT(scores[2][41], 0.0) << to_string(criterion);
  }
}

// The labels become the model's own answers, so that what it does is worth something.
void answer_as(const Model& model, EncodedDataset& data) {
  const at::NoGradGuard no_grad;
  Network network(model);
  for (EncodedExample& example : data.examples) {
    example.label = static_cast<int32_t>(
        network.forward(make_network_batch({&example.encoding}, 0, "cpu")).logits.argmax(1).item<int64_t>());
  }
}

TEST(LearntGates, CloseAHeadThatNobodyReadsBeforeOthers) {
  Model model = tiny_model();
  set_columns(model, "encoder.1.attention.out_proj.weight", 16, 8, 0);  // head 2 of layer 1
  EncodedDataset data = random_data(24);
  answer_as(model, data);
  CriterionOptions options;
  options.gate_steps = 60;
  const LayerScores scores = scores_of(model, data, Prunable::Heads, Criterion::Voita, options);
  std::vector<double> all;
  for (const auto& layer : scores) all.insert(all.end(), layer.begin(), layer.end());
  std::ranges::sort(all);
  EXPECT_LE(scores[1][2], all[all.size() / 2]);
  EXPECT_LT(scores[1][2], 2);  // the penalty alone closes it
  EXPECT_EQ(scores, scores_of(model, data, Prunable::Heads, Criterion::Voita, options));
}

TEST(Removal, OrderIsFromTheLeastImportantOn) {
  const std::vector<PrunableItem> order = removal_order({{3, 1}, {2}, {1, -4}});
  EXPECT_EQ(order, (std::vector<PrunableItem>{{2, 1}, {0, 1}, {2, 0}, {1, 0}, {0, 0}}));
}

TEST(Removal, TheCurveIsThatOfTheMaskedModel) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(40);
  const std::vector<PrunableItem> order = removal_order(scores_of(model, data, Prunable::Heads, Criterion::Random));
  JobContext context;
  CurveOptions options;
  options.step = 5;
  options.tolerance = 1;  // nothing is bad
  const RemovalCurve curve = removal_curve(model, data, Prunable::Heads, order, options, context);
  std::vector<int64_t> counts;
  for (const RemovalPoint& point : curve.points) counts.push_back(point.removed);
  EXPECT_EQ(counts, (std::vector<int64_t>{0, 5, 10, 15, 16}));
  EXPECT_EQ(curve.within, 16);
  Model masked = model;
  size_t done = 0;
  for (const RemovalPoint& point : curve.points) {
    for (; done < static_cast<size_t>(point.removed); ++done) {
      set_columns(masked, "encoder." + std::to_string(order[done].layer) + ".attention.out_proj.weight",
                  order[done].index * 8, 8, 0);
    }
    EXPECT_EQ(point.right, outcome_of(masked, data).right) << point.removed;
  }
}

TEST(Removal, WithinIsTheLastCountBeforeAccuracyIsLost) {
  const Model model = tiny_model();
  EncodedDataset data = random_data(40);
  answer_as(model, data);
  const std::vector<PrunableItem> order = removal_order(scores_of(model, data, Prunable::Heads, Criterion::Michel));
  JobContext context;
  CurveOptions all_options;
  all_options.step = 1;
  all_options.tolerance = 0.05;
  const RemovalCurve all = removal_curve(model, data, Prunable::Heads, order, all_options, context);
  ASSERT_EQ(all.points.size(), 17U);
  int64_t wanted = 0;
  while (wanted < 16 && all.points[static_cast<size_t>(wanted) + 1].right >= all.points[0].right - 2) ++wanted;
  EXPECT_EQ(all.within, wanted);
  EXPECT_LT(wanted, 16);
  // Coarse steps are refined where the accuracy is lost; they may step over a dip, never below one.
  CurveOptions coarse = all_options;
  coarse.step = 6;
  const RemovalCurve steps = removal_curve(model, data, Prunable::Heads, order, coarse, context);
  EXPECT_GE(steps.within, wanted);
  EXPECT_TRUE(std::ranges::is_sorted(steps.points, {}, &RemovalPoint::removed));
}

TEST(Removal, RefusesRegressionAndStopsWhenCancelled) {
  JobContext context;
  const EncodedDataset data = random_data(4);
  EXPECT_EQ(test::expect_error([&] {
              removal_curve(tiny_model(HeadKind::Regression), data, Prunable::Heads, {}, {}, context);
            }).kind(),
            ErrorKind::Unsupported);
  context.cancel.cancel();
  EXPECT_THROW(removal_curve(tiny_model(), data, Prunable::Heads, {}, {}, context), Cancelled);
  for (const Criterion criterion : {Criterion::Ablation, Criterion::Voita, Criterion::Entropy, Criterion::Taylor}) {
    EXPECT_THROW(score_items(tiny_model(), data, Prunable::Heads, criterion, {}, context), Cancelled);
  }
}

}  // namespace
}  // namespace espalier
