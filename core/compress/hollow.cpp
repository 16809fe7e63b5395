#include "compress/hollow.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>

#include "base/error.h"

namespace espalier {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

// Zeroed pages come from the system untouched, so a large block costs address space only until it is read.
struct ZeroBlock {
  std::shared_ptr<const void> keeper;
  size_t size = 0;
};

ZeroBlock zero_block(size_t bytes) {
  static std::mutex mutex;
  static ZeroBlock block;
  const std::lock_guard lock(mutex);
  if (block.size < bytes) {
    const size_t size = std::max<size_t>(bytes, size_t{1} << 20);
    void* memory = std::calloc(size, 1);
    if (memory == nullptr) throw std::bad_alloc();
    block = {std::shared_ptr<const void>(memory, std::free), size};
  }
  return block;
}

Shape with_axis(Shape shape, int64_t axis, int64_t size) {
  shape[static_cast<size_t>(axis)] = size;
  return shape;
}

}  // namespace

Tensor hollow_tensor(DType dtype, const Shape& shape) {
  const size_t bytes = static_cast<size_t>(num_elements(shape)) * size_of(dtype);
  const ZeroBlock block = zero_block(bytes);
  return Tensor(dtype, shape, {static_cast<const std::byte*>(block.keeper.get()), bytes}, block.keeper);
}

Weight hollow_dense(DType dtype, const Shape& shape) { return Dense{hollow_tensor(dtype, shape)}; }

Weight hollow_masked(const Shape& shape, int64_t kept) {
  const int64_t total = num_elements(shape);
  if (kept >= total) return hollow_dense(DType::F32, shape);
  std::vector<uint8_t> mask(static_cast<size_t>((total + 7) / 8), 0);
  std::fill_n(mask.begin(), kept / 8, uint8_t{0xFF});
  if (kept % 8 != 0) mask[static_cast<size_t>(kept / 8)] = static_cast<uint8_t>((1U << (kept % 8)) - 1U);
  const auto bytes = static_cast<int64_t>(mask.size());
  return Masked{hollow_tensor(DType::F32, shape), Tensor::from<uint8_t>({bytes}, std::move(mask))};
}

Weight hollow_low_rank(DType dtype, int64_t rows, int64_t rank, int64_t columns) {
  return LowRank{share(hollow_dense(dtype, {rows, rank})), share(hollow_dense(dtype, {rank, columns}))};
}

Weight hollow_quantized(const Shape& shape, int bits, bool per_row, ActivationRange activations) {
  const int64_t total = num_elements(shape);
  Quantized quantized;
  quantized.shape = shape;
  quantized.bits = bits;
  quantized.codes = bits == 8 ? hollow_tensor(DType::I8, shape) : hollow_tensor(DType::U8, {(total * bits + 7) / 8});
  quantized.scales = hollow_tensor(DType::F32, {per_row ? shape.front() : int64_t{1}});
  quantized.activations = activations;
  return quantized;
}

Weight hollow_select(const Weight& weight, int64_t axis, const std::vector<int64_t>& keep) {
  const auto size = static_cast<int64_t>(keep.size());
  return std::visit(
      Overloaded{[&](const Dense& dense) {
                   return hollow_dense(dense.values.dtype(), with_axis(dense.values.shape(), axis, size));
                 },
                 [&](const Masked& masked) {
                   const Shape shape = with_axis(masked.values.shape(), axis, size);
                   const double density = 1 - sparsity_of(weight);
                   return hollow_masked(shape, std::llround(density * static_cast<double>(num_elements(shape))));
                 },
                 [&](const LowRank& factors) {
                   return axis == 0 ? Weight(LowRank{share(hollow_select(*factors.left, 0, keep)), factors.right})
                                    : Weight(LowRank{factors.left, share(hollow_select(*factors.right, 1, keep))});
                 },
                 [&](const Quantized& codes) {
                   return hollow_quantized(with_axis(codes.shape, axis, size), codes.bits, codes.scales.numel() > 1,
                                           codes.activations);
                 }},
      weight.form());
}

Weight hollow_float32(const Weight& weight) {
  return std::visit(
      Overloaded{[](const Dense& dense) {
                   return dense.values.dtype() == DType::F32 ? Weight(dense)
                                                             : hollow_dense(DType::F32, dense.values.shape());
                 },
                 [](const Masked& masked) { return Weight(masked); },
                 [](const LowRank& factors) {
                   return Weight(LowRank{share(hollow_float32(*factors.left)), share(hollow_float32(*factors.right))});
                 },
                 [](const Quantized& codes) { return Weight(codes); }},
      weight.form());
}

}  // namespace espalier
