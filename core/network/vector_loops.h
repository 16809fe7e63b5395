#pragma once
// For loops over floats that are compiled for several instruction sets.

#include <bit>
#include <cstdint>
#include <cstring>

// One version of a function for each instruction set, chosen when the program loads; what it calls is inlined into
// each.
#define ESPALIER_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define ESPALIER_INLINE __attribute__((always_inline)) inline

namespace espalier {

constexpr int64_t kLanes = 16;

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

// e^x for x <= 0 with a relative error of 2e-7 (Cephes expf: range reduction by ln 2, polynomial of degree 5).
ESPALIER_INLINE float exp_of_negative(float x) {
  constexpr float kLowest = -87.0F;
  x = x < kLowest ? kLowest : (x > 0 ? 0.0F : x);  // padding may bring positive numbers
  constexpr float kRound = 12582912.0F;            // 1.5 * 2^23: adding it rounds to a whole number
  const float n = (x * 1.44269504F + kRound) - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float poly = 1.9875691500e-4F;
  poly = poly * r + 1.3981999507e-3F;
  poly = poly * r + 8.3334519073e-3F;
  poly = poly * r + 4.1665795894e-2F;
  poly = poly * r + 1.6666665459e-1F;
  poly = poly * r + 5.0000001201e-1F;
  poly = poly * r * r + r + 1.0F;
  return poly * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

ESPALIER_INLINE float sum_of(const Lanes& lanes) {
  float sum = 0;
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

}  // namespace espalier
