// The registry, checks and estimates of whole recipes.
#include <algorithm>
#include <set>

#include "base/json.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"
#include "train/fine_tune.h"

namespace espalier::test {
namespace {

Recipe recipe_of(std::vector<Step> steps) {
  Recipe recipe;
  recipe.steps = std::move(steps);
  return recipe;
}

TEST(Registry, MethodsInOrderWithPagesAndSoundSchemas) {
  std::vector<std::string> ids;
  for (const auto& each : methods()) {
    const MethodInfo& info = each->info();
    ids.push_back(info.id);
    EXPECT_EQ(&method(info.id), each.get());
    EXPECT_EQ(info.id.substr(0, info.id.find('.')), info.family);
    EXPECT_NE(info.page.find(info.id), std::string::npos) << "its own page";
    EXPECT_NE(info.page.find("Do not use it"), std::string::npos) << info.id;
    EXPECT_FALSE(info.anchors.empty() || info.paper.empty() || info.summary.empty() || info.hosts.empty());
    EXPECT_TRUE(check_settings(each->settings(), Json::object()).empty());
    std::set<std::string> keys;
    for (const Setting& setting : each->settings()) {
      EXPECT_TRUE(keys.insert(setting.key).second) << info.id << " has two settings " << setting.key;
      EXPECT_FALSE(setting.help.empty() || setting.label.empty()) << info.id << " " << setting.key;
      EXPECT_TRUE(check_settings(each->settings(), {{setting.key, *setting.default_value}}).empty()) << setting.key;
      // Those of training are the same for all and stand in one place.
      const bool own =
          std::ranges::none_of(retrain_settings(0), [&](const Setting& t) { return t.key == setting.key; });
      EXPECT_TRUE(!own || info.page.find("`" + setting.key + "`") != std::string::npos)
          << info.id << " " << setting.key;
    }
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"prune.heads", "prune.layers", "prune.magnitude", "prune.neurons",
                                           "share.layers", "factorize.svd", "quantize.q8", "distill.kd"}));
}

TEST(Registry, NamesTheNearestMethod) {
  EXPECT_NE(std::string(expect_error([] { method("prune.haeds"); }).what()).find("\"prune.heads\""), std::string::npos);
  EXPECT_NE(std::string(expect_error([] { method("magnitude"); }).what()).find("\"prune.magnitude\""),
            std::string::npos);
  const std::vector<Issue> issues = check_step(small_model(), step_of("quantise.q8", Json::object()), nullptr);
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].key, "method");
}

TEST(Recipe, TrainingAfterCodesIsRefusedBeforeAnyWork) {
  const Resources resources = small_resources();
  for (const char* id : {"prune.magnitude", "prune.heads", "prune.layers", "prune.neurons", "share.layers",
                         "factorize.svd", "distill.kd"}) {
    const Recipe recipe = recipe_of({step_of("quantize.q8", Json::object()), step_of(id, {{"epochs", 1.0}})});
    const std::vector<StepIssue> issues = check_recipe(small_model(), recipe, &resources);
    ASSERT_FALSE(issues.empty()) << id;
    EXPECT_EQ(issues[0].step, 1U);
    EXPECT_EQ(issues[0].issue.key, "epochs");
    Recipe other_order = recipe;
    std::swap(other_order.steps[0], other_order.steps[1]);
    EXPECT_TRUE(check_recipe(small_model(), other_order, &resources).empty()) << id;
    Recipe off = recipe;
    off.steps[0].enabled = false;
    EXPECT_TRUE(check_recipe(small_model(), off, &resources).empty()) << id;
  }
}

TEST(Recipe, ChecksLookAtWhatEarlierStepsLeave) {
  const Step gone = step_of("prune.heads", {{"heads", Json::parse("[[0, 1], [0, 2]]")}});
  const std::vector<StepIssue> issues = check_recipe(small_model(), recipe_of({gone, gone}), nullptr);
  ASSERT_FALSE(issues.empty());
  EXPECT_EQ(issues[0].step, 1U);
  EXPECT_EQ(issues[0].issue.key, "heads");
}

