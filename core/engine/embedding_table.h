#pragma once
// Looks up rows of an embedding in whatever form it is stored; codes, packed ones too, and half floats stay as they are
// in memory.

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/index.h"
#include "engine/linear.h"
#include "model/weight.h"

namespace espalier {

class EmbeddingTable {
 public:
  EmbeddingTable(LinearFactory& factory, const Weight& weight);

  // out (ids.size(), width) = the rows of `ids`, which must be in range.
  void look_up(Lane& lane, std::span<const TokenId> ids, float* out) const;

  int64_t width() const { return width_; }
  // Bytes held beside the model's own tensors, which stay mapped.
  int64_t resident_bytes() const;
  std::string describe() const;
  ProductCost cost() const { return up_ ? up_->cost() : ProductCost{}; }
  // Bytes of the weight that every call reads as a whole.
  int64_t product_bytes() const { return up_ ? up_->resident_bytes() : 0; }
  int64_t factor_floats() const;
  int64_t code_bytes() const { return up_ ? up_->code_bytes() : 0; }
  int64_t scratch_bytes() const { return up_ ? std::max(up_->scratch_bytes(), left_->scratch_bytes()) : 0; }

 private:
  void decode_row(int64_t row, float* to) const;

  const kernels::Table& kernels_;
  int64_t width_ = 0;
  std::string form_;
  Tensor values_;  // F32, F16 or BF16, or else
  std::optional<Quantized> codes_;
  std::unique_ptr<EmbeddingTable> left_;  // low rank: rows of the left factor,
  std::shared_ptr<const Linear> up_;      // then the right factor,
  std::vector<float> up_scales_;          // and the scales of its codes (rank)
  bool converted_ = false;
};

}  // namespace espalier
