#pragma once
// Looks up rows of an embedding in whatever form it is stored; codes and half floats stay as they are in memory.

#include <memory>
#include <span>
#include <string>

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
  int64_t factor_floats() const;
  int64_t code_bytes() const { return up_ ? up_->code_bytes() : 0; }

 private:
  const kernels::Table& kernels_;
  int64_t width_ = 0;
  std::string form_;
  Tensor values_;                         // F32, F16, BF16 or I8 codes
  Tensor scales_;                         // of codes: (1) or (rows)
  std::unique_ptr<EmbeddingTable> left_;  // low rank: rows of the left factor,
  std::shared_ptr<const Linear> up_;      // then the right factor
  bool converted_ = false;
};

}  // namespace espalier
