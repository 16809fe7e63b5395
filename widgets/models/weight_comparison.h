#pragma once
// One weight in two models: the one that is open and one that a recipe made of it.

#include <QString>

#include <limits>
#include <string>

#include "base/cancel.h"
#include "model/model.h"

namespace espalier {

struct WeightComparison {
  WeightPtr after;       // as the other model holds it; rows and columns of removed heads come back as zeros
  WeightPtr difference;  // after - before; null where the shapes differ
  QString note;          // what a person should know of it: heads came back, why there is no difference
  double relativeError = std::numeric_limits<double>::quiet_NaN();  // Frobenius norms: of the difference by before's
};

// Throws InvalidInput when `after` has no such weight, Cancelled.
WeightComparison compareWeight(const Model& before, const Model& after, const std::string& slot,
                               const CancelToken& cancel);

}  // namespace espalier
