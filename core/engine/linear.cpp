#include "engine/linear.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace espalier {

namespace {

void fill_with_bias(int64_t rows, int64_t columns, const float* bias, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    if (bias) {
      std::copy_n(bias, columns, y + r * columns);
    } else {
      std::fill_n(y + r * columns, columns, 0.0F);
    }
  }
}

class FloatLinear : public Linear {
 public:
  // `values` (columns, depth), or (depth, columns) when `transposed`.
  FloatLinear(const kernels::Table& kernels, onednn::Packer* packer, const Tensor& values, bool transposed,
              std::string origin)
      : kernels_(kernels), origin_(std::move(origin)) {
    depth_ = values.size(transposed ? 0 : 1);
    columns_ = values.size(transposed ? 1 : 0);
    no_bias_.assign(static_cast<size_t>(columns_), 0.0F);
    const std::span<const float> w = values.values<float>();
    if (depth_ == 0 || columns_ == 0) return;
    if (packer) {
      packed_ = packer->pack(w.data(), depth_, columns_, transposed);
      return;
    }
    plain_.assign(w.begin(), w.end());
    if (!transposed) return;
    for (int64_t c = 0; c < columns_; ++c) {
      for (int64_t k = 0; k < depth_; ++k) {
        plain_[static_cast<size_t>(c * depth_ + k)] = w[static_cast<size_t>(k * columns_ + c)];
      }
    }
  }

  void run(Lane& lane, const float* x, int64_t, int64_t rows, const float* bias, kernels::Activation activation,
           float* y) const override {
    if (rows == 0 || columns_ == 0) return;
    const float* shift = bias ? bias : no_bias_.data();
    if (depth_ == 0) {
      fill_with_bias(rows, columns_, bias, y);
    } else if (packed_) {
      lane.failed |= !packed_->multiply(x, rows, shift, y);
    } else {
      kernels_.multiply_float(x, plain_.data(), shift, rows, depth_, columns_, y);
    }
    if (activation != kernels::Activation::None) {
      kernels_.bias_activation(y, rows, columns_, nullptr, activation);
    }
  }

  int64_t depth() const override { return depth_; }
  int64_t columns() const override { return columns_; }
  int64_t resident_bytes() const override {
    return packed_ ? packed_->bytes() : static_cast<int64_t>(plain_.size() * sizeof(float));
  }
  std::string describe() const override { return fmt::format("{}, {}", origin_, packed_ ? "oneDNN" : kernels_.name); }
  int64_t code_bytes() const override { return 0; }
  int64_t factor_floats() const override { return 0; }
  bool needs_whole_sequences() const override { return false; }

 private:
  const kernels::Table& kernels_;
  std::string origin_;
  int64_t depth_ = 0;
  int64_t columns_ = 0;
  std::shared_ptr<const onednn::PackedMatrix> packed_;
  std::vector<float> plain_;
  std::vector<float> no_bias_;
};

// Codes times codes, exact in int32, with the input quantized on the way in.
class IntegerLinear : public Linear {
 public:
  // codes (columns, depth), scales (columns).
  IntegerLinear(const kernels::Table& kernels, onednn::Packer* packer, std::span<const int8_t> codes, int64_t depth,
                std::vector<float> scales, ActivationRange range, std::string origin)
      : kernels_(kernels),
        range_(range),
        origin_(std::move(origin)),
        depth_(depth),
        columns_(static_cast<int64_t>(scales.size())),
        scales_(std::move(scales)),
        compensation_(scales_.size()) {
    for (int64_t c = 0; c < columns_; ++c) {
      int32_t sum = 0;
      for (int64_t k = 0; k < depth_; ++k) sum += codes[static_cast<size_t>(c * depth_ + k)];
      compensation_[static_cast<size_t>(c)] = 128 * sum;
    }
    if (depth_ == 0 || columns_ == 0) return;
    if (kernels_.tiles) {
      reserve(kernels_.tiles->packed_bytes(depth_, columns_));
      kernels_.tiles->pack(codes.data(), depth_, columns_, own_);
      return;
    }
    if (packer) {
      packed_ = packer->pack(codes.data(), depth_, columns_);
      return;
    }
    reserve(kernels_.packed_int8_bytes(depth_, columns_));
    kernels_.pack_int8(codes.data(), depth_, columns_, own_);
  }

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override {
    find_ranges(lane, x, first_row, rows);
    if (rows == 0 || columns_ == 0) return;
    if (depth_ == 0) {
      fill_with_bias(rows, columns_, bias, y);
      kernels_.bias_activation(y, rows, columns_, nullptr, activation);
      return;
    }
    if (kernels_.tiles) {
      quantize_apart(lane, x, rows);
      kernels_.tiles->multiply(lane.codes, code_bytes(), own_, rows, depth_, columns_,
                               {lane.row_scales, scales_.data(), compensation_.data()}, bias, activation, y);
      return;
    }
    kernels_.quantize(x, rows, depth_, lane.row_scales, lane.codes, lane.row_scales);
    if (packed_) {
      lane.failed |= !packed_->multiply(lane.codes, rows, nullptr, y);
    } else {
      kernels_.multiply_int8(lane.codes, own_, rows, depth_, columns_, reinterpret_cast<int32_t*>(y));
    }
    kernels_.dequantize(y, rows, columns_, {lane.row_scales, scales_.data(), compensation_.data()}, bias, activation);
  }

