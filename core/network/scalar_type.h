#pragma once
#include <c10/core/ScalarType.h>

#include <limits>

#include "network/placement.h"

namespace espalier {

// Of values and activations.
inline at::ScalarType scalar_type_of(const Placement& placement) {
  switch (placement.precision) {
    case Precision::Float64:
      return at::kDouble;
    case Precision::BFloat16:
      return at::kBFloat16;
    case Precision::Half:
      return at::kHalf;
    case Precision::Int8:
      return placement.on_gpu() ? at::kHalf : at::kFloat;
    case Precision::Float32:
      break;
  }
  return at::kFloat;
}

// The lowest finite number, not infinity: a row of scores without any token stays a number.
inline double lowest_of(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return std::numeric_limits<double>::lowest();
    case at::kHalf:
      return static_cast<double>(std::numeric_limits<at::Half>::lowest());
    case at::kBFloat16:
      return static_cast<double>(std::numeric_limits<at::BFloat16>::lowest());
    default:
      return std::numeric_limits<float>::lowest();
  }
}

}  // namespace espalier
