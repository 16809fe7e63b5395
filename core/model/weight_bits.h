#pragma once
// Masks and codes at the level of bits.

#include <cstdint>
#include <span>
#include <vector>

#include "model/weight.h"

namespace espalier {

// Bits that are set in a U8 tensor.
int64_t count_ones(const Tensor& bits);

// ceil(count * bits / 8): codes packed without padding between them.
int64_t packed_bytes(int64_t count, int bits);
// Codes of 2..7 bits, offset to be non-negative, least significant bit first.
Tensor pack_codes(const std::vector<int8_t>& codes, int bits);

// Codes [first, first + to.size()) of 2..7 bits, in row-major order.
void read_codes(const Quantized& quantized, int64_t first, std::span<int8_t> to);

// Rows [begin, end) decoded to float32; a vector counts as one value a row.
Tensor decoded_rows(const Quantized& quantized, int64_t begin, int64_t end);

Quantized select_quantized(const Quantized& quantized, int64_t axis, const std::vector<int64_t>& keep);

// The values of a Masked that a file holds (those whose bit is set, in order), and the way back. `kept` must hold as
// many values as the mask has bits.
Tensor kept_values(const Masked& masked);
Masked masked_from_kept(Shape shape, const Tensor& kept, const Tensor& mask);

}  // namespace espalier
