#pragma once
// One forward pass. Each thread owns a range of rows (tokens) from the embedding to the last layer and takes it through
// in tiles that stay in its cache; threads meet once a layer, before attention, when every key and value is there.

#include <cstddef>
#include <memory>

#include "engine/engine.h"
#include "engine/prepared_model.h"

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

// Throws InvalidInput naming the sequence and token that cannot be run.
void check_batch(const Architecture& architecture, const PackedBatch& batch);

// `batch` must have passed check_batch.
EngineOutput run_forward(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request,
                         int threads, Workspace& workspace);

}  // namespace espalier
