#include "compress/retraining.h"

#include <algorithm>

#include "base/json.h"
#include "compress/hollow.h"
#include "measure/cost.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

// What a training step reaches on two cores, multiply-accumulates a second; only for the dry run's rough seconds.
constexpr double kTrainingMacsPerSecond = 35e9;
constexpr double kBackwardFactor = 3;  // forward, and twice as much backward
constexpr int64_t kTypicalLength = 128;
// Float32 values that a layer keeps for the backward pass, in multiples of hidden_size a token.
constexpr int64_t kActivationsPerHidden = 24;

double pass_seconds(const Model& model, double tokens) {
  const double macs_per_token = static_cast<double>(count_macs(model, kTypicalLength)) / kTypicalLength;
  return kBackwardFactor * macs_per_token * tokens / kTrainingMacsPerSecond;
}

double mean_length(const EncodedDataset& dataset) {
  // A sample is enough for a rough time, and the dry run is asked for at every keystroke.
  const size_t count = std::min<size_t>(dataset.examples.size(), 500);
  double tokens = 0;
  for (size_t i = 0; i < count; ++i) tokens += static_cast<double>(dataset.examples[i].encoding.size());
  return count == 0 ? 0 : tokens / static_cast<double>(count);
}

}  // namespace

bool wants_retraining(const Settings& settings) {
  const TrainOptions options = train_options_from(settings);
  return options.epochs > 0 || options.max_steps > 0;
}

Model retrain(const Model& model, const Settings& settings, const Resources& resources, uint64_t seed,
              JobContext& context, Json& report, const Teaching& teaching) {
  if (!wants_retraining(settings)) return model;
  TrainOptions options = train_options_from(settings);
  options.seed = seed;
  options.device = resources.device;
  options.checkpoint_folder = resources.checkpoint_folder;
  options.teacher = teaching.teacher;
  options.distill_alpha = teaching.alpha;
  options.distill_temperature = teaching.temperature;
  static const EncodedDataset kNoExamples;
  const EncodedDataset& dev = resources.dev == nullptr ? kNoExamples : *resources.dev;
  if (dev.examples.empty()) {
    options.evaluations_per_epoch = 0;
    options.keep_best = false;
  }
  TrainResult trained = fine_tune(model, *resources.train, dev, options, context);
  report["train"] = to_json(trained.report);
  return std::move(trained.model);
}

Model preview_retrained(const Model& model) {
  Model trained = model;
  for (const std::string& slot : model.weights.unique_slots()) {
    trained.weights.replace(slot, hollow_float32(model.weights.at(slot)));
  }
  return trained;
}

double retraining_seconds(const Model& model, const Settings& settings, const Resources* resources) {
  if (!wants_retraining(settings)) return 0;
  if (resources == nullptr || resources->train == nullptr) return -1;
  const TrainOptions options = train_options_from(settings);
  double examples = options.epochs * static_cast<double>(resources->train->examples.size());
  if (options.max_steps > 0) {
    const auto limit = static_cast<double>(options.max_steps * options.batch_size);
    examples = options.epochs > 0 ? std::min(examples, limit) : limit;
  }
  return pass_seconds(model, examples * mean_length(*resources->train));
}

int64_t retraining_bytes(const Model& model, const Settings& settings) {
  if (!wants_retraining(settings)) return 0;
  const TrainOptions options = train_options_from(settings);
  const Architecture& architecture = model.architecture;
  const int64_t per_token =
      kActivationsPerHidden * architecture.hidden_size * static_cast<int64_t>(architecture.layers.size());
  return 4 * (3 * num_parameters(model) + options.batch_size * kTypicalLength * per_token);
}

double gradient_seconds(const Model& model, int64_t examples, const Resources* resources) {
  if (resources == nullptr || resources->train == nullptr) return -1;
  const auto available = static_cast<int64_t>(resources->train->examples.size());
  return pass_seconds(model, static_cast<double>(std::min(examples, available)) * mean_length(*resources->train));
}

}  // namespace espalier
