// prune.heads, prune.neurons and prune.layers.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "base/json.h"
#include "compress/ranking.h"
#include "network/network.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

Step heads(Json settings) { return step_of("prune.heads", std::move(settings)); }
Step neurons(Json settings) { return step_of("prune.neurons", std::move(settings)); }
Step layers(Json settings) { return step_of("prune.layers", std::move(settings)); }

// The small model with zeros in the output columns of one head: it cannot matter.
Model with_useless_head(LayerIndex layer, int64_t head) {
  Model model = small_model();
  const std::string slot = layer_slot(layer, "attention.out_proj", "weight");
  std::vector<float> values = values_of(model, slot);
  for (int64_t row = 0; row < 32; ++row) {
    for (int64_t column = head * 8; column < head * 8 + 8; ++column) values[static_cast<size_t>(row * 32 + column)] = 0;
  }
  model.weights.replace(slot, dense({32, 32}, std::move(values)));
  return model;
}

TEST(Ranking, TakesTheLowestWithAMinimumEverywhere) {
  const std::vector<std::vector<double>> scores = {{0.1, 0.2}, {0.3, 0.4}, {9, 8}};
  EXPECT_EQ(lowest_items(scores, 2, 1), (std::vector<std::vector<int64_t>>{{0}, {0}, {}}));
  EXPECT_EQ(lowest_items(scores, 2, 0), (std::vector<std::vector<int64_t>>{{0, 1}, {}, {}}));
  EXPECT_EQ(lowest_items(scores, 6, 1), (std::vector<std::vector<int64_t>>{{0}, {0}, {1}})) << "the minimum wins";
  EXPECT_EQ(lowest_items({{1, 1}, {1, 1}}, 3, 0), (std::vector<std::vector<int64_t>>{{0, 1}, {0}})) << "ties in order";
  EXPECT_EQ(lowest_items({{std::nan(""), 5}}, 1, 0), (std::vector<std::vector<int64_t>>{{1}}));
  EXPECT_EQ(complement({1, 3}, 5), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(share_of(0.25, 10), 3);
  EXPECT_EQ(share_of(0, 10), 0);
}

TEST(Heads, AHeadWithoutOutputGoesFirst) {
  const Model model = with_useless_head(LayerIndex(2), 1);
  const MethodResult result = apply_step(model, heads({{"fraction", 1.0 / 16}, {"max_examples", 64}}));
  EXPECT_EQ(result.report.at("heads_removed"), Json::parse("[[2, 1]]"));
  EXPECT_LT(largest_difference(engine_logits(model), engine_logits(result.model)), 1e-5);
}

TEST(Heads, CumulativeCountsMatchTheRequestedPercents) {
  for (const int steps : {1, 2, 4}) {
    const MethodResult result =
        apply_step(small_model(), heads({{"fraction", 0.5}, {"steps", steps}, {"max_examples", 64}}));
    EXPECT_EQ(result.report.at("heads_removed").size(), 8U);
    const Json& rounds = result.report.at("rounds");
    ASSERT_EQ(rounds.size(), static_cast<size_t>(steps));
    for (int round = 0; round < steps; ++round) {
      EXPECT_EQ(rounds.at(static_cast<size_t>(round)).at("heads_removed").get<int>(), 8 * (round + 1) / steps);
    }
    EXPECT_DOUBLE_EQ(result.report.at("heads_removed_frac").get<double>(), 0.5);
    int64_t left = 0;
    for (const LayerSpec& layer : result.model.architecture.layers) left += layer.attention.num_heads();
    EXPECT_EQ(left, 8);
  }
}

TEST(Heads, TheMinimumHoldsInEveryLayer) {
  const MethodResult result =
      apply_step(small_model(), heads({{"fraction", 0.5}, {"min_heads", 2}, {"max_examples", 64}}));
  for (const LayerSpec& layer : result.model.architecture.layers) EXPECT_EQ(layer.attention.num_heads(), 2);
  EXPECT_NE(issues_of(small_model(), heads({{"fraction", 0.8}, {"min_heads", 2}})).find("fraction: "),
            std::string::npos);
}

TEST(Heads, AListIsTakenAsItIsAndNeedsNoData) {
  const Step step = heads({{"heads", Json::parse("[[0, 3], [3, 0], [3, 1]]")}});
  JobContext context;
  const MethodResult result = method("prune.heads").apply(small_model(), step, Resources{}, 1, context);
  EXPECT_EQ(result.report.at("heads_removed"), Json::parse("[[0, 3], [3, 0], [3, 1]]"));
  EXPECT_EQ(result.report.at("heads_left"), Json::parse("[3, 4, 4, 2]"));
  // By original number in a model that has lost heads before.
  EXPECT_NE(issues_of(result.model, step).find("no head"), std::string::npos);
  EXPECT_EQ(issues_of(result.model, heads({{"heads", Json::parse("[[3, 3]]")}})), "");
  EXPECT_NE(issues_of(small_model(), heads({{"heads", Json::parse("[[0,0],[0,1],[0,2],[0,3]]")}})).find("at least 1"),
            std::string::npos);
}

TEST(Heads, SharedHeadsGoTogetherAndCountOnce) {
  const Model shared =
      apply_step(small_model(), step_of("share.layers", {{"unique_layers", 2}, {"epochs", 0.0}})).model;
  const MethodResult result = apply_step(shared, heads({{"fraction", 0.25}, {"max_examples", 64}}));
  EXPECT_EQ(result.report.at("heads_removed").size(), 4U) << "2 of 8 shared heads, in two layers each";
  const auto& layers = result.model.architecture.layers;
  EXPECT_EQ(layers[0].attention, layers[1].attention);
  EXPECT_EQ(layers[2].attention, layers[3].attention);
  validate(result.model, "test");
}

TEST(Heads, ScopeLimitsTheLayers) {
  Step step = heads({{"fraction", 0.5}, {"max_examples", 64}});
  step.scope.layers = {1};
  const MethodResult result = apply_step(small_model(), step);
  EXPECT_EQ(result.report.at("heads_left"), Json::parse("[4, 2, 4, 4]"));
  step.scope.parts = {"ffn"};
  EXPECT_NE(issues_of(small_model(), step).find("no heads"), std::string::npos);
}

TEST(Heads, WorksOnCodesAndFactors) {
  const Step cut = heads({{"heads", Json::parse("[[1, 0], [1, 2]]")}});
  for (const Step& before :
       {step_of("quantize.q8", Json::object()), step_of("factorize.svd", {{"by", "rank"}, {"rank", 8}})}) {
    const Model model = apply_step(small_model(), before).model;
    const MethodResult result = apply_step(model, cut);
    validate(result.model, "test");
    const Model zeroed = *method("prune.heads").masked_form(model, result);
    // Zeroing goes through floats and codes do not, hence the tolerance.
    EXPECT_LT(largest_difference(engine_logits(result.model), engine_logits(zeroed)), 0.2) << before.method;
  }
}

TEST(Neurons, AUnitWithoutOutputGoesFirst) {
  Model model = small_model();
  const std::string slot = "encoder.3.ffn.out_proj.weight";
  std::vector<float> values = values_of(model, slot);
  for (int64_t row = 0; row < 32; ++row) values[static_cast<size_t>(row * 64 + 17)] = 0;
  model.weights.replace(slot, dense({32, 64}, std::move(values)));
  const MethodResult result =
      apply_step(model, neurons({{"fraction", 1.0 / 256}, {"distribution", "global"}, {"max_examples", 64}}));
  EXPECT_EQ(result.report.at("units_removed"), Json::parse("[[], [], [], [17]]"));
  EXPECT_LT(largest_difference(engine_logits(model), engine_logits(result.model)), 1e-5);
}

TEST(Neurons, AListIsTakenAsItIsAndNeedsNoData) {
  const Step step = neurons({{"units", Json::parse("[[0, 3], [3, 63], [3, 0], [3, 0]]")}});
  JobContext context;
  const MethodResult result = method("prune.neurons").apply(small_model(), step, Resources{}, 1, context);
  EXPECT_EQ(result.report.at("units_removed"), Json::parse("[[3], [], [], [0, 63]]"));
  EXPECT_EQ(result.report.at("units_left"), Json::parse("[63, 64, 64, 62]"));
  EXPECT_LT(largest_difference(engine_logits(result.model),
                               engine_logits(*method("prune.neurons").masked_form(small_model(), result))),
            1e-5);
  EXPECT_EQ(method("prune.neurons").preview(small_model(), step).architecture, result.model.architecture);
  EXPECT_NE(issues_of(small_model(), neurons({{"units", Json::parse("[[1, 64]]")}})).find("it has 0-63"),
            std::string::npos);
  EXPECT_NE(issues_of(small_model(), neurons({{"units", Json::parse("[[4, 0]]")}})).find("4 layers"),
            std::string::npos);
  Json all = Json::array();
  for (int unit = 0; unit < 64; ++unit) all.push_back({2, unit});
  EXPECT_NE(issues_of(small_model(), neurons({{"units", all}})).find("at least 1"), std::string::npos);
}

TEST(Neurons, EveryLayerLosesTheSameShare) {
  const MethodResult result =
      apply_step(small_model(), neurons({{"fraction", 0.5}, {"steps", 2}, {"max_examples", 64}}));
  EXPECT_EQ(result.report.at("units_left"), Json::parse("[32, 32, 32, 32]"));
  EXPECT_EQ(shape_of(result.model.weight("encoder.2.ffn.in_proj.weight")), (Shape{32, 32}));
  EXPECT_DOUBLE_EQ(result.report.at("units_removed_frac").get<double>(), 0.5);
  EXPECT_LT(largest_difference(engine_logits(result.model),
                               engine_logits(*method("prune.neurons").masked_form(small_model(), result))),
            1e-5)
      << "positions in the report are those of the input model, over both rounds";
  EXPECT_NE(issues_of(small_model(), neurons({{"fraction", 0.9}, {"min_units", 10}})).find("fraction: "),
            std::string::npos);
}

TEST(Neurons, TrainingFollowsRemoval) {
  const MethodResult result = apply_step(
      small_model(), neurons({{"fraction", 0.5}, {"max_examples", 64}, {"epochs", 0.5}, {"learning_rate", 1e-3}}));
  EXPECT_GT(result.report.at("rounds").at(0).at("train").at("steps").get<int>(), 0);
  EXPECT_EQ(result.model.architecture.layers[0].ffn.width, 32);
}

TEST(Layers, GoByTheirPlaceAndAreNumberedAnew) {
  const auto removed = [](const char* pattern, double fraction) {
    return apply_step(small_model(), layers({{"pattern", pattern}, {"fraction", fraction}}))
        .report.at("layers_removed");
  };
  EXPECT_EQ(removed("top", 0.5), Json::parse("[2, 3]"));
  EXPECT_EQ(removed("even", 0.5), Json::parse("[1, 3]"));
  EXPECT_EQ(removed("even", 0.25), Json::parse("[3]")) << "0, 4/3 and 8/3 rounded down stay";
  EXPECT_EQ(removed("bottom", 0.25), Json::parse("[0]"));
  EXPECT_EQ(removed("middle", 0.5), Json::parse("[1, 2]"));
  EXPECT_EQ(removed("top", 1), Json::parse("[1, 2, 3]")) << "one stays";
  const Model model = apply_step(small_model(), layers({{"layers", "0, 2"}})).model;
  validate(model, "test");
  ASSERT_EQ(model.architecture.layers.size(), 2U);
  for (const char* slot : {"attention.q_proj.weight", "ffn.out_proj.bias"}) {
    EXPECT_EQ(values_of(model, std::string("encoder.0.") + slot),
              values_of(small_model(), std::string("encoder.1.") + slot));
    EXPECT_EQ(values_of(model, std::string("encoder.1.") + slot),
              values_of(small_model(), std::string("encoder.3.") + slot));
  }
}

// A layer that is gone is one that passes on what it is given.
TEST(Layers, ARemovedLayerIsABypassedOne) {
  const Model model = small_model();
  std::vector<at::Tensor> gates(model.architecture.layers.size());  // undefined: open
  for (const size_t layer : {1, 3}) gates[layer] = at::zeros({1});
  Encoding sentence;
  sentence.ids = {1, 5, 9, 2};
  sentence.type_ids = {0, 0, 0, 0};
  const NetworkBatch batch = make_network_batch({&sentence}, 0, "cpu");
  const at::NoGradGuard no_grad;
  ForwardOptions bypassed;
  bypassed.layer_gates = &gates;
  const at::Tensor expected = Network(model).forward(batch, bypassed).logits;
  const at::Tensor found = Network(apply_step(model, layers({{"layers", "1, 3"}})).model).forward(batch).logits;
  EXPECT_TRUE(at::equal(found, expected));
  EXPECT_FALSE(at::equal(found, Network(model).forward(batch).logits));
}

TEST(Layers, AListIsReadAndItsFaultsAreNamed) {
  const auto removed = [](const char* list) {
    return apply_step(small_model(), layers({{"layers", list}})).report.at("layers_removed");
  };
  EXPECT_EQ(removed(" 1-2 ,0"), Json::parse("[0, 1, 2]"));
  EXPECT_EQ(removed("3,3,"), Json::parse("[3]"));
  const auto issue = [](const char* list) { return issues_of(small_model(), layers({{"layers", list}})); };
  EXPECT_NE(issue("4").find("4 layers"), std::string::npos);
  EXPECT_NE(issue("0-3").find("one has to stay"), std::string::npos);
  for (const char* list : {"x", "2-1", "1.5", "-1", ",", "1;2", "99999999999999999999", "0-99999999999"}) {
    EXPECT_NE(issue(list).find("wanted numbers of layers"), std::string::npos) << list;
  }
  Step scoped = layers({{"layers", "1"}});
  scoped.scope.layers = {1};
  EXPECT_NE(issues_of(small_model(), scoped).find("scope: "), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