// What each step promises is what it does, to the byte, where no spectrum or ranking decides the size.
TEST(Recipe, EstimatesAreTheSizesThatComeOut) {
  const Resources resources = small_resources();
  const Recipe recipe =
      recipe_of({step_of("share.layers", {{"unique_layers", 2}, {"epochs", 0.25}}),
                 step_of("prune.heads", {{"fraction", 0.25}, {"max_examples", 64}}),
                 step_of("prune.neurons", {{"fraction", 0.25}, {"max_examples", 64}}),
                 step_of("factorize.svd", {{"by", "ratio"}, {"ratio", 0.5}}), step_of("quantize.q8", Json::object())});
  ASSERT_TRUE(check_recipe(small_model(), recipe, &resources).empty());
  const std::vector<Estimate> estimates = estimate_recipe(small_model(), recipe, &resources);
  ASSERT_EQ(estimates.size(), 6U);
  Model model = small_model();
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    model = apply_step(model, recipe.steps[i]).model;
    EXPECT_EQ(estimates[i + 1].parameters, num_parameters(model)) << recipe.steps[i].method;
    EXPECT_EQ(estimates[i + 1].bundle_bytes, predicted_bundle_bytes(model)) << recipe.steps[i].method;
    EXPECT_GT(estimates[i + 1].macs, 0);
    EXPECT_GT(estimates[i + 1].job_seconds, 0);
    EXPECT_GT(estimates[i + 1].peak_bytes, 0);
    EXPECT_EQ(engine_logits(model).shape(), (Shape{32, 2}));
  }
  EXPECT_LT(estimates.back().bundle_bytes, estimates.front().bundle_bytes / 4);
}

TEST(Recipe, EstimateOfSparsityIsExactAndOfEnergyABound) {
  const Recipe sparse = recipe_of({step_of("prune.magnitude", {{"sparsity", 0.7}})});
  EXPECT_EQ(estimate_recipe(small_model(), sparse, nullptr)[1].parameters,
            num_parameters(apply_step(small_model(), sparse.steps[0]).model));
  const Recipe energy = recipe_of({step_of("factorize.svd", {{"by", "energy"}, {"energy", 0.6}})});
  EXPECT_GE(estimate_recipe(small_model(), energy, nullptr)[1].parameters,
            num_parameters(apply_step(small_model(), energy.steps[0]).model));
}

TEST(Recipe, AStepWithIssuesHasNoEstimate) {
  const Recipe recipe =
      recipe_of({step_of("prune.heads", {{"fraction", 2.0}}), step_of("quantize.q8", Json::object())});
  const std::vector<Estimate> estimates = estimate_recipe(small_model(), recipe, nullptr);
  ASSERT_EQ(estimates.size(), 3U);
  EXPECT_EQ(estimates[1].bundle_bytes, -1);
  EXPECT_GT(estimates[2].bundle_bytes, 0);
}

TEST(Scope, SelectsByLayerPartAndName) {
  const Architecture architecture = small_architecture();
  const auto count = [&](const Scope& scope) { return slots_in_scope(architecture, scope, {SlotKind::Linear}).size(); };
  EXPECT_EQ(count({}), 4U * 6 + 2);
  EXPECT_EQ(count({.layers = {1}, .parts = {}, .slots = {}}), 6U);
  EXPECT_EQ(count({.layers = {1, 2}, .parts = {"ffn"}, .slots = {}}), 4U);
  EXPECT_EQ(count({.layers = {}, .parts = {}, .slots = {"encoder.0.ffn.in_proj.weight"}}), 1U);
  Step nowhere = step_of("prune.magnitude", Json::object());
  nowhere.scope.layers = {4};
  nowhere.scope.parts = {"feet"};
  nowhere.scope.slots = {"encoder.9.x"};
  EXPECT_EQ(check_step(small_model(), nowhere, nullptr).size(), 3U) << "all at once";
}

}  // namespace
}  // namespace espalier::test
