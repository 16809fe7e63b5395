#include "network/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace espalier {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at least

uint64_t splitmix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

template <typename T>
void fill_mask(T* mask, int64_t begin, int64_t end, uint64_t key, uint32_t threshold, T scale) {
  for (int64_t i = begin; i < end; ++i) {
    mask[i] = dropout_keeps(key, static_cast<uint32_t>(i), threshold) ? scale : T(0);
  }
}

}  // namespace

void DropoutStream::seed(uint64_t seed) {
  seed_ = seed;
  drawn_ = 0;
  at::manual_seed(seed);  // masks on other devices come from libtorch
}

uint64_t DropoutStream::next_key() { return splitmix(splitmix(seed_) + drawn_++); }

DropoutMask DropoutStream::next(double probability) {
  return probability > 0 ? DropoutMask{probability, next_key()} : DropoutMask{};
}

at::Tensor DropoutStream::apply(const at::Tensor& x, double probability) {
  if (probability <= 0) return x;
  if (!x.device().is_cpu()) return at::dropout(x, probability, true);
  const uint64_t key = next_key();
  const uint32_t threshold = dropout_threshold(probability);
  at::Tensor mask = at::empty(x.sizes(), x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "dropout", [&] {
    auto* values = mask.data_ptr<scalar_t>();
    const auto scale = static_cast<scalar_t>(1.0 / (1.0 - probability));
    at::parallel_for(0, mask.numel(), kGrain,
                     [&](int64_t begin, int64_t end) { fill_mask(values, begin, end, key, threshold, scale); });
  });
  return x * mask;
}

}  // namespace espalier
