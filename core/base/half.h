#pragma once
// Whole arrays between float32 and the 16-bit types, on the vector instructions that the processor has.

#include <cstddef>
#include <cstdint>

namespace espalier {

// `bits` need not be aligned. Bit-equal to float_from_half / float_from_bfloat16 of every element.
void floats_from_halves(const std::byte* bits, float* out, size_t count);
void floats_from_bfloat16s(const std::byte* bits, float* out, size_t count);

}  // namespace espalier
