// Where libtorch computes and in which numbers.

#include "network/placement.h"

#include <torch/cuda.h>

#include "engine/engine.h"
#include "network/network.h"
#include "network/network_runner.h"
#include "network/runtime.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::expect_error;

std::vector<Encoding> sequences() {
  Rng rng(5);
  std::vector<Encoding> made(7);
  for (Encoding& one : made) {
    for (uint64_t t = 2 + rng.below(7); t > 0; --t) {
      one.ids.push_back(static_cast<TokenId>(1 + rng.below(40)));
      one.type_ids.push_back(0);
    }
  }
  return made;
}

Tensor logits_of(const Model& model, const Placement& placement) {
  const std::vector<Encoding> all = sequences();
  std::vector<const Encoding*> pointers;
  for (const Encoding& one : all) pointers.push_back(&one);
  return make_network_runner(model, placement)->logits(pointers, {});
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) largest = std::max(largest, std::abs(a.value_at(i) - b.value_at(i)));
  return largest;
}

// Weights in every form that can be stored, quantized ones among them.
TEST(Placement, NarrowNumbersAgreeAsFarAsTheyGo) {
  const Model model = test::model_of_every_form();
  const Tensor plain = logits_of(model, {});
  EXPECT_EQ(plain.dtype(), DType::F32);
  EXPECT_LT(largest_difference(plain, logits_of(model, {.precision = Precision::Float64})), 1e-3);
  const Tensor narrow = logits_of(model, {.precision = Precision::BFloat16});
  EXPECT_EQ(narrow.dtype(), DType::F32);
  const double difference = largest_difference(plain, narrow);
  EXPECT_LT(difference, 0.05);
  EXPECT_GT(difference, 1e-6) << "nothing was rounded";
}

TEST(Placement, OnAGraphicsProcessorToo) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "needs a GPU and a libtorch built with CUDA";
  const Model model = test::model_of_every_form();
  const Tensor plain = logits_of(model, {});
  EXPECT_LT(largest_difference(plain, logits_of(model, {.device = "cuda:0"})), 1e-3);
  EXPECT_LT(largest_difference(plain, logits_of(model, {"cuda:0", Precision::BFloat16})), 0.05);
  EXPECT_LT(largest_difference(plain, logits_of(model, {"cuda:0", Precision::Half})), 0.02);
  EXPECT_GT(Runtime(model, 1, Placement{"cuda:0", Precision::Half}).measure_latency({.sequence_length = 8}).p50_ms, 0);
}

TEST(Placement, NamesAreHeldToWhatThereIs) {
  for (const Precision precision : {Precision::Float32, Precision::Float64, Precision::BFloat16, Precision::Half}) {
    EXPECT_EQ(precision_named(to_string(precision)), precision);
  }
  EXPECT_EQ(expect_error([] { precision_named("float16"); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { require_usable({.device = "abacus"}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { require_usable({.device = "meta"}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([] { require_usable({.device = "cuda:99"}); }).kind(), ErrorKind::Device);
  EXPECT_EQ(expect_error([] { require_usable({.precision = Precision::Half}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_NO_THROW(require_usable({.precision = Precision::BFloat16}));
}

TEST(Placement, RoundedWeightsAreNotReadBack) {
  const Network network(test::model_of_every_form(), {.placement = {.precision = Precision::BFloat16}});
  EXPECT_EQ(expect_error([&] { network.to_model(); }).kind(), ErrorKind::Unsupported);
}

TEST(Placement, AFigureSaysWhereItIsFrom) {
  const Model model = test::model_of_every_form();
  Runtime runtime(model, 1, Placement{.precision = Precision::BFloat16});
  const Latency latency = runtime.measure_latency({.sequence_length = 8});
  EXPECT_GT(latency.p50_ms, 0);
  EXPECT_NE(latency.kernels.find("libtorch"), std::string::npos) << latency.kernels;
  EXPECT_NE(latency.kernels.find("cpu, bfloat16"), std::string::npos) << latency.kernels;
  EXPECT_EQ(Runtime(model, 1).measure_latency({.sequence_length = 8}).kernels, kernel_info().instruction_set);
}

}  // namespace
}  // namespace espalier
