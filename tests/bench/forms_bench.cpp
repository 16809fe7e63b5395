// What a form of weight gains: the linears of BERT-base and a model of two of its layers, on one thread. Each row runs
// what it is compared with in turn with it, so a busy machine slows both; a ratio is the median of those of the turns.

#include "tests/bench/forms_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/engine.h"
#include "engine/linear.h"
#include "engine/onednn.h"
#include "measure/machine_limits.h"
#include "tests/engine/random_model.h"

namespace espalier::bench {
namespace {

constexpr int64_t kHidden = 768;
constexpr int64_t kFfn = 3072;
constexpr int64_t kHeadDim = 64;
constexpr int64_t kLength = 128;

template <typename Body>
double seconds_of(Body body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Times `form` under the harness, in turn with what it replaces. Returns the median ratio, form over the other.
template <typename Other, typename Form>
double measure_in_turn(benchmark::State& state, Other other, Form form) {
  std::vector<double> others;
  std::vector<double> forms;
  std::vector<double> ratios;
  for (int i = 0; i < 3; ++i) {
    other();
    form();
  }
  for (auto _ : state) {
    others.push_back(seconds_of(other));
    forms.push_back(seconds_of(form));
    ratios.push_back(forms.back() / others.back());
    state.SetIterationTime(forms.back());
  }
  state.counters["median_ms"] = 1e3 * median(forms);
  state.counters["other_ms"] = 1e3 * median(others);
  return median(ratios);
}

using MakeWeight = std::function<Weight(const Tensor&)>;

Weight quantized(const Tensor& values, int bits, ActivationRange range) {
  return quantize_symmetric(values, bits, true, range);
}

// Keeps blocks of `height` rows by `width` columns, each with this chance.
Weight masked(const Tensor& values, int64_t height, int64_t width, double chance) {
  Rng rng(5);
  const int64_t columns = values.size(1);
  std::vector<bool> keep(static_cast<size_t>(values.numel()));
  for (int64_t r = 0; r < values.size(0); r += height) {
    for (int64_t c = 0; c < columns; c += width) {
      const bool kept = rng.chance(chance);
      for (int64_t i = r; i < std::min(r + height, values.size(0)); ++i) {
        for (int64_t j = c; j < std::min(c + width, columns); ++j) keep[static_cast<size_t>(i * columns + j)] = kept;
      }
    }
  }
  return make_masked(values, keep);
}

// Two of each four along the input.
Weight two_of_four(const Tensor& values) {
  Rng rng(6);
  std::vector<bool> keep(static_cast<size_t>(values.numel()), true);
  for (size_t i = 0; i + 4 <= keep.size(); i += 4) {
    const uint64_t first = rng.below(4);
    keep[i + first] = keep[i + (first + 1 + rng.below(3)) % 4] = false;
  }
  return make_masked(values, keep);
}

// The linears of some layers of BERT-base, with what one thread needs to run them. Two layers' codes are more than the
// second-level cache holds.
class Products {
 public:
  explicit Products(const MakeWeight& make) : factory_(kernels::fastest_table(), true) {
    WeightTable weights;
    for (int layer = 0; layer < 2; ++layer) {
      for (const auto& [depth, columns] : std::vector<std::pair<int64_t, int64_t>>{
               {kHidden, 3 * kHidden}, {kHidden, kHidden}, {kHidden, kFfn}, {kFfn, kHidden}}) {
        Rng rng(static_cast<uint64_t>(depth + columns + layer));
        std::vector<float> values(static_cast<size_t>(depth * columns));
        for (float& value : values) value = static_cast<float>(0.03 * rng.normal());
        const std::string slot = std::to_string(linears_.size());
        weights.add(slot, make(Tensor::from(Shape{columns, depth}, std::move(values))));
        linears_.push_back(factory_.single(weights, slot));
      }
    }
    size_t scratch = 0;
    for (const auto& linear : linears_) {
      bytes_ += linear->resident_bytes();
      scratch = std::max(scratch, static_cast<size_t>(linear->scratch_bytes()));
    }
    codes_.resize(kLength * kFfn);
    scratch_.resize(scratch + 64);
    lane_.codes = codes_.data();
    lane_.row_scales = row_scales_.data();
    lane_.scratch = scratch_.data() + (64 - reinterpret_cast<uintptr_t>(scratch_.data()) % 64) % 64;
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i % 17) - 8;
  }

  void run(int64_t rows) {
    for (const auto& linear : linears_) {
      linear->run(lane_, x_.data(), 0, rows, nullptr, kernels::Activation::None, y_.data());
    }
  }

  // All of them as one part.
  PassPart as_part() const {
    PassPart part;
    part.kind = PartKind::FfnIn;
    part.weight_bytes = bytes_;
    for (const auto& linear : linears_) {
      part.float_macs += linear->cost().float_macs;
      part.int8_macs += linear->cost().int8_macs;
    }
    return part;
  }

  double bytes() const { return static_cast<double>(bytes_); }
  std::string describe() const { return linears_.front()->describe(); }

 private:
  LinearFactory factory_;
  std::vector<std::shared_ptr<const Linear>> linears_;
  int64_t bytes_ = 0;
  std::vector<uint8_t> codes_;
  std::vector<std::byte> scratch_;
  std::vector<float> row_scales_ = std::vector<float>(kLength);
  std::vector<float> x_ = std::vector<float>(kLength * kFfn);
  std::vector<float> y_ = std::vector<float>(kLength * kFfn);
  Lane lane_;
};

// How near to what the processor can do `ms` for `rows` rows come.
void set_roofline(benchmark::State& state, const PassPart& part, int64_t rows, double ms) {
  // Arithmetic is measured once; reading depends on how much there is to read.
  static const MachineLimits arithmetic = measure_limits(1, 0);
  static std::map<int64_t, double> rates;
  auto [rate, is_new] = rates.try_emplace(part.weight_bytes);
  if (is_new) rate->second = measure_read_gb_s(1, part.weight_bytes);
  MachineLimits limits = arithmetic;
  limits.read_gb_s = rate->second;
  const Roofline line = roofline(part, {.calls = 1, .rows = rows}, limits);
  state.counters["ops_per_byte"] = line.ops_per_byte;
  state.counters["share_of_roofline"] = line.limit_ms / ms;
  state.counters["memory_bound"] = line.memory_bound ? 1 : 0;
}

// `kept`: share of the multiplications that are left, whose inverse is the most that can be gained.
void products(benchmark::State& state, const MakeWeight& other, const MakeWeight& make, int64_t rows, double kept) {
  const onednn::OneThread one_thread;
  Products others(other);
  Products forms(make);
  const double ratio = measure_in_turn(
      state, [&] { others.run(rows); }, [&] { forms.run(rows); });
  state.counters["faster"] = 1 / ratio;
  if (kept < 1) state.counters["share_of_limit"] = kept / ratio;
  set_roofline(state, forms.as_part(), rows, state.counters["median_ms"]);
  state.counters["MiB"] = forms.bytes() / (1 << 20);
  state.counters["other_MiB"] = others.bytes() / (1 << 20);
  state.SetLabel(forms.describe());
}

// --- Models of two layers -------------------------------------------------------------------------------------------

struct Sizes {
  std::vector<int64_t> heads = {12, 12};
  std::vector<int64_t> ffn = {kFfn, kFfn};
};

Model model_of(const Sizes& sizes) {
  test::ModelShape shape;
  shape.hidden = kHidden;
  shape.heads = sizes.heads;
  shape.head_dim = kHeadDim;
  shape.labels = 2;
  shape.vocab = 1000;
  shape.positions = 512;
  shape.head = HeadKind::TokenClassification;
  Architecture architecture = test::make_architecture(shape);
  for (size_t l = 0; l < sizes.ffn.size(); ++l) architecture.layers[l].ffn.width = sizes.ffn[l];
  return test::random_model(architecture, 7);
}

// Multiplications of one pass over kLength tokens, in linears and in attention.
double macs_of(const Model& model) {
  double macs = 0;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind == SlotKind::Linear) macs += static_cast<double>(macs_per_row(model.weight(slot.name)) * kLength);
  }
  for (const LayerSpec& layer : model.architecture.layers) {
    macs += static_cast<double>(2 * layer.attention.width() * kLength * kLength);
  }
  return macs;
}

