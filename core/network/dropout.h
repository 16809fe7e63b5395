#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace espalier {

// A mask that a kernel makes in place: that of DropoutStream::apply with this key. Nothing is dropped at probability 0.
struct DropoutMask {
  double probability = 0;
  uint64_t key = 0;
};

// Dropout masks of our own: on the CPU every mask is a pure function of the seed, its number since seeding and the
// element's place, so it is the same for any number of threads and needs no generator state in checkpoints. (libtorch
// draws its CPU masks one by one from a single generator, which also costs a tenth of a training step.)
class DropoutStream {
 public:
  void seed(uint64_t seed);
  // x with elements zeroed with this probability and the others scaled by 1 / (1 - probability).
  at::Tensor apply(const at::Tensor& x, double probability);
  // The next mask, for kernels that make it in place. Of probability 0 it is none and takes no number.
  DropoutMask next(double probability);

 private:
  uint64_t next_key();

  uint64_t seed_ = 0;
  uint64_t drawn_ = 0;
};

// Whether element `index` under `key` is kept, by a 32-bit hash (finalizer constants of C. Wellons' lowbias32).
inline bool dropout_keeps(uint64_t key, uint32_t index, uint32_t threshold) {
  uint32_t x = index + static_cast<uint32_t>(key);
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= (x >> 15) ^ static_cast<uint32_t>(key >> 32);
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x >= threshold;
}

// The threshold of dropout_keeps for a probability in [0, 1).
inline uint32_t dropout_threshold(double probability) { return static_cast<uint32_t>(probability * 4294967296.0); }

}  // namespace espalier
