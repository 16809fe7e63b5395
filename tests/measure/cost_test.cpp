#include "measure/cost.h"

#include <chrono>

#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

// A model of a published shape whose weights all look at the same zeros: only sizes matter here.
Model zeros_of(const TinyShape& shape, bool with_head) {
  Model model;
  model.architecture = tiny_architecture(shape);
  if (!with_head) {
    model.architecture.has_pooler = false;
    model.architecture.head = {};
  }
  int64_t largest = 0;
  for (const Slot& slot : slots_of(model.architecture)) largest = std::max(largest, num_elements(slot.shape));
  const auto zeros = std::make_shared<const std::vector<float>>(static_cast<size_t>(largest));
  for (const Slot& slot : slots_of(model.architecture)) {
    const auto bytes = std::as_bytes(std::span(*zeros)).first(static_cast<size_t>(num_elements(slot.shape)) * 4);
    model.weights.add(slot.name, Dense{Tensor(DType::F32, slot.shape, bytes, zeros)});
  }
  return model;
}

const TinyShape kBertBase = {12, 768, 12, 3072, 1000, 512, 2};

TEST(Macs, OfPublishedShapes) {
  const Model base = zeros_of(kBertBase, false);
  EXPECT_EQ(count_macs(base, 128), 11173625856);  // 22.35 GFLOPs
  EXPECT_EQ(count_macs(base, 384), 35332816896);  // 70.67 GFLOPs
  const Model tinybert4 = zeros_of({4, 312, 12, 1200, 1000, 512, 2}, false);
  EXPECT_NEAR(2e-9 * static_cast<double>(count_macs(tinybert4, 128)), 1.247, 0.0005);
}

TEST(Macs, PoolerAndHeadCountOnceASequence) {
  const Model with = zeros_of(kBertBase, true);
  EXPECT_EQ(count_macs(with, 128) - count_macs(zeros_of(kBertBase, false), 128), 768 * 768 + 768 * 2);
}

TEST(Macs, DoublingTheLengthAddsExactlyTheQuadraticPart) {
  const TinyShape shape;
  const Model model = zeros_of(shape, false);
  const int64_t s = 24;
  // In FLOPs: F(2s) - 2 F(s) = 8 L s^2 d.
  EXPECT_EQ(2 * (count_macs(model, 2 * s) - 2 * count_macs(model, s)), 8 * shape.layers * s * s * shape.hidden);
}

TEST(Macs, LayersAddUp) {
  const Model model = zeros_of({}, false);
  EXPECT_EQ(count_layer_macs(model, LayerIndex(0), 32) + count_layer_macs(model, LayerIndex(1), 32),
            count_macs(model, 32));
}

TEST(Macs, FormsCountWhatTheyMultiply) {
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  Model model = tiny_model();
  const int64_t before = count_macs(model, 10);
  const Shape shape = shape_of(model.weight(slot));
  const int64_t full = num_elements(shape);

  std::vector<bool> keep(static_cast<size_t>(full), false);
  for (int i = 0; i < 100; ++i) keep[static_cast<size_t>(i)] = true;
  Model masked = model;
  masked.weights.replace(slot, make_masked(materialize(model.weight(slot)), keep));
  EXPECT_EQ(count_macs(masked, 10), before - 10 * (full - 100));

  Model low_rank = model;
  const auto matrix = [](int64_t rows, int64_t columns) {
    return share(Dense{Tensor::from({rows, columns}, std::vector<float>(static_cast<size_t>(rows * columns), 1.f))});
  };
  low_rank.weights.replace(slot, LowRank{matrix(shape[0], 3), matrix(3, shape[1])});
  EXPECT_EQ(count_macs(low_rank, 10), before - 10 * (full - 3 * (shape[0] + shape[1])));
}

TEST(Macs, SharedLayersCountEveryApplication) {
  Model model = tiny_model();
  const int64_t before = count_macs(model, 16);
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer != LayerIndex(1)) continue;
    std::string first = slot.name;
    first.replace(first.find(".1."), 3, ".0.");
    model.weights.share(slot.name, first);
  }
  EXPECT_EQ(count_macs(model, 16), before);
}

TEST(Latency, AnInjectedWaitShowsInFull) {
  using Clock = std::chrono::steady_clock;
  const double wait_ms = 3;
  const auto spin = [&] {
    const auto begin = Clock::now();
    while (std::chrono::duration<double, std::milli>(Clock::now() - begin).count() < wait_ms) continue;
  };
  const Latency latency = time_repeatedly({spin, {}}, {}, {});
  EXPECT_GE(latency.p10_ms, wait_ms);
  // The tenth percentile, not the median: other programs may hold the processor in many of the repetitions.
  EXPECT_LE(latency.p10_ms, wait_ms * 1.1);
  EXPECT_LE(latency.p10_ms, latency.p50_ms);
  EXPECT_LE(latency.p50_ms, latency.p90_ms);
  EXPECT_EQ(latency.repetitions, 30);
}

TEST(Latency, WarmUpAndRepetitionsKeepTheirMinimum) {
  int calls = 0;
  LatencyOptions options;
  options.warmup = 0;
  options.repetitions = 1;
  options.max_seconds = 0;
  EXPECT_EQ(time_repeatedly({[&] { ++calls; }, {}}, options, {}).repetitions, 30);
  EXPECT_EQ(calls, 35);
  options.repetitions = 100000;
  EXPECT_EQ(time_repeatedly({[] {}, {}}, options, {}).repetitions, 30);
}

TEST(Latency, CancelsBetweenRepetitions) {
  CancelToken cancel;
  int calls = 0;
  const auto action = [&] {
    if (++calls == 10) cancel.cancel();
  };
  EXPECT_THROW(time_repeatedly({action, {}}, {}, cancel), Cancelled);
  EXPECT_EQ(calls, 10);
}

TEST(Latency, OfModelsCarriesItsConditions) {
  const Model small = tiny_model(1, {.layers = 1}), large = tiny_model(1, {.layers = 12, .hidden = 64, .ffn = 512});
  EngineOptions options;
  options.threads = 1;
  const Engine small_engine(small, options), large_engine(large, options);
  const auto latencies = measure_latency_interleaved({&small_engine, &large_engine}, {&small, &large}, {});
  ASSERT_EQ(latencies.size(), 2u);
  // Some 200 times the work: no load of the machine turns this round.
  EXPECT_LT(latencies[0].p50_ms, latencies[1].p50_ms);
  EXPECT_EQ(latencies[0].options.threads, 1);
  EXPECT_EQ(latencies[0].options.batch_size, 1);
  EXPECT_EQ(latencies[0].options.sequence_length, 128);
  EXPECT_FALSE(latencies[0].kernels.empty());
}

TEST(Latency, ALongerSequenceThanThePositionsIsRefused) {
  const Model model = tiny_model();
  const Engine engine(model);
  LatencyOptions options;
  options.sequence_length = 161;
  EXPECT_EQ(expect_error([&] { measure_latency(engine, model, options); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
