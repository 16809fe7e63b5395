#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "data/batching.h"
#include "train/fine_tune.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

class TextObjective : public Objective {
 public:
  TextObjective(const EncodedDataset& train, const EncodedDataset& dev, bool labels_needed) : train_(train), dev_(dev) {
    require_training_examples(train.examples.size());
    int64_t unlabelled = 0;
    for (const EncodedDataset* data : {&train, &dev}) {
      for (const EncodedExample& example : data->examples) {
        num_labels_ = std::max(num_labels_, example.label + 1);
        if (data == &train && example.label < 0) ++unlabelled;
      }
    }
    regression_ = num_labels_ == 0;
    if (regression_ || unlabelled == 0 || !labels_needed) return;
    throw Error(ErrorKind::InvalidInput,
                {.what = "some training examples have no label",
                 .where = "",
                 .got = std::to_string(unlabelled) + " of " + std::to_string(train.examples.size()),
                 .wanted = "a label on each",
                 .next = "remove them, or learn from a teacher alone (distill_alpha 1)"});
  }

  Model with_head(const Model& model, uint64_t seed) const override {
    const HeadSpec& head = model.architecture.head;
    const bool fits = regression_ ? head.kind == HeadKind::Regression && head.num_labels == 1
                                  : head.kind == HeadKind::Classification && head.num_labels >= num_labels_;
    if (fits) return model;
    Task task;
    task.kind = regression_ ? TaskKind::Regression : TaskKind::Classification;
    for (int32_t label = 0; label < std::max(2, num_labels_); ++label) task.labels.push_back(std::to_string(label));
    return with_task_head(model, task, seed);
  }

  std::vector<int64_t> lengths() const override { return lengths_of(train_); }

  TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng /*rng*/) const override {
    TrainingBatch batch;
    batch.inputs = gather(train_, examples, frame);
    batch.targets.regression = regression_;
    const auto count = static_cast<int64_t>(examples.size());
    at::Tensor labels = at::empty({count}, at::kLong);
    at::Tensor scores = at::empty({count}, at::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      const EncodedExample& example = train_.examples[static_cast<size_t>(examples[static_cast<size_t>(i)])];
      labels.data_ptr<int64_t>()[i] = example.label;
      scores.data_ptr<float>()[i] = static_cast<float>(example.score);
      batch.tokens += static_cast<int64_t>(example.encoding.size());
    }
    const at::Device device(frame.device);
    batch.targets.labels = labels.to(device);
    batch.targets.scores = scores.to(device);
    return batch;
  }

  at::Tensor rows(const at::Tensor& logits, const TrainingBatch& /*batch*/) const override { return logits; }
  bool one_row_each() const override { return true; }

  DevMetric dev_metric() const override { return {regression_ ? "R^2" : "accuracy", true}; }
  bool has_dev() const override { return !dev_.examples.empty(); }

  double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const override {
    double hits = 0;
    double squared_error = 0;
    double sum = 0;
    double sum_of_squares = 0;
    for (const std::vector<int32_t>& examples : plan_by_length(dev_, kEvaluationBatch)) {
      const at::Tensor logits = logits_of(gather(dev_, examples, frame));
      const at::Tensor predicted = regression_ ? logits.squeeze(-1).contiguous() : logits.argmax(-1);
      for (size_t i = 0; i < examples.size(); ++i) {
        const EncodedExample& example = dev_.examples[static_cast<size_t>(examples[i])];
        if (regression_) {
          const double error = predicted.data_ptr<float>()[i] - example.score;
          squared_error += error * error;
          sum += example.score;
          sum_of_squares += example.score * example.score;
        } else {
          hits += predicted.data_ptr<int64_t>()[i] == example.label ? 1 : 0;
        }
      }
    }
    const auto count = static_cast<double>(dev_.examples.size());
    if (!regression_) return hits / count;
    const double variance = sum_of_squares - sum * sum / count;
    return variance > 0 ? 1 - squared_error / variance : -squared_error;
  }

  void add_to(Fingerprint& fingerprint) const override {
    for (const EncodedDataset* data : {&train_, &dev_}) {
      fingerprint.add(data->examples.size());
      for (const EncodedExample& example : data->examples) {
        fingerprint.add(example.encoding);
        fingerprint.add(static_cast<uint64_t>(example.label));
        fingerprint.add(std::as_bytes(std::span(&example.score, 1)));
      }
    }
  }

 private:
  static NetworkBatch gather(const EncodedDataset& dataset, const std::vector<int32_t>& examples,
                             const BatchFrame& frame) {
    std::vector<const Encoding*> encodings;
    encodings.reserve(examples.size());
    for (const int32_t i : examples) encodings.push_back(&dataset.examples[static_cast<size_t>(i)].encoding);
    return make_network_batch(encodings, frame.pad_id, frame.device);
  }

  const EncodedDataset& train_;
  const EncodedDataset& dev_;
  bool regression_ = false;
  int32_t num_labels_ = 0;
};

}  // namespace

std::shared_ptr<const Objective> make_text_objective(const EncodedDataset& train, const EncodedDataset& dev,
                                                     bool labels_needed) {
  return std::make_shared<TextObjective>(train, dev, labels_needed);
}

}  // namespace espalier