  int64_t depth() const override { return depth_; }
  int64_t columns() const override { return columns_; }
  int64_t resident_bytes() const override {
    return (packed_ ? packed_->bytes() : static_cast<int64_t>(memory_.size())) + 8 * columns_;
  }
  std::string describe() const override {
    return fmt::format("{}, {}", origin_, packed_ ? "oneDNN" : kernels_.tiles ? kernels_.tiles->name : kernels_.name);
  }
  int64_t code_bytes() const override {
    constexpr int64_t kMultiple = kernels::kTileDepthMultiple;
    return kernels_.tiles ? (depth_ + kMultiple - 1) / kMultiple * kMultiple : depth_;
  }
  int64_t factor_floats() const override { return 0; }
  bool needs_whole_sequences() const override { return range_ == ActivationRange::PerSequence; }

 private:
  // Memory for packed codes that begins at a cache line.
  void reserve(int64_t bytes) {
    constexpr size_t kLine = 64;
    memory_.resize(static_cast<size_t>(bytes) + kLine);
    own_ = memory_.data() + (kLine - reinterpret_cast<uintptr_t>(memory_.data()) % kLine) % kLine;
  }

  // Codes of rows code_bytes() apart.
  void quantize_apart(Lane& lane, const float* x, int64_t rows) const {
    if (code_bytes() == depth_) {
      kernels_.quantize(x, rows, depth_, lane.row_scales, lane.codes, lane.row_scales);
      return;
    }
    for (int64_t r = 0; r < rows; ++r) {
      float* scale = lane.row_scales + r;
      kernels_.quantize(x + r * depth_, 1, depth_, scale, lane.codes + r * code_bytes(), scale);
    }
  }

  // Leaves the largest magnitude of each row's range in lane.row_scales.
  void find_ranges(Lane& lane, const float* x, int64_t first_row, int64_t rows) const {
    if (range_ != ActivationRange::PerSequence || !lane.ranges) {
      kernels_.row_max_abs(x, rows, depth_, lane.row_scales);
      return;
    }
    // The other array is in use by threads that still read the ranges of the linear before.
    float* maxima = lane.ranges->maxima[lane.turn];
    lane.turn = 1 - lane.turn;
    kernels_.row_max_abs(x, rows, depth_, maxima + first_row);
#pragma omp barrier
    for (int64_t r = 0; r < rows;) {
      const int32_t sequence = lane.ranges->sequence_of_row[first_row + r];
      const int32_t begin = lane.ranges->starts[sequence];
      const int32_t end = lane.ranges->starts[sequence + 1];
      const float most = *std::max_element(maxima + begin, maxima + end);
      for (; r < rows && first_row + r < end; ++r) lane.row_scales[r] = most;
    }
  }

  const kernels::Table& kernels_;
  ActivationRange range_;
  std::string origin_;
  int64_t depth_;
  int64_t columns_;
  std::vector<float> scales_;
  std::vector<int32_t> compensation_;
  std::shared_ptr<const onednn::PackedMatrix> packed_;
  std::vector<int8_t> memory_;
  int8_t* own_ = nullptr;  // in memory_: codes as our kernels pack them
};

class LowRankLinear : public Linear {
 public:
  LowRankLinear(std::shared_ptr<const Linear> left, std::shared_ptr<const Linear> right)
      : left_(std::move(left)), right_(std::move(right)) {}

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override {
    float* between = lane.factors;
    lane.factors += rows * right_->columns();
    right_->run(lane, x, first_row, rows, nullptr, kernels::Activation::None, between);
    left_->run(lane, between, first_row, rows, bias, activation, y);
    lane.factors = between;
  }

  int64_t depth() const override { return right_->depth(); }
  int64_t columns() const override { return left_->columns(); }
  int64_t resident_bytes() const override { return left_->resident_bytes() + right_->resident_bytes(); }
  std::string describe() const override {
    return fmt::format("low rank {} ({}; {})", right_->columns(), right_->describe(), left_->describe());
  }
  int64_t code_bytes() const override { return std::max(left_->code_bytes(), right_->code_bytes()); }
  int64_t factor_floats() const override {
    return right_->columns() + std::max(left_->factor_floats(), right_->factor_floats());
  }
  bool needs_whole_sequences() const override {
    return left_->needs_whole_sequences() || right_->needs_whole_sequences();
  }

