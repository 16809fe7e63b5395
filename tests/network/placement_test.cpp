// Where libtorch computes and in which numbers.

#include "network/placement.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/cuda.h>

#include "engine/engine.h"
#include "network/gpu.h"
#include "network/integer_product.h"
#include "network/library_attention.h"
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

Model model_of_codes(ActivationRange range) {
  Architecture a = test::bert_architecture(2, 16, 24, 4, 50, 10);
  a.head = {HeadKind::Classification, 3, {"no", "maybe", "yes"}};
  Model model = test::random_model(a);
  for (const Slot& slot : slots_of(a)) {
    if (!slot.name.starts_with("encoder.") || slot.shape.size() != 2) continue;
    model.weights.replace(slot.name, quantize_symmetric(materialize(model.weights.at(slot.name)), 8, true, range));
  }
  return model;
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
  if (multiplies_integers()) {
    EXPECT_LT(largest_difference(plain, logits_of(model, {"cuda:0", Precision::Int8})), 0.02);
  }
}

TEST(Placement, AGpuTimesByItsEventsAndReplaysOneGraph) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "needs a GPU and a libtorch built with CUDA";
  const Model model = test::model_of_every_form();
  Runtime runtime(model, 1, Placement{"cuda:0", Precision::Half});
  const Latency latency = runtime.measure_latency({.sequence_length = 8});
  EXPECT_GT(latency.p50_ms, 0);
  EXPECT_NE(latency.kernels.find("as one graph"), std::string::npos) << latency.kernels;

  at::Tensor x = at::ones({64}, at::TensorOptions().device("cuda:0")), y = at::zeros_like(x);
  const std::function<void()> replay = captured_on_gpu("cuda:0", [&] { y.copy_(x * 2); });
  x.fill_(3);
  EXPECT_GT(milliseconds_on_gpu("cuda:0", replay), 0);
  EXPECT_EQ(y.sum().item<float>(), 6 * 64);
  EXPECT_EQ(expect_error([&] { captured_on_gpu("cuda:0", [&] { x.sum().item<float>(); }); }).kind(), ErrorKind::Device);
}

TEST(Placement, WithoutCudaNothingIsTimedOnAGpu) {
  if (torch::cuda::is_available()) GTEST_SKIP() << "there is a GPU";
  bool ran = false;
  const auto work = [&] { ran = true; };
  EXPECT_EQ(expect_error([&] { milliseconds_on_gpu("cuda:0", work); }).kind(), ErrorKind::Device);
  EXPECT_EQ(expect_error([&] { captured_on_gpu("cuda:0", work); }).kind(), ErrorKind::Device);
  EXPECT_FALSE(ran);
}

TEST(Placement, ProductsOfIntegersAreExact) {
  if (!multiplies_integers()) {
    EXPECT_EQ(expect_error([] { integer_product({}, {}); }).kind(), ErrorKind::Unsupported);
    EXPECT_EQ(expect_error([] { require_usable({.precision = Precision::Int8}); }).kind(), ErrorKind::Unsupported);
    GTEST_SKIP() << "needs libtorch 2.4 or later";
  }
  // 3 and 40 rows: fewer than a GPU's library takes, and more.
  for (const int64_t rows : {3, 40}) {
    const at::Tensor x = at::randint(-127, 128, {rows, 24}, at::kChar),
                     weight = at::randint(-127, 128, {16, 24}, at::kChar);
    const at::Tensor exact = at::matmul(x.to(at::kDouble), weight.to(at::kDouble).t());
    EXPECT_TRUE(at::equal(integer_product(x, weight).to(at::kDouble), exact));
  }
}

// The same codes as in float32, where their products are emulated: one rounding apart.
TEST(Placement, EightBitLinearsMultiplyIntegers) {
  if (!multiplies_integers()) GTEST_SKIP() << "needs libtorch 2.4 or later";
  for (const ActivationRange range : {ActivationRange::PerToken, ActivationRange::PerSequence}) {
    const Model model = model_of_codes(range);
    const Tensor plain = logits_of(model, {}), integers = logits_of(model, {.precision = Precision::Int8});
    EXPECT_LT(largest_difference(plain, integers), 1e-4);
  }
  const Model dense = test::random_model(test::bert_architecture(1, 16, 24, 4, 50, 10));
  EXPECT_EQ(expect_error([&] { Network(dense, {.placement = {.precision = Precision::Int8}}); }).kind(),
            ErrorKind::InvalidInput);
}

// Where the loops of ours do not run, attention is libtorch's own operation, or made of several.
TEST(Placement, AttentionOfTheLibraryAgreesWithItsParts) {
  if (!has_library_attention()) {
    EXPECT_EQ(expect_error([] { library_attention({}, {}, {}, {}, 1); }).kind(), ErrorKind::Unsupported);
    GTEST_SKIP() << "needs libtorch 2.1 or later";
  }
  const Model model = test::model_of_every_form();
  const std::vector<Encoding> all = sequences();
  std::vector<const Encoding*> pointers;
  for (const Encoding& one : all) pointers.push_back(&one);
  const at::NoGradGuard no_grad;
  const NetworkBatch batch = make_network_batch(pointers, 0, "cpu");
  const auto logits = [&](bool fused) {
    return Network(model, {.placement = {.precision = Precision::Float64}, .fused = fused}).forward(batch).logits;
  };
  EXPECT_LT((logits(true) - logits(false)).abs().max().item<double>(), 1e-12);
}

// What a batch knows of itself is what its tensors say.
TEST(Placement, ABatchKnowsItsRanges) {
  const std::vector<Encoding> all = sequences();
  std::vector<const Encoding*> pointers;
  for (const Encoding& one : all) pointers.push_back(&one);
  NetworkBatch batch = make_network_batch(pointers, 0, "cpu");
  ASSERT_TRUE(batch.facts);
  EXPECT_EQ(batch.facts->lowest_id, batch.input_ids.min().item<int64_t>());
  EXPECT_EQ(batch.facts->highest_id, batch.input_ids.max().item<int64_t>());
  EXPECT_TRUE(batch.facts->padded);
  EXPECT_FALSE(make_network_batch({pointers.front()}, -1, "cpu").facts->padded);
  EXPECT_GE(make_network_batch({pointers.front()}, -1, "cpu").facts->lowest_id, 1) << "no padding, whatever its id";

  Encoding strange = all.front();
  strange.ids.back() = 1'000'000;
  Network network(test::model_of_every_form());
  EXPECT_EQ(expect_error([&] { network.forward(make_network_batch({&strange}, 0, "cpu")); }).kind(),
            ErrorKind::InvalidInput);
  batch.input_ids[0][0] = 1'000'000;
  batch.facts.reset();
  EXPECT_EQ(expect_error([&] { network.forward(batch); }).kind(), ErrorKind::InvalidInput);
}

TEST(Placement, NamesAreHeldToWhatThereIs) {
  for (const Precision precision :
       {Precision::Float32, Precision::Float64, Precision::BFloat16, Precision::Half, Precision::Int8}) {
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
