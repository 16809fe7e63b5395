#include <set>

#include "base/json.h"
#include "compress/share/layers/assignment.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

using Assignment = std::vector<int64_t>;

Step share_step(Json settings) {
  if (!settings.contains("epochs")) settings["epochs"] = 0.0;
  return step_of("share.layers", std::move(settings));
}

TEST(LayerAssignment, ThePapersExamples) {
  EXPECT_EQ(layer_assignment("sequence", 6, 3), (Assignment{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(layer_assignment("cycle", 6, 3), (Assignment{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(layer_assignment("cycle_rev", 6, 3), (Assignment{0, 1, 2, 2, 1, 0}));
  EXPECT_EQ(layer_assignment("cycle_rev", 9, 3), (Assignment{0, 1, 2, 0, 1, 2, 2, 1, 0}));
}

TEST(LayerAssignment, AnyNumberOfLayers) {
  EXPECT_EQ(layer_assignment("sequence", 7, 3), (Assignment{0, 0, 0, 1, 1, 1, 2}));
  EXPECT_EQ(layer_assignment("cycle_rev", 5, 3), (Assignment{0, 1, 2, 2, 1})) << "fewer than twice as many layers";
  for (int64_t layers = 1; layers <= 13; ++layers) {
    for (int64_t unique = 1; unique <= layers; ++unique) {
      for (const char* pattern : {"sequence", "cycle", "cycle_rev"}) {
        const Assignment assignment = layer_assignment(pattern, layers, unique);
        EXPECT_EQ(std::set<int64_t>(assignment.begin(), assignment.end()).size(), static_cast<size_t>(unique))
            << pattern << " " << unique << " of " << layers;
        EXPECT_EQ(assignment.front(), 0);
      }
      const Assignment reversed = layer_assignment("cycle_rev", layers, unique);
      for (int64_t i = 0; 2 * unique <= layers && i < unique; ++i) {
        EXPECT_EQ(reversed[static_cast<size_t>(layers - 1 - i)], i) << "palindromic tail";
      }
    }
  }
}

TEST(LayerSharing, AsManyStoragesAsAsked) {
  for (const int unique : {1, 2, 3, 4}) {
    for (const char* pattern : {"sequence", "cycle", "cycle_rev"}) {
      const Model shared =
          apply_step(small_model(), share_step({{"unique_layers", unique}, {"pattern", pattern}})).model;
      std::set<WeightHandle> storages;
      for (int64_t layer = 0; layer < 4; ++layer) {
        storages.insert(shared.weights.handle(layer_slot(LayerIndex(layer), "attention.k_proj", "weight")));
      }
      EXPECT_EQ(storages.size(), static_cast<size_t>(unique)) << pattern;
      const int64_t layer_parameters = 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32;
      EXPECT_EQ(num_parameters(small_model()) - num_parameters(shared), (4 - unique) * layer_parameters);
    }
  }
}

TEST(LayerSharing, TheGroupsAverageNormsIncluded) {
  const Model shared = apply_step(small_model(), share_step({{"unique_layers", 2}, {"pattern", "cycle"}})).model;
  for (const char* path : {"attention.q_proj.weight", "ffn.norm.weight", "ffn.out_proj.bias"}) {
    const std::vector<float> a = values_of(small_model(), "encoder.1." + std::string(path));
    const std::vector<float> b = values_of(small_model(), "encoder.3." + std::string(path));
    const std::vector<float> mean = values_of(shared, "encoder.3." + std::string(path));
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(mean[i], (static_cast<double>(a[i]) + b[i]) / 2, 1e-7);
  }
}

TEST(LayerSharing, EqualLayersLoseNothing) {
  Model model = small_model();
  for (const Slot& slot : slots_of(model.architecture)) {
    if (!slot.layer) continue;
    const std::string prefix = "encoder." + std::to_string(slot.layer->value) + ".";
    model.weights.add(slot.name, model.weights.at("encoder.0." + slot.name.substr(prefix.size())));
  }
  const Model shared = apply_step(model, share_step({{"unique_layers", 1}})).model;
  EXPECT_LT(num_parameters(shared), num_parameters(model));
  EXPECT_TRUE(bit_equal(engine_logits(shared), engine_logits(model)));
}

TEST(LayerSharing, OnlyTheAttention) {
  const Model shared = apply_step(small_model(), share_step({{"unique_layers", 1}, {"parts", "attention"}})).model;
  const auto& table = shared.weights;
  EXPECT_EQ(table.handle("encoder.0.attention.norm.weight"), table.handle("encoder.3.attention.norm.weight"));
  EXPECT_NE(table.handle("encoder.0.ffn.in_proj.weight"), table.handle("encoder.3.ffn.in_proj.weight"));
}

TEST(LayerSharing, MasksOfAllStayAndTrainingKeepsSharing) {
  const Model pruned = apply_step(small_model(), step_of("prune.magnitude", {{"sparsity", 0.8}})).model;
  const Model averaged = apply_step(pruned, share_step({{"unique_layers", 2}})).model;
  EXPECT_NE(averaged.weight("encoder.0.ffn.in_proj.weight").as<Masked>(), nullptr);
  const MethodResult trained = apply_step(small_model(), share_step({{"unique_layers", 2}, {"epochs", 0.5}}));
  EXPECT_EQ(trained.model.weights.handle("encoder.0.ffn.in_proj.weight"),
            trained.model.weights.handle("encoder.1.ffn.in_proj.weight"));
  const Model untrained = apply_step(small_model(), share_step({{"unique_layers", 2}})).model;
  EXPECT_EQ(num_parameters(trained.model), num_parameters(untrained));
}

TEST(LayerSharing, RefusesWhatCannotBeAveraged) {
  const Model uneven = apply_step(small_model(), step_of("prune.heads", {{"heads", Json::parse("[[0, 1]]")}})).model;
  EXPECT_NE(issues_of(uneven, share_step({{"unique_layers", 1}})).find("different heads"), std::string::npos);
  EXPECT_EQ(issues_of(uneven, share_step({{"unique_layers", 1}, {"parts", "ffn"}})), "");
  const Model codes = apply_step(small_model(), step_of("quantize.q8", Json::object())).model;
  EXPECT_NE(issues_of(codes, share_step({{"unique_layers", 1}})).find("no average"), std::string::npos);
  EXPECT_NE(issues_of(small_model(), share_step({{"unique_layers", 9}})).find("unique_layers: "), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
