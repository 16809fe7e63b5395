#include "model/weight_bits.h"

#include <bit>

#include "base/error.h"

namespace espalier {

int64_t count_ones(const Tensor& bits) {
  int64_t count = 0;
  for (const uint8_t byte : bits.values<uint8_t>()) count += std::popcount(byte);
  return count;
}

int64_t packed_bytes(int64_t count, int bits) { return (count * bits + 7) / 8; }

Tensor pack_codes(const std::vector<int8_t>& codes, int bits) {
  const int64_t size = packed_bytes(std::ssize(codes), bits);
  std::vector<uint8_t> packed(static_cast<size_t>(size), 0);
  const int offset = 1 << (bits - 1);
  size_t at = 0;  // in bits
  for (const int8_t code : codes) {
    const auto value = static_cast<unsigned>(code + offset);
    packed[at / 8] = static_cast<uint8_t>(packed[at / 8] | (value << (at % 8)));
    if (at % 8 + static_cast<size_t>(bits) > 8) {
      packed[at / 8 + 1] = static_cast<uint8_t>(packed[at / 8 + 1] | (value >> (8 - at % 8)));
    }
    at += static_cast<size_t>(bits);
  }
  return Tensor::from({size}, std::move(packed));
}

Tensor kept_values(const Masked& masked) {
  const auto values = masked.values.values<float>();
  const auto mask = masked.mask.values<uint8_t>();
  std::vector<float> kept;
  kept.reserve(static_cast<size_t>(count_ones(masked.mask)));
  for (size_t i = 0; i < values.size(); ++i) {
    if ((mask[i / 8] >> (i % 8)) & 1) kept.push_back(values[i]);
  }
  const auto count = std::ssize(kept);
  return Tensor::from({count}, std::move(kept));
}

Masked masked_from_kept(Shape shape, const Tensor& kept, const Tensor& mask) {
  std::vector<float> values(static_cast<size_t>(num_elements(shape)), 0.0f);
  const auto stored = kept.values<float>();
  const auto bits = mask.values<uint8_t>();
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if ((bits[i / 8] >> (i % 8)) & 1) values[i] = stored[next++];
  }
  return {Tensor::from(std::move(shape), std::move(values)), mask};
}

Weight make_masked(const Tensor& values, const std::vector<bool>& keep) {
  const Tensor floats = values.to_float32();
  const auto source = floats.values<float>();
  if (keep.size() != source.size()) {
    throw Error(ErrorKind::Internal, {"a mask of another size than its matrix", to_string(floats.shape()),
                                      std::to_string(keep.size()), std::to_string(source.size()), ""});
  }
  std::vector<float> kept(source.begin(), source.end());
  std::vector<uint8_t> mask((source.size() + 7) / 8, 0);
  bool all = true;
  for (size_t i = 0; i < source.size(); ++i) {
    if (keep[i]) {
      mask[i / 8] = static_cast<uint8_t>(mask[i / 8] | (1u << (i % 8)));
    } else {
      kept[i] = 0.0f;
      all = false;
    }
  }
  if (all) return Weight(Dense{floats});
  const auto bytes = std::ssize(mask);
  return Weight(Masked{Tensor::from(floats.shape(), std::move(kept)), Tensor::from({bytes}, std::move(mask))});
}

std::vector<bool> keep_flags(const Masked& masked) {
  const auto mask = masked.mask.values<uint8_t>();
  std::vector<bool> flags(static_cast<size_t>(masked.values.numel()));
  for (size_t i = 0; i < flags.size(); ++i) flags[i] = ((mask[i / 8] >> (i % 8)) & 1) != 0;
  return flags;
}

}  // namespace espalier
