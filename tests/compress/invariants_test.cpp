#include "compress/invariants.h"
#include "base/json.h"

#include "tests/compress/small_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

class Invariants : public testing::TestWithParam<std::string> {};

TEST_P(Invariants, AllTenHold) {
  JobContext context;
  const std::vector<InvariantResult> results =
      verify_invariants(method(GetParam()), small_model(), small_resources(), context);
  ASSERT_EQ(results.size(), 10U);
  for (const InvariantResult& result : results) {
    EXPECT_TRUE(result.ok) << result.id << " " << result.invariant << " " << result.name << ": " << result.detail;
    EXPECT_FALSE(result.detail.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, Invariants,
                         testing::Values("prune.magnitude", "prune.heads", "prune.layers", "prune.neurons",
                                         "share.layers", "factorize.svd", "quantize.q8", "distill.kd"),
                         [](const auto& entry) {
                           std::string name = entry.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// A method that breaks what the invariants hold: the checks must see it.
class Broken final : public Method {
 public:
  enum class Fault { IdentityMoves, ReportLies, IgnoresCancel, DependsOnCalls, Constant };

  explicit Broken(Fault fault)
      : Method({.id = "prune.broken",
                .title = "",
                .family = "prune",
                .anchors = {},
                .paper = "",
                .summary = "",
                .hosts = {}},
               {}),
        fault_(fault) {}

  Needs needs(const Settings&) const override { return {}; }
  std::vector<Issue> check(const Model&, const Step&) const override { return {}; }
  Model preview(const Model& model, const Step&) const override { return model; }
  Probe probe(const Model&) const override {
    const Step step = step_with(Json::object());
    return {.identity = step, .typical = step, .series = {step, step}, .unmet = step};
  }
  MethodResult apply(const Model& model, const Step&, const Resources&, uint64_t, JobContext& context) const override {
    if (fault_ != Fault::IgnoresCancel) context.cancel.throw_if_cancelled();
    MethodResult result{model, Json::object()};
    const std::string slot = fault_ == Fault::Constant ? "head.out.weight" : "encoder.0.ffn.in_proj.weight";
    std::vector<float> values = values_of(model, slot);
    if (fault_ == Fault::Constant) {
      std::ranges::fill(values, 0.0F);
    } else {
      values.front() += 0.5F + (fault_ == Fault::DependsOnCalls ? static_cast<float>(calls_++) : 0.0F);
    }
    result.model.weights.replace(slot, dense(shape_of(model.weights.at(slot)), values));
    add_size_report(result.report, model, result.model);
    if (fault_ == Fault::ReportLies) result.report["parameters"] = 1;
    return result;
  }

 private:
  Fault fault_;
  mutable int calls_ = 0;
};

std::vector<int> broken_invariants(Broken::Fault fault) {
  const Broken method(fault);
  JobContext context;
  std::vector<int> broken;
  for (const InvariantResult& result : verify_invariants(method, small_model(), small_resources(), context)) {
    if (!result.ok) broken.push_back(result.invariant);
  }
  return broken;
}

TEST(Invariants, SeeABrokenMethod) {
  const auto breaks = [](Broken::Fault fault, int invariant) {
    const std::vector<int> broken = broken_invariants(fault);
    return std::ranges::find(broken, invariant) != broken.end();
  };
  EXPECT_TRUE(breaks(Broken::Fault::IdentityMoves, 1));
  EXPECT_TRUE(breaks(Broken::Fault::DependsOnCalls, 3));
  EXPECT_TRUE(breaks(Broken::Fault::ReportLies, 4));
  EXPECT_TRUE(breaks(Broken::Fault::Constant, 7));
  EXPECT_TRUE(breaks(Broken::Fault::IdentityMoves, 8)) << "a series that never shrinks";
  EXPECT_TRUE(breaks(Broken::Fault::IgnoresCancel, 9));
  EXPECT_TRUE(breaks(Broken::Fault::IdentityMoves, 10)) << "an unmet step that is not refused";
  EXPECT_FALSE(breaks(Broken::Fault::IdentityMoves, 4)) << "an honest report";
}

}  // namespace
}  // namespace espalier::test
