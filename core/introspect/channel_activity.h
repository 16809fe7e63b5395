#pragma once
// Ranges of the activations between layers and the channels that stand out of them.

#include <vector>

#include "base/tensor.h"

namespace espalier {

// A value stands out of its layer when it lies more than so many standard deviations from the layer's mean (Bondarenko
// 2021, arXiv 2109.12948, section 3).
inline constexpr double kOutlierDeviations = 6;
// A channel is an outlier feature when |value| reaches this in at least this share of layers, and there at this share
// of tokens (Dettmers 2022, LLM.int8(), arXiv 2208.07339, section 4).
inline constexpr double kFeatureMagnitude = 6, kFeatureLayerShare = 0.25, kFeatureTokenShare = 0.06;

struct ChannelActivity {
  double min = 0, max = 0;
  int64_t outliers = 0;  // values beyond kOutlierDeviations
  int64_t large = 0;     // values of at least kFeatureMagnitude
};

struct LayerActivity {
  int64_t tokens = 0;
  double min = 0, max = 0, mean = 0, std = 0;
  std::vector<ChannelActivity> channels;
};

// What streams by, layer by layer. Two rounds over the same data: deviations are known after the first.
class ActivityCounter {
 public:
  // values: (tokens, channels) F32 of one layer. First round: ranges, moments, large values.
  void add_range(size_t layer, const Tensor& values);
  // Second round: values beyond the deviations of the first.
  void add_outliers(size_t layer, const Tensor& values);
  const std::vector<LayerActivity>& layers() const { return layers_; }
  // The |value| that a share 0..1 of a layer's values of the first round does not exceed, within 0.1 % of it.
  double abs_quantile(size_t layer, double share) const;
  // Numbers of the channels that are outlier features over all layers.
  std::vector<int64_t> outlier_features() const;

 private:
  std::vector<LayerActivity> layers_;
  std::vector<double> squares_;                   // sums of squared deviations
  std::vector<std::vector<int64_t>> magnitudes_;  // by layer: counts of |value|, by its leading bits
};

}  // namespace espalier
