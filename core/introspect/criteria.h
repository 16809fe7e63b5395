#pragma once
// What a model could do without: attention heads, feed-forward units or whole layers, ranked by several criteria, and
// how accuracy falls as they go in the order of one. Nothing is removed: gates close.

#include <functional>
#include <string_view>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "model/model.h"

namespace espalier {

enum class Prunable { Heads, Units, Layers };
std::string_view to_string(Prunable prunable);  // "heads", "units", "layers"
// The inverse; InvalidInput listing the names.
Prunable prunable_from(std::string_view name);

// In all of them a larger score says: keep it.
enum class Criterion {
  Michel,      // mean |dL/dgate| of an example, l2 norm of a layer's scores 1 (Michel 2019, arXiv 1905.10650, eq. 2)
  Taylor,      // mean (dL/dgate)^2: squared first-order change of an example's loss (Molchanov 2019, arXiv 1906.10771)
  Ablation,    // what the mean loss rises by when this gate alone is closed (Michel 2019, section 3.2), nats
  Voita,       // log alpha of a hard-concrete gate learnt under an L0 penalty, weights fixed (Voita 2019, arXiv
               // 1905.09418; they train the weights on)
  Confidence,  // heads: mean over tokens of the largest attention to a token, special tokens left out (Voita 2019)
  Entropy,     // heads: minus the mean entropy of a token's attention, nats: sharp heads first
  Influence,   // layers: 1 - mean cosine of a token before and behind the layer (Men 2024, arXiv 2403.03853)
  Activation,  // units: root mean square activation x l2 norm of what reads it (as Wanda: Sun 2023, arXiv 2306.11695)
  Magnitude,   // units: l2 norm of the weights into it x l2 norm of those out of it; needs no data
  Random,      // uniform: what every criterion has to beat
};
std::string_view to_string(Criterion criterion);  // "michel", "taylor", ...
// The inverse among those that `prunable` has; InvalidInput listing them.
Criterion criterion_from(std::string_view name, Prunable prunable);
// All that are defined for `prunable`, in the order of tables.
std::vector<Criterion> criteria_of(Prunable prunable);
// The same without what costs a pass over the data for every unit.
std::vector<Criterion> default_criteria(Prunable prunable);

using LayerScores = std::vector<std::vector<double>>;  // [layer][head or unit, or one for the layer]

struct CriterionOptions {
  int64_t batch_size = 32;
  std::string device = "cpu";
  uint64_t seed = 1;              // of Random and of Voita's gates
  bool michel_per_token = false;  // |.| of each token as in the paper's release (introspect.h); heads and units
  // Voita: steps of Adam, batches in turn; the penalty on the expected share of open gates (the paper's lambda times
  // the number of gates).
  int64_t gate_steps = 100;
  double gate_penalty = 1;
  double gate_learning_rate = 0.1;
};

struct CriterionScores {
  Criterion criterion = Criterion::Michel;
  LayerScores scores;
  double seconds = 0;
};

// The encoder's, or the only stack's, by one criterion. Throws Unsupported without a classification or regression head,
// InvalidInput without examples or for a label that the model does not know.
CriterionScores score_items(const Model& model, const EncodedDataset& data, Prunable prunable, Criterion criterion,
                            const CriterionOptions& options, JobContext& context);

// --- Removing in order ----------------------------------------------------------------------------------------------

struct PrunableItem {
  int32_t layer = 0, index = 0;
  bool operator==(const PrunableItem&) const = default;
};
// Least important first; ties in the order of the model.
std::vector<PrunableItem> removal_order(const LayerScores& scores);

struct RemovalPoint {
  int64_t removed = 0;
  int64_t right = 0;  // examples whose label the model with so many gates closed predicts
};
struct RemovalCurve {
  std::vector<RemovalPoint> points;  // by number removed, from 0 to all
  // The most that can go such that accuracy at every count measured up to it is at most `tolerance` below that of the
  // whole model.
  int64_t within = 0;
};

struct CurveOptions {
  int64_t step = 0;  // items between points; 0: a 24th of all. Between the last good point and the first bad one
                     // every count is tried until one is bad.
  double tolerance = 0.01;
  int64_t batch_size = 32;
  std::string device = "cpu";
};
// Accuracy on `data` with the gates of the first 0, step, 2 step, ... items of `order` closed. Classification only.
// `on_point` hears of every point as it is measured: those of the steps, then those between the last good and the first
// bad one.
RemovalCurve removal_curve(const Model& model, const EncodedDataset& data, Prunable prunable,
                           const std::vector<PrunableItem>& order, const CurveOptions& options, JobContext& context,
                           const std::function<void(const RemovalPoint&)>& on_point = {});

}  // namespace espalier
