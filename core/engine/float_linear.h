#pragma once
// Float32 weights, every one of them multiplied.

#include "base/tensor.h"
#include "engine/linear.h"

namespace espalier {

class FloatLinear : public Linear {
 public:
  // `values` (columns, depth). Without a packer the kernels multiply.
  FloatLinear(const kernels::Table& kernels, onednn::Packer* packer, const Tensor& values, std::string origin);

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override;

  int64_t depth() const override { return depth_; }
  int64_t columns() const override { return columns_; }
  int64_t resident_bytes() const override {
    return packed_ ? packed_->bytes() : static_cast<int64_t>(plain_.size() * sizeof(float));
  }
  std::string describe() const override;
  ProductCost cost() const override { return {.float_macs = depth_ * columns_}; }

 private:
  const kernels::Table& kernels_;
  std::string origin_;
  int64_t depth_ = 0;
  int64_t columns_ = 0;
  std::shared_ptr<const onednn::PackedMatrix> packed_;
  std::vector<float> plain_;
  std::vector<float> no_bias_;
};

}  // namespace espalier
