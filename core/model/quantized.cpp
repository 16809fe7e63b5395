// Symmetric linear codes (Jacob 2018, arXiv 1712.05877, with a zero point of zero; Zafrir 2019, arXiv 1910.06188).

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "model/weight_bits.h"

namespace espalier {
namespace {

int64_t rows_of(const Shape& shape) { return shape.empty() ? 1 : shape[0]; }

int64_t width_of(const Shape& shape) { return num_elements(shape) / std::max<int64_t>(1, rows_of(shape)); }

// Code number `index` of a tensor of codes.
struct CodeReader {
  explicit CodeReader(const Quantized& quantized)
      : bits(quantized.bits),
        offset(1 << (quantized.bits - 1)),
        mask((1u << quantized.bits) - 1),
        bytes(quantized.codes.bytes()) {}

  int8_t operator()(size_t index) const {
    if (bits == 8) return static_cast<int8_t>(bytes[index]);
    const size_t at = index * static_cast<size_t>(bits);
    unsigned value = static_cast<unsigned>(bytes[at / 8]) >> (at % 8);
    if (at % 8 + static_cast<size_t>(bits) > 8) value |= static_cast<unsigned>(bytes[at / 8 + 1]) << (8 - at % 8);
    return static_cast<int8_t>(static_cast<int>(value & mask) - offset);
  }

  int bits;
  int offset;
  unsigned mask;
  std::span<const std::byte> bytes;
};

// Works on the bits, whose order is that of the magnitudes: a loop that vectorizes and meets what is not finite last.
float largest_magnitude(std::span<const float> values) {
  int32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<int32_t>(value) & 0x7FFFFFFF);
  const auto magnitude = std::bit_cast<float>(largest);
  if (!std::isfinite(magnitude)) {
    throw Error(ErrorKind::InvalidInput,
                {"a weight that is not finite cannot be quantized", "", fmt::format("{}", magnitude), "finite values",
                 "Look for a failed training."});
  }
  return magnitude;
}

// To nearest, halves to even, for magnitudes below 2^22: the sum with 1.5 * 2^23 has no room for a fraction.
float rounded(float value) {
  constexpr float kNoFraction = 12582912.0f;
  return (value + kNoFraction) - kNoFraction;
}

float scale_for(float largest, int levels) {
  if (largest == 0) return 1.0f;
  float scale = largest / static_cast<float>(levels);
  // Subnormal scales are so coarse that rounding down would push the largest value out of the range.
  if (scale < std::numeric_limits<float>::min()) scale = std::nextafter(scale, 1.0f);
  return scale;
}

void check_bits(int bits) {
  if (bits >= 2 && bits <= 8) return;
  throw Error(ErrorKind::InvalidInput, {"no codes of this width", "", fmt::format("{} bits", bits), "2 to 8 bits", ""});
}

}  // namespace

Weight quantize_symmetric(const Tensor& values, int bits, bool per_row, ActivationRange activations) {
  check_bits(bits);
  const Tensor floats = values.to_float32();
  const auto source = floats.values<float>();
  const int levels = (1 << (bits - 1)) - 1;
  const auto groups = static_cast<size_t>(per_row ? rows_of(floats.shape()) : 1);
  const size_t group = groups == 0 ? 0 : source.size() / groups;
  std::vector<int8_t> codes(source.size());
  std::vector<float> scales(groups);
  for (size_t g = 0; g < groups; ++g) {
    const auto in = source.subspan(g * group, group);
    const float scale = scale_for(largest_magnitude(in), levels);
    const auto limit = static_cast<float>(levels);
    int8_t* out = codes.data() + g * group;
    for (size_t i = 0; i < in.size(); ++i) {
      out[i] = static_cast<int8_t>(std::clamp(rounded(in[i] / scale), -limit, limit));
    }
    scales[g] = scale;
  }
  Quantized quantized;
  quantized.shape = floats.shape();
  quantized.bits = bits;
  quantized.activations = activations;
  quantized.codes = bits == 8 ? Tensor::from(floats.shape(), std::move(codes)) : pack_codes(codes, bits);
  quantized.scales = Tensor::from({static_cast<int64_t>(groups)}, std::move(scales));
  return Weight(std::move(quantized));
}

void read_codes(const Quantized& quantized, int64_t first, std::span<int8_t> to) {
  const CodeReader code(quantized);
  const auto bits = static_cast<size_t>(quantized.bits);
  size_t i = 0;
  const size_t from = static_cast<size_t>(first);
  if (from * bits % 8 == 0) {
    // Eight codes are `bits` whole bytes.
    const std::byte* at = code.bytes.data() + from * bits / 8;
    for (; i + 8 <= to.size(); i += 8, at += bits) {
      uint64_t eight = 0;
      std::memcpy(&eight, at, bits);
      for (size_t j = 0; j < 8; ++j) {
        to[i + j] = static_cast<int8_t>(static_cast<int>(eight >> (j * bits) & code.mask) - code.offset);
      }
    }
  }
  for (; i < to.size(); ++i) to[i] = code(from + i);
}

Tensor unpacked_codes(const Quantized& quantized) {
  if (quantized.bits == 8) return quantized.codes;
  std::vector<int8_t> codes(static_cast<size_t>(num_elements(quantized.shape)));
  read_codes(quantized, 0, codes);
  return Tensor::from(quantized.shape, std::move(codes));
}

Tensor decoded_rows(const Quantized& quantized, int64_t begin, int64_t end) {
  const auto width = static_cast<size_t>(width_of(quantized.shape));
  const auto scales = quantized.scales.values<float>();
  const CodeReader code(quantized);
  Shape shape = quantized.shape;
  if (!shape.empty()) shape[0] = end - begin;
  std::vector<float> values(static_cast<size_t>(end - begin) * width);
  for (int64_t row = begin; row < end; ++row) {
    const float scale = scales.size() == 1 ? scales[0] : scales[static_cast<size_t>(row)];
    const size_t first = static_cast<size_t>(row) * width;
    float* out = values.data() + static_cast<size_t>(row - begin) * width;
    if (quantized.bits == 8) {
      const auto* codes = reinterpret_cast<const int8_t*>(code.bytes.data()) + first;
      for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(codes[i]) * scale;
    } else {
      for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(code(first + i)) * scale;
    }
  }
  return Tensor::from(std::move(shape), std::move(values));
}

Quantized select_quantized(const Quantized& quantized, int64_t axis, const std::vector<int64_t>& keep) {
  const Tensor codes = select(unpacked_codes(quantized), axis, keep);
  Quantized selected = quantized;
  selected.shape = codes.shape();
  if (quantized.bits == 8) {
    selected.codes = codes;
  } else {
    const auto values = codes.values<int8_t>();
    selected.codes = pack_codes({values.begin(), values.end()}, quantized.bits);
  }
  const bool scale_a_row = quantized.scales.numel() != 1 || rows_of(quantized.shape) == 1;
  if (axis == 0 && scale_a_row) selected.scales = select(quantized.scales, 0, keep);
  return selected;
}

}  // namespace espalier
