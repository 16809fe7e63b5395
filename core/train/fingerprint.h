#pragma once
#include <string>

#include "train/fine_tune.h"

namespace espalier {

// A short text that differs when options, model, teacher or data differ in anything that changes the result of
// fine_tune. Reads every weight once.
std::string training_fingerprint(const Model& model, const EncodedDataset& train, const EncodedDataset& dev,
                                 const TrainOptions& options);

}  // namespace espalier