// Every linear of the layers at this rank.
Model low_rank(const Model& model, int64_t rank) {
  Model changed = model;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind != SlotKind::Linear || slot.shape[0] < kHidden) continue;
    Rng rng(slot.shape[0] * 10000 + slot.shape[1]);
    const auto random = [&](int64_t rows, int64_t columns) {
      std::vector<float> values(static_cast<size_t>(rows * columns));
      for (float& value : values) value = static_cast<float>(0.05 * rng.normal());
      return share(Dense{Tensor::from(Shape{rows, columns}, std::move(values))});
    };
    changed.weights.replace(slot.name, LowRank{random(slot.shape[0], rank), random(rank, slot.shape[1])});
  }
  return changed;
}

Model with_linears(const Model& model, const MakeWeight& make) {
  return test::with_weights(model, [&](const Slot& slot, const Tensor& values) -> Weight {
    return slot.kind == SlotKind::Linear ? make(values) : Dense{values};
  });
}

void models(benchmark::State& state, const Model& other, const Model& changed, KernelSet kernels = KernelSet::Best) {
  const Engine others(other, {1, kernels});
  const Engine forms(changed, {1, kernels});
  const PackedBatch batch = test::random_batch(other.architecture, {kLength}, 3);
  const double ratio = measure_in_turn(
      state, [&] { benchmark::DoNotOptimize(others.run(batch)); }, [&] { benchmark::DoNotOptimize(forms.run(batch)); });
  const double macs = macs_of(changed) / macs_of(other);
  state.counters["faster"] = 1 / ratio;
  state.counters["macs_left"] = macs;
  if (macs < 1) state.counters["time_saved_per_macs_saved"] = (1 - ratio) / (1 - macs);
}

