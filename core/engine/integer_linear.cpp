#include "engine/integer_linear.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>

namespace espalier {

IntegerLinear::IntegerLinear(const kernels::Table& kernels, onednn::Packer* packer, std::span<const int8_t> codes,
                             int64_t depth, std::vector<float> scales, int bits, ActivationRange range)
    : kernels_(kernels),
      range_(range),
      bits_(bits),
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
  if (bits < 8) {
    few_bits_.emplace(codes, depth_, columns_, bits, PackedCodes::Order::Integers);
    for (float& scale : scales_) scale *= few_bits_->unit();
    for (int32_t& sum : compensation_) sum <<= 8 - bits;
    return;
  }
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

void IntegerLinear::run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
                        kernels::Activation activation, float* y) const {
  find_ranges(lane, x, first_row, rows);
  if (rows == 0 || columns_ == 0) return;
  if (depth_ == 0) {
    fill_with_bias(rows, columns_, bias, y);
    kernels_.bias_activation(y, rows, columns_, nullptr, activation);
    return;
  }
  const kernels::IntegerScales scales{lane.row_scales, scales_.data(), compensation_.data()};
  if (reads_rows_apart()) {
    quantize_apart(lane, x, rows);
    if (few_bits_) {
      kernels_.multiply_codes(lane.codes, code_bytes(), scales, activation,
                              {few_bits_->data(), bits_, rows, depth_, columns_, bias, y, lane.scratch});
    } else {
      kernels_.tiles->multiply(lane.codes, code_bytes(), own_, rows, depth_, columns_, scales, bias, activation, y);
    }
    return;
  }
  kernels_.quantize(x, rows, depth_, lane.row_scales, lane.codes, lane.row_scales);
  if (packed_) {
    lane.failed |= !packed_->multiply(lane.codes, rows, nullptr, y);
  } else {
    kernels_.multiply_int8(lane.codes, own_, rows, depth_, columns_, reinterpret_cast<int32_t*>(y));
  }
  kernels_.dequantize(y, rows, columns_, scales, bias, activation);
}

int64_t IntegerLinear::resident_bytes() const {
  const int64_t codes = few_bits_ ? few_bits_->bytes()
                        : packed_ ? packed_->bytes()
                                  : static_cast<int64_t>(memory_.size());
  return codes + columns_ * static_cast<int64_t>(sizeof(float) + sizeof(int32_t));
}

std::string IntegerLinear::describe() const {
  const std::string range = range_ == ActivationRange::PerToken ? "dynamic per token" : "dynamic per sequence";
  if (few_bits_)
    return fmt::format("{}-bit codes {}, unpacked a tile at a time, {}", bits_, range, kernels_.codes_name);
  return fmt::format("int8 {}, {}", range, packed_ ? "oneDNN" : kernels_.tiles ? kernels_.tiles->name : kernels_.name);
}

int64_t IntegerLinear::code_bytes() const {
  constexpr int64_t kMultiple = kernels::kTileDepthMultiple;
  return reads_rows_apart() ? (depth_ + kMultiple - 1) / kMultiple * kMultiple : depth_;
}

int64_t IntegerLinear::scratch_bytes() const { return few_bits_ ? few_bits_->scratch_bytes() : 0; }

// Memory for packed codes that begins at a cache line.
void IntegerLinear::reserve(int64_t bytes) {
  constexpr size_t kLine = 64;
  memory_.resize(static_cast<size_t>(bytes) + kLine);
  own_ = memory_.data() + (kLine - reinterpret_cast<uintptr_t>(memory_.data()) % kLine) % kLine;
}

// Codes of rows code_bytes() apart.
void IntegerLinear::quantize_apart(Lane& lane, const float* x, int64_t rows) const {
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
void IntegerLinear::find_ranges(Lane& lane, const float* x, int64_t first_row, int64_t rows) const {
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

}  // namespace espalier