 private:
  std::shared_ptr<const Linear> left_;
  std::shared_ptr<const Linear> right_;
};

bool runs_in_integers(const Weight& weight) {
  const auto* quantized = weight.as<Quantized>();
  return quantized && quantized->activations != ActivationRange::Float;
}

std::string float_origin(const Weight& weight) {
  if (weight.as<Masked>()) return "float32, masked";
  if (const auto* quantized = weight.as<Quantized>()) return fmt::format("{}-bit decoded to float32", quantized->bits);
  return "float32";
}

std::string integer_origin(const Quantized& quantized) {
  const bool per_token = quantized.activations == ActivationRange::PerToken;
  const std::string codes = quantized.bits == 8 ? "int8" : fmt::format("{}-bit as int8", quantized.bits);
  return fmt::format("{} dynamic per {}", codes, per_token ? "token" : "sequence");
}

void append_scales(const Quantized& quantized, std::vector<float>& to) {
  const std::span<const float> scales = quantized.scales.values<float>();
  for (int64_t r = 0; r < quantized.shape[0]; ++r)
    to.push_back(scales[scales.size() == 1 ? 0 : static_cast<size_t>(r)]);
}

}  // namespace

std::shared_ptr<const Linear> LinearFactory::single(const WeightTable& weights, const std::string& slot) {
  return joined(weights, {slot});
}

void LinearFactory::adopt(const WeightTable& weights, const std::vector<std::string>& slots,
                          std::shared_ptr<const Linear> linear) {
  std::vector<WeightHandle> handles;
  for (const std::string& slot : slots) handles.push_back(weights.handle(slot));
  made_[handles] = std::move(linear);
}

std::shared_ptr<const Linear> LinearFactory::joined(const WeightTable& weights, const std::vector<std::string>& slots) {
  std::vector<WeightHandle> handles;
  for (const std::string& slot : slots) handles.push_back(weights.handle(slot));
  if (const auto found = made_.find(handles); found != made_.end()) return found->second;
  const Weight& first = weights.at(slots.front());
  if (slots.size() == 1) return made_[handles] = make(first);

  const bool integers = runs_in_integers(first);
  Tensor values;
  std::vector<int8_t> codes;
  std::vector<float> floats;
  std::vector<float> scales;
  int64_t columns = 0;
  const int64_t depth = shape_of(first)[1];
  for (const std::string& slot : slots) {
    const Weight& weight = weights.at(slot);
    if (weight.as<LowRank>() || runs_in_integers(weight) != integers) return nullptr;
    columns += shape_of(weight)[0];
    if (integers) {
      const auto& quantized = *weight.as<Quantized>();
      if (quantized.activations != first.as<Quantized>()->activations) return nullptr;
      const Tensor part = unpacked_codes(quantized);
      codes.insert(codes.end(), part.values<int8_t>().begin(), part.values<int8_t>().end());
      append_scales(quantized, scales);
    } else {
      const Tensor part = materialize(weight);
      floats.insert(floats.end(), part.values<float>().begin(), part.values<float>().end());
    }
  }
  onednn::Packer* packer = use_library_ && (!integers || !kernels_.multiply_int8) ? &packer_ : nullptr;
  if (integers) {
    return made_[handles] = std::make_shared<IntegerLinear>(kernels_, packer, codes, depth, std::move(scales),
                                                            first.as<Quantized>()->activations,
                                                            integer_origin(*first.as<Quantized>()));
  }
  return made_[handles] = std::make_shared<FloatLinear>(
             kernels_, packer, Tensor::from(Shape{columns, depth}, std::move(floats)), false, float_origin(first));
}

std::shared_ptr<const Linear> LinearFactory::make(const Weight& weight) {
  if (const auto* low_rank = weight.as<LowRank>()) {
    return std::make_shared<LowRankLinear>(make(*low_rank->left), make(*low_rank->right));
  }
  if (!runs_in_integers(weight)) {
    return std::make_shared<FloatLinear>(kernels_, use_library_ ? &packer_ : nullptr, materialize(weight), false,
                                         float_origin(weight));
  }
  const auto& quantized = *weight.as<Quantized>();
  const Tensor codes = unpacked_codes(quantized);
  std::vector<float> scales;
  append_scales(quantized, scales);
  return std::make_shared<IntegerLinear>(kernels_, use_library_ && !kernels_.multiply_int8 ? &packer_ : nullptr,
                                         codes.values<int8_t>(), quantized.shape[1], std::move(scales),
                                         quantized.activations, integer_origin(quantized));
}

std::shared_ptr<const Linear> LinearFactory::transposed(const Weight& right) {
  return std::make_shared<FloatLinear>(kernels_, use_library_ ? &packer_ : nullptr, materialize(right), true,
                                       float_origin(right));
}

}  // namespace espalier
