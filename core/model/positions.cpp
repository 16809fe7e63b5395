#include "model/positions.h"

#include <algorithm>
#include <cmath>

namespace espalier {

std::vector<float> sinusoidal_table(PositionKind kind, int64_t rows, int64_t width) {
  std::vector<float> table(static_cast<size_t>(rows * width));
  const int64_t sines = (width + 1) / 2;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t pair = 0; pair < sines; ++pair) {
      const double exponent = 2 * static_cast<double>(pair) / static_cast<double>(width);
      const double angle = static_cast<double>(row) / std::pow(10000.0, exponent);
      float* to = table.data() + row * width;
      const bool halves = kind == PositionKind::SinusoidalHalves;
      to[halves ? pair : 2 * pair] = static_cast<float>(std::sin(angle));
      const int64_t cosine = halves ? sines + pair : 2 * pair + 1;
      if (cosine < width) to[cosine] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

int64_t relative_bucket(const RelativeBiasSpec& spec, bool causal, int64_t distance) {
  const int64_t buckets = causal ? spec.buckets : spec.buckets / 2;
  const int64_t first = !causal && distance > 0 ? buckets : 0;
  const int64_t away = causal ? std::max<int64_t>(-distance, 0) : std::abs(distance);
  const int64_t exact = buckets / 2;
  if (away < exact) return first + away;
  // In single precision, as models were trained: the whole part decides.
  const auto range = static_cast<float>(std::log(static_cast<double>(spec.max_distance) / static_cast<double>(exact)));
  const float share = std::log(static_cast<float>(away) / static_cast<float>(exact)) / range;
  const auto beyond = static_cast<int64_t>(share * static_cast<float>(buckets - exact));
  return first + std::min(exact + beyond, buckets - 1);
}

}  // namespace espalier
