#include "introspect/channel_activity.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace espalier {
namespace {

// Floats without their sign sort as their bits do; exponent and nine bits of the fraction keep a value within 0.1 %.
constexpr uint32_t kSign = 0x80000000U;
constexpr int kBitsDropped = 14;
constexpr size_t kMagnitudes = size_t{kSign} >> kBitsDropped;

size_t magnitude_of(float value) { return (std::bit_cast<uint32_t>(value) & ~kSign) >> kBitsDropped; }

// The middle of the values that share their leading bits; 0 has a place of its own.
double value_of(size_t magnitude) {
  if (magnitude == 0) return 0;
  const uint32_t middle = (static_cast<uint32_t>(magnitude) << kBitsDropped) | (1U << (kBitsDropped - 1));
  return std::bit_cast<float>(middle);
}

}  // namespace

void ActivityCounter::add_range(size_t layer, const Tensor& values) {
  if (values.numel() == 0) return;
  const auto tokens = values.size(0);
  const auto width = static_cast<size_t>(values.size(1));
  const auto data = values.values<float>();
  if (layers_.size() <= layer) {
    layers_.resize(layer + 1);
    squares_.resize(layer + 1, 0);
    magnitudes_.resize(layer + 1);
  }
  LayerActivity& activity = layers_[layer];
  if (activity.tokens == 0) {
    activity.min = activity.max = data[0];
    activity.channels.resize(width);
    magnitudes_[layer].assign(kMagnitudes, 0);
    for (size_t c = 0; c < width; ++c) activity.channels[c].min = activity.channels[c].max = data[c];
  }
  double sum = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    const double value = data[i];
    ChannelActivity& channel = activity.channels[i % width];
    channel.min = std::min(channel.min, value);
    channel.max = std::max(channel.max, value);
    channel.large += std::abs(value) >= kFeatureMagnitude;
    sum += value;
    ++magnitudes_[layer][magnitude_of(data[i])];
  }
  for (const ChannelActivity& channel : activity.channels) {
    activity.min = std::min(activity.min, channel.min);
    activity.max = std::max(activity.max, channel.max);
  }
  // Moments of this batch joined with those before (Chan, Golub and LeVeque 1979).
  const auto count = static_cast<double>(data.size()),
             before = static_cast<double>(activity.tokens) * static_cast<double>(width);
  const double mean = sum / count, delta = mean - activity.mean;
  double squares = 0;
  for (const float value : data) squares += (value - mean) * (value - mean);
  squares_[layer] += squares + delta * delta * before * count / (before + count);
  activity.mean += delta * count / (before + count);
  activity.std = std::sqrt(squares_[layer] / (before + count));
  activity.tokens += tokens;
}

void ActivityCounter::add_outliers(size_t layer, const Tensor& values) {
  LayerActivity& activity = layers_.at(layer);
  const auto data = values.values<float>();
  const size_t width = activity.channels.size();
  for (size_t i = 0; i < data.size(); ++i) {
    activity.channels[i % width].outliers += std::abs(data[i] - activity.mean) > kOutlierDeviations * activity.std;
  }
}

double ActivityCounter::abs_quantile(size_t layer, double share) const {
  const LayerActivity& activity = layers_.at(layer);
  const auto count = static_cast<double>(activity.tokens) * static_cast<double>(activity.channels.size());
  double below = 0;
  for (size_t m = 0; m < magnitudes_[layer].size(); ++m) {
    below += static_cast<double>(magnitudes_[layer][m]);
    // The middle of the last place may lie beyond what was seen.
    if (below >= share * count) return std::min(value_of(m), std::max(-activity.min, activity.max));
  }
  return 0;
}

std::vector<int64_t> ActivityCounter::outlier_features() const {
  std::vector<int64_t> features;
  if (layers_.empty()) return features;
  for (size_t c = 0; c < layers_.front().channels.size(); ++c) {
    double layers = 0;
    for (const LayerActivity& layer : layers_) {
      if (c >= layer.channels.size() || layer.tokens == 0) continue;
      const auto share = static_cast<double>(layer.channels[c].large) / static_cast<double>(layer.tokens);
      layers += share >= kFeatureTokenShare ? 1 : 0;
    }
    if (layers >= kFeatureLayerShare * static_cast<double>(layers_.size())) features.push_back(static_cast<int64_t>(c));
  }
  return features;
}

}  // namespace espalier
