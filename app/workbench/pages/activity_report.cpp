#include "app/workbench/pages/activity_report.h"

#include "base/json.h"

namespace espalier {
namespace {

constexpr char kActivations[] = "activations";

}  // namespace

std::vector<ActivityLayer> readActivityLayers(const Json& layers) {
  std::vector<ActivityLayer> read;
  for (const Json& json : layers) {
    ActivityLayer layer;
    layer.range = {.min = json_get<double>(json, "min", kActivations),
                   .max = json_get<double>(json, "max", kActivations),
                   .mean = json_get<double>(json, "mean", kActivations),
                   .std = json_get<double>(json, "std", kActivations),
                   .p99 = json_get<double>(json, "abs_p99", kActivations),
                   .p999 = json_get<double>(json, "abs_p999", kActivations)};
    layer.channels.low = json_get<std::vector<float>>(json, "channel_min", kActivations);
    layer.channels.high = json_get<std::vector<float>>(json, "channel_max", kActivations);
    layer.channels.high.resize(layer.channels.low.size());
    layer.outlierValues = json_get<int64_t>(json, "outlier_values", kActivations);
    layer.outlierChannels = json_get<int64_t>(json, "outlier_channels", kActivations);
    for (const Json& channel : json_get<Json>(json, "largest_outlier_channels", kActivations)) {
      layer.largest.push_back({.channel = json_get<int64_t>(channel, "channel", kActivations),
                               .tokenFrac = json_get<double>(channel, "token_frac", kActivations),
                               .min = json_get<double>(channel, "min", kActivations),
                               .max = json_get<double>(channel, "max", kActivations)});
    }
    read.push_back(std::move(layer));
  }
  return read;
}

ActivityReport readActivity(const Json& answer) {
  ActivityReport report;
  report.layers = readActivityLayers(json_get<Json>(answer, "layers", kActivations));
  report.other = readActivityLayers(json_get_or<Json>(answer, "baseline_layers", Json::array(), kActivations));
  report.features = json_get<std::vector<qint64>>(answer, "outlier_features", kActivations);
  report.otherFeatures = json_get_or<std::vector<qint64>>(answer, "baseline_outlier_features", {}, kActivations);
  report.likeness = json_get<std::vector<std::vector<double>>>(answer, "cka", kActivations);
  report.otherLikeness = json_get_or<std::vector<std::vector<double>>>(answer, "baseline_cka", {}, kActivations);
  report.examples = json_get<int64_t>(answer, "examples", kActivations);
  report.tokens = json_get<int64_t>(answer, "tokens", kActivations);
  report.split = QString::fromStdString(json_get<std::string>(answer, "split", kActivations));
  return report;
}

}  // namespace espalier
