#pragma once
// The memory of one forward pass.

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/prepared_model.h"
#include "engine/row_work.h"

namespace espalier {

// Memory of a pass, kept between passes so that its pages are not mapped anew each time.
class Workspace {
 public:
  // At least `bytes`, aligned to a cache line; the content is undefined.
  std::byte* reserve(size_t bytes);

 private:
  std::unique_ptr<std::byte[]> memory_;
  size_t capacity_ = 0;
};

struct PassSizes {
  int64_t tokens = 0;
  int64_t sequences = 0;
  int64_t tile = 0;            // rows of a tile
  int64_t longest = 0;         // keys of self-attention
  int64_t longest_memory = 0;  // keys of cross-attention
  int threads = 1;
};

struct PassBuffers {
  float* x = nullptr;                  // (T, hidden)
  float* inner = nullptr;              // (T, narrow) residual sums inside bottlenecks
  float* qkv[2] = {nullptr, nullptr};  // (T, 3 width) of this layer and the next
  float* context = nullptr;            // (T, width)
  float* first = nullptr;              // (B, hidden) first or last tokens
  float* pooled = nullptr;             // (B, hidden)
  int32_t* sequence_of_row = nullptr;  // (T)
  int32_t* position_of_row = nullptr;  // (T)
  SequenceRanges ranges;
  std::vector<ThreadBuffers> threads;
};

// Everything that a pass of `stack` needs, laid out in the workspace. `starts`: see SequenceRanges.
PassBuffers lay_out(const PreparedModel& model, const PreparedStack& stack, const PassSizes& sizes,
                    const int32_t* starts, Workspace& workspace);

}  // namespace espalier
