#include "measure/machine_limits.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/onednn.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTries = 5;
constexpr double kTrySeconds = 0.04;
constexpr int64_t kLeastRead = int64_t{1} << 20;
// Square products of these sides; the larger are limited by caches on some machines, the smaller by their ends.
constexpr int64_t kSides[] = {512, 1024};

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Work of one thread, made once for each.
using MakeWork = std::function<std::function<void()>()>;

// Units a second that `threads` do together, the best of a few tries; `units` of each work.
double best_rate(int threads, double units, const MakeWork& make, const CancelToken& cancel) {
  std::vector<std::function<void()>> works;
  for (int t = 0; t < threads; ++t) works.push_back(make());
  const auto begin = Clock::now();
  works.front()();
  works.front()();
  const int64_t rounds = std::clamp<int64_t>(static_cast<int64_t>(2 * kTrySeconds / seconds_since(begin)), 1, 1 << 20);
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    cancel.throw_if_cancelled();
    std::barrier start(threads);
    std::vector<Clock::time_point> begins(works.size()), ends(works.size());
    const auto run = [&](size_t t) {
      const onednn::OneThread one_thread;
      start.arrive_and_wait();
      begins[t] = Clock::now();
      for (int64_t r = 0; r < rounds; ++r) works[t]();
      ends[t] = Clock::now();
    };
    {
      std::vector<std::jthread> others;
      for (size_t t = 1; t < works.size(); ++t) others.emplace_back(run, t);
      run(0);
    }
    const double seconds =
        std::chrono::duration<double>(*std::ranges::max_element(ends) - *std::ranges::min_element(begins)).count();
    if (seconds > 0) best = std::max(best, units * static_cast<double>(rounds) * threads / seconds);
  }
  return best;
}

template <typename In, typename W, typename Out>
MakeWork library_product(int64_t side, const std::vector<W>& w, const std::vector<float>& bias) {
  auto packer = std::make_shared<onednn::Packer>();
  const auto packed = packer->pack(w.data(), side, side);
  return [side, packed, &bias] {
    const auto x = std::make_shared<std::vector<In>>(static_cast<size_t>(side * side), static_cast<In>(1));
    const auto y = std::make_shared<std::vector<Out>>(static_cast<size_t>(side * side));
    return [=, &bias] { packed->multiply(x->data(), side, bias.data(), y->data()); };
  };
}

// Of the engine's matrix unit.
MakeWork tile_product(const kernels::TileProducts& tiles, int64_t side, const std::vector<int8_t>& w) {
  constexpr size_t kLine = 64;
  const auto memory =
      std::make_shared<std::vector<int8_t>>(static_cast<size_t>(tiles.packed_bytes(side, side)) + kLine);
  const size_t begin = (kLine - reinterpret_cast<uintptr_t>(memory->data()) % kLine) % kLine;
  const std::shared_ptr<int8_t> packed(memory, memory->data() + begin);
  tiles.pack(w.data(), side, side, packed.get());
  return [=, &tiles] {
    const auto x = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(side * side), uint8_t{1});
    const auto y = std::make_shared<std::vector<float>>(static_cast<size_t>(side * side));
    const auto ones = std::make_shared<std::vector<float>>(static_cast<size_t>(side), 1.0F);
    const auto zeros = std::make_shared<std::vector<int32_t>>(static_cast<size_t>(side));
    return [=, &tiles] {
      tiles.multiply(x->data(), side, packed.get(), side, side, side, {ones->data(), ones->data(), zeros->data()},
                     nullptr, kernels::Activation::None, y->data());
    };
  };
}

// A head wide enough for softmax hardly to count, with queries enough for putting the keys in order not to.
constexpr int64_t kWideHead = 256, kKeys = 128, kQueries = 510;

MakeWork attention_product(const kernels::Table& kernels) {
  return [&kernels] {
    const auto rows = std::make_shared<std::vector<float>>(static_cast<size_t>(kQueries * kWideHead), 0.01F);
    const auto out = std::make_shared<std::vector<float>>(rows->size());
    const auto scratch =
        std::make_shared<std::vector<float>>(static_cast<size_t>(kernels.attention_scratch(kKeys, kWideHead)));
    return [=, &kernels] {
      kernels.attention_in_bfloat16({.q = rows->data(),
                                     .k = rows->data(),
                                     .v = rows->data(),
                                     .out = out->data(),
                                     .probabilities = nullptr,
                                     .scratch = scratch->data(),
                                     .q_stride = kWideHead,
                                     .kv_stride = kWideHead,
                                     .out_stride = kWideHead,
                                     .queries = kQueries,
                                     .keys = kKeys,
                                     .head_dim = kWideHead,
                                     .scale = 1});
    };
  };
}

