#pragma once
// What the "activations" job tells of one model, or of two on the same tokens.

#include <QString>

#include <vector>

#include "base/json_fwd.h"
#include "inspect/extremes.h"
#include "widgets/charts/layer_ranges.h"

namespace espalier {

// A channel that stands out of its layer.
struct OutlierChannel {
  qint64 channel = 0;
  double tokenFrac = 0;  // of the tokens, those where it does
  double min = 0, max = 0;
};

struct ActivityLayer {
  LayerRange range;
  ChannelRanges channels;
  qint64 outlierValues = 0, outlierChannels = 0;
  std::vector<OutlierChannel> largest;  // the channels that stand out most often
};

struct ActivityReport {
  // Embeddings first. `other`: those of the second model, empty where there is none.
  std::vector<ActivityLayer> layers, other;
  std::vector<qint64> features, otherFeatures;     // channels that stand out in many layers
  std::vector<std::vector<double>> likeness;       // linear CKA of layers [i][j]; empty while it is not known
  std::vector<std::vector<double>> otherLikeness;  // [layer][layer of the second model]
  qint64 examples = 0, tokens = 0;
  QString split;
};

// Error(Format) where the answer is not one of that job.
std::vector<ActivityLayer> readActivityLayers(const Json& layers);
ActivityReport readActivity(const Json& answer);

}  // namespace espalier
