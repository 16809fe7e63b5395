#pragma once
// Positions that follow from a formula.

#include <cstdint>
#include <vector>

#include "model/architecture.h"

namespace espalier {

// Tables by formula have no bytes in a file that would bound them.
inline constexpr int64_t kMostFormulaPositions = 1 << 16;

// Rows of sines and cosines with wavelengths from 2 pi to 10000 * 2 pi (Vaswani 2017, section 3.5), (rows, width)
// row-major: sine and cosine in turn for Sinusoidal, all sines before all cosines for SinusoidalHalves.
std::vector<float> sinusoidal_table(PositionKind kind, int64_t rows, int64_t width);

// The row of the bias table for a key `distance` = key position - query position away (Raffel 2020, T5). Causal
// layers have all buckets for the past, others one half for each side.
int64_t relative_bucket(const RelativeBiasSpec& spec, bool causal, int64_t distance);

}  // namespace espalier