// Reads all bytes once, in as many streams as keep the loads coming.
uint64_t read_all(const std::vector<uint64_t>& words) {
  constexpr size_t kStreams = 16;
  uint64_t sums[kStreams] = {};
  for (size_t i = 0; i + kStreams <= words.size(); i += kStreams) {
    for (size_t s = 0; s < kStreams; ++s) sums[s] ^= words[i + s];
  }
  uint64_t all = 0;
  for (const uint64_t sum : sums) all ^= sum;
  return all;
}

}  // namespace

double measure_read_gb_s(int threads, int64_t read_bytes, const CancelToken& cancel) {
  const auto count = static_cast<size_t>(std::max(read_bytes, kLeastRead) / 8);
  const auto words = std::make_shared<const std::vector<uint64_t>>(count, uint64_t{1});
  const MakeWork make = [&] {
    const auto sink = std::make_shared<uint64_t>();
    return [words, sink] { *const_cast<volatile uint64_t*>(sink.get()) = read_all(*words); };
  };
  return 1e-9 * best_rate(std::max(1, threads), static_cast<double>(count * 8), make, cancel);
}

MachineLimits measure_limits(int threads, int64_t read_bytes, const CancelToken& cancel) {
  MachineLimits limits;
  limits.threads = std::max(1, threads);
  limits.read_bytes = std::max(read_bytes, kLeastRead);
  const kernels::Table& kernels = kernels::fastest_table();
  for (const int64_t side : kSides) {
    const double operations = 2e-9 * static_cast<double>(side * side * side);
    const std::vector<float> bias(static_cast<size_t>(side));
    const std::vector<float> floats(static_cast<size_t>(side * side), 0.01F);
    const std::vector<int8_t> codes(static_cast<size_t>(side * side), 1);
    limits.float_gops = std::max(
        limits.float_gops,
        best_rate(limits.threads, operations, library_product<float, float, float>(side, floats, bias), cancel));
    limits.int8_gops = std::max(
        limits.int8_gops,
        best_rate(limits.threads, operations, library_product<uint8_t, int8_t, int32_t>(side, codes, bias), cancel));
    if (kernels.tiles) {
      limits.int8_gops = std::max(
          limits.int8_gops, best_rate(limits.threads, operations, tile_product(*kernels.tiles, side, codes), cancel));
    }
  }
  if (kernels.attention_in_bfloat16) {
    constexpr double kOperations = 4e-9 * static_cast<double>(kQueries * kKeys * kWideHead);
    limits.bfloat16_gops = best_rate(limits.threads, kOperations, attention_product(kernels), cancel);
  }
  limits.read_gb_s = measure_read_gb_s(limits.threads, limits.read_bytes, cancel);
  return limits;
}

Roofline roofline(const PassPart& part, const PartTime& time, const MachineLimits& limits) {
  const auto units = static_cast<double>(part.kind == PartKind::Attention ? time.pairs : time.rows);
  const double float_gops = 2e-9 * static_cast<double>(part.float_macs) * units;
  const double int8_gops = 2e-9 * static_cast<double>(part.int8_macs) * units;
  const double bfloat16_gops = 2e-9 * static_cast<double>(part.bfloat16_macs) * units;
  const double all_gops = float_gops + int8_gops + bfloat16_gops;
  const double gigabytes = 1e-9 * static_cast<double>(part.weight_bytes) * static_cast<double>(time.calls);
  Roofline result;
  if (all_gops == 0) return result;
  double arithmetic = float_gops / limits.float_gops + int8_gops / limits.int8_gops;
  if (bfloat16_gops > 0) arithmetic += bfloat16_gops / limits.bfloat16_gops;
  const double memory = gigabytes / limits.read_gb_s;
  result.limit_ms = 1e3 * std::max(arithmetic, memory);
  result.memory_bound = memory > arithmetic;
  if (gigabytes > 0) result.ops_per_byte = all_gops / gigabytes;
  return result;
}

}  // namespace espalier
