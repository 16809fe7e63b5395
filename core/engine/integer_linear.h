#pragma once
// Codes times codes, exact in int32, with the input quantized on the way in.

#include <optional>
#include <span>

#include "engine/linear.h"
#include "engine/packed_codes.h"

namespace espalier {

class IntegerLinear : public Linear {
 public:
  // codes (columns, depth) of `bits` 2..8, scales (columns). Below 8 bits the codes stay packed.
  IntegerLinear(const kernels::Table& kernels, onednn::Packer* packer, std::span<const int8_t> codes, int64_t depth,
                std::vector<float> scales, int bits, ActivationRange range);

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override;

  int64_t depth() const override { return depth_; }
  int64_t columns() const override { return columns_; }
  int64_t resident_bytes() const override;
  std::string describe() const override;
  ProductCost cost() const override { return {.int8_macs = depth_ * columns_}; }
  int64_t code_bytes() const override;
  int64_t scratch_bytes() const override;
  bool needs_whole_sequences() const override { return range_ == ActivationRange::PerSequence; }

 private:
  void reserve(int64_t bytes);
  bool reads_rows_apart() const { return few_bits_ || kernels_.tiles; }
  void quantize_apart(Lane& lane, const float* x, int64_t rows) const;
  void find_ranges(Lane& lane, const float* x, int64_t first_row, int64_t rows) const;

  const kernels::Table& kernels_;
  ActivationRange range_;
  int bits_;
  int64_t depth_;
  int64_t columns_;
  std::vector<float> scales_;
  std::vector<int32_t> compensation_;
  std::optional<PackedCodes> few_bits_;  // below 8 bits; else one of:
  std::shared_ptr<const onednn::PackedMatrix> packed_;
  std::vector<int8_t> memory_;
  int8_t* own_ = nullptr;  // in memory_: codes as our kernels pack them
};

}  // namespace espalier