template <typename Body>
void add(const std::string& name, Body body) {
  benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(0.5);
}

void add_products(const std::string& name, const MakeWeight& other, const MakeWeight& make,
                  const std::vector<int64_t>& rows, double kept = 1) {
  for (const int64_t count : rows) {
    add("products/" + name + "/rows:" + std::to_string(count),
        [=](benchmark::State& state) { products(state, other, make, count, kept); });
  }
}

}  // namespace

void add_forms() {
  const MakeWeight dense = [](const Tensor& values) -> Weight { return Dense{values}; };
  const auto codes = [](int bits, ActivationRange range) -> MakeWeight {
    return [=](const Tensor& values) { return quantized(values, bits, range); };
  };
  const auto in_blocks = [](int64_t height, int64_t width, double chance) -> MakeWeight {
    return [=](const Tensor& values) { return masked(values, height, width, chance); };
  };
  const MakeWeight int8 = codes(8, ActivationRange::PerToken);
  for (const int bits : {4, 2, 3, 5, 6, 7}) {
    add_products(std::to_string(bits) + " bits to int8", int8, codes(bits, ActivationRange::PerToken), {1, 16, 128});
  }
  for (const int bits : {8, 4, 2}) {
    add_products(std::to_string(bits) + " bits with float input to float32", dense, codes(bits, ActivationRange::Float),
                 {1, 16, 128});
  }
  for (const double kept : {0.05, 0.1, 0.2, 0.3}) {
    add_products(std::to_string(static_cast<int>(100 * kept)) + "% kept to float32", dense, in_blocks(1, 1, kept),
                 {1, 8, 128}, kept);
  }
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{16, 16}, {32, 32}, {32, 1}, {1, 32}, {4, 4}}) {
    add_products("20% kept in blocks of " + std::to_string(height) + "x" + std::to_string(width) + " to float32", dense,
                 in_blocks(height, width, 0.2), {1, 8, 128}, 0.2);
  }
  add_products("2 of 4 kept to float32", dense, two_of_four, {1, 8, 128}, 0.5);

  const Sizes whole;
  const auto models_row = [&](const std::string& name, const MakeWeight& other, const MakeWeight& make,
                              KernelSet kernels = KernelSet::Best) {
    add("two layers/" + name, [=](benchmark::State& state) {
      const Model model = model_of(whole);
      models(state, with_linears(model, other), with_linears(model, make), kernels);
    });
  };
  models_row("4 bits to int8", int8, codes(4, ActivationRange::PerToken));
  models_row("4 bits to int8 without tiles", int8, codes(4, ActivationRange::PerToken), KernelSet::Vector);
  models_row("4 bits to int8 with avx2", int8, codes(4, ActivationRange::PerToken), KernelSet::Avx2);
  models_row("4 bits with float input to float32", dense, codes(4, ActivationRange::Float));
  models_row("10% kept to float32", dense, in_blocks(1, 1, 0.1));
  models_row("20% kept in blocks of 16x16 to float32", dense, in_blocks(16, 16, 0.2));
  add("two layers/half of heads and neurons to float32", [=](benchmark::State& state) {
    models(state, model_of(whole), model_of({{4, 8}, {1024, 2048}}));
  });
  add("two layers/low rank 192 to float32", [=](benchmark::State& state) {
    const Model model = model_of(whole);
    models(state, model, low_rank(model, kHidden / 4));
  });
}

}  // namespace espalier::bench
