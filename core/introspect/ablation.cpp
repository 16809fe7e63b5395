// What is lost when gates close: one at a time (Michel 2019, section 3.2), or one after another in the order of a
// criterion (section 4).

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "introspect/gates.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

constexpr int64_t kCurvePoints = 24;

}  // namespace

LayerScores ablation_scores(const Model& model, const EncodedDataset& data, Prunable prunable,
                            const CriterionOptions& options, JobContext& context) {
  GatedModel gated(model, data, prunable, options.batch_size, options.device);
  const double whole = gated.run({}, context.cancel).loss;
  const std::vector<int64_t> counts = gate_counts(model.architecture, prunable);
  int64_t total = 0, done = 0;
  for (const int64_t count : counts) total += count;
  LayerScores scores(counts.size());
  for (size_t layer = 0; layer < counts.size(); ++layer) {
    for (int64_t i = 0; i < counts[layer]; ++i) {
      const PrunableItem item{static_cast<int32_t>(layer), static_cast<int32_t>(i)};
      scores[layer].push_back(gated.run({item}, context.cancel).loss - whole);
      context.progress.report(static_cast<double>(++done) / static_cast<double>(total));
    }
  }
  return scores;
}

RemovalCurve removal_curve(const Model& model, const EncodedDataset& data, Prunable prunable,
                           const std::vector<PrunableItem>& order, const CurveOptions& options, JobContext& context,
                           const std::function<void(const RemovalPoint&)>& on_point) {
  if (model.architecture.head.kind != HeadKind::Classification) {
    throw Error(ErrorKind::Unsupported,
                {.what = "the curve is one of accuracy",
                 .where = {},
                 .got = "a model with the head " + std::string(to_string(model.architecture.head.kind)),
                 .wanted = "a classification head",
                 .next = {}});
  }
  return with_torch_errors("removing in order", [&] {
    GatedModel gated(model, data, prunable, options.batch_size, options.device);
    const auto total = static_cast<int64_t>(order.size());
    const int64_t step =
        options.step > 0 ? options.step : std::max<int64_t>(1, (total + kCurvePoints - 1) / kCurvePoints);
    const auto point_without = [&](int64_t removed) {
      const RemovalPoint point{removed, gated.run({order.begin(), order.begin() + removed}, context.cancel).right};
      if (on_point) on_point(point);
      return point;
    };
    RemovalCurve curve;
    for (int64_t removed = 0;; removed = std::min(total, removed + step)) {
      curve.points.push_back(point_without(removed));
      context.progress.report(total == 0 ? 1 : static_cast<double>(removed) / static_cast<double>(total));
      if (removed == total) break;
    }
    const double least = static_cast<double>(curve.points.front().right) -
                         options.tolerance * static_cast<double>(gated.examples()) - 1e-9;
    const auto bad = [&](const RemovalPoint& point) { return static_cast<double>(point.right) < least; };
    const auto first_bad = std::ranges::find_if(curve.points, bad);
    curve.within = std::prev(first_bad)->removed;  // the point of nothing removed is good
    if (first_bad == curve.points.end()) return curve;
    std::vector<RemovalPoint> between;
    for (int64_t removed = curve.within + 1; removed < first_bad->removed; ++removed) {
      between.push_back(point_without(removed));
      if (bad(between.back())) break;
      curve.within = removed;
    }
    curve.points.insert(first_bad, between.begin(), between.end());
    return curve;
  });
}

}  // namespace espalier
