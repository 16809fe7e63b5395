#pragma once
// Codes times a float input: they are decoded a chunk at a time, and no float copy of the matrix is held.

#include <span>

#include "engine/linear.h"
#include "engine/packed_codes.h"

namespace espalier {

class CodeLinear : public Linear {
 public:
  // codes (columns, depth) of `bits` 2..8, scales (columns).
  CodeLinear(const kernels::Table& kernels, std::span<const int8_t> codes, int64_t depth, std::vector<float> scales,
             int bits);

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override;

  int64_t depth() const override { return depth_; }
  int64_t columns() const override { return static_cast<int64_t>(scales_.size()); }
  int64_t resident_bytes() const override;
  std::string describe() const override;
  ProductCost cost() const override { return {.float_macs = depth() * columns()}; }
  int64_t scratch_bytes() const override { return codes_.scratch_bytes(); }

 private:
  const kernels::Table& kernels_;
  int bits_;
  int64_t depth_;
  PackedCodes codes_;
  std::vector<float> scales_;
};

}  // namespace espalier
