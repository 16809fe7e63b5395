#pragma once
// What each module of a model takes on the engine, for its map.

#include <QString>

#include <vector>

#include "base/cancel.h"
#include "measure/profile.h"
#include "widgets/models/model_map.h"

namespace espalier {

struct MapTimes {
  std::vector<double> ms;  // of each cell; NaN where none is known
  double wallMs = 0;       // of a pass
  QString conditions;      // "batch 1, 128 tokens, 1 thread, avx512 vnni, AMD EPYC"
};

// The parts of a profile of the map's model on the cells whose weights they read. A product of several weights is
// divided by their MACs, the kernel that adds positions and types and norms the sum evenly.
MapTimes timesOf(const ModelMap& map, const ModelProfile& profile);

// Packs the model and times it: one sequence of 128 tokens, or as many as it takes, on one thread. Takes seconds for a
// large model. Throws Unsupported for a model that the engine does not run, Cancelled.
MapTimes measureMapTimes(const ModelMap& map, const Model& model, const CancelToken& cancel);

}  // namespace espalier
