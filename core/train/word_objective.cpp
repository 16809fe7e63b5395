#include <ATen/ATen.h>

#include "base/error.h"
#include "data/batching.h"
#include "measure/spans.h"
#include "train/fine_tune.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

std::vector<int64_t> lengths_of(const EncodedWordDataset& data) {
  std::vector<int64_t> lengths;
  for (const EncodedWords& example : data.examples) lengths.push_back(std::ssize(example.encoding.ids));
  return lengths;
}

class WordObjective : public Objective {
 public:
  WordObjective(EncodedWordDataset train, EncodedWordDataset dev, std::vector<std::string> labels)
      : train_(std::move(train)), dev_(std::move(dev)), labels_(std::move(labels)) {
    require_training_examples(train_.examples.size());
    for (size_t i = 0; i < train_.examples.size(); ++i) {
      const std::vector<int32_t>& tags = train_.examples[i].labels;
      if (std::ranges::any_of(tags, [](int32_t tag) { return tag != kNoTarget; })) continue;
      throw Error(ErrorKind::InvalidInput, {.what = "a training sentence has no tags",
                                            .where = "sentence " + std::to_string(i + 1),
                                            .got = {},
                                            .wanted = "a tag on every word",
                                            .next = "Choose the column of the tags: --label-column."});
    }
  }

  Model with_head(const Model& model, uint64_t seed) const override {
    Task task;
    task.kind = TaskKind::TokenClassification;
    task.labels = labels_;
    return with_task_head(model, task, seed);
  }

  std::vector<int64_t> lengths() const override { return lengths_of(train_); }

  TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng /*rng*/) const override {
    TrainingBatch batch;
    batch.inputs = gather(train_, examples, frame);
    std::vector<const std::vector<int32_t>*> targets;
    for (const int32_t i : examples) {
      const EncodedWords& example = train_.examples[static_cast<size_t>(i)];
      targets.push_back(&example.labels);
      batch.tokens += std::ssize(example.encoding.ids);
    }
    set_token_targets(batch, targets, batch.inputs.input_ids.size(1), frame);
    return batch;
  }

  DevMetric dev_metric() const override { return {are_bio_tags(labels_) ? "span F1" : "tag accuracy", true}; }
  bool has_dev() const override { return !dev_.examples.empty(); }

  double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const override {
    SpanCounts spans;
    int64_t words = 0, hits = 0;
    for (const std::vector<int32_t>& examples : plan_by_length(lengths_of(dev_), kEvaluationBatch)) {
      const at::Tensor best = logits_of(gather(dev_, examples, frame)).argmax(-1).contiguous();
      for (size_t b = 0; b < examples.size(); ++b) {
        // Only the first tokens of words have labels, so these are the words in order.
        const EncodedWords& example = dev_.examples[static_cast<size_t>(examples[b])];
        const int64_t* row = best.data_ptr<int64_t>() + static_cast<int64_t>(b) * best.size(1);
        std::vector<int32_t> gold, predicted;
        for (size_t i = 0; i < example.labels.size(); ++i) {
          if (example.labels[i] == kNoTarget) continue;
          gold.push_back(example.labels[i]);
          predicted.push_back(static_cast<int32_t>(row[i]));
          hits += gold.back() == predicted.back() ? 1 : 0;
        }
        words += std::ssize(gold);
        spans += span_counts(gold, predicted, labels_);
      }
    }
    if (are_bio_tags(labels_)) return spans.f1();
    return words == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(words);
  }

  void add_to(Fingerprint& fingerprint) const override {
    for (const EncodedWordDataset* data : {&train_, &dev_}) {
      fingerprint.add(data->examples.size());
      for (const EncodedWords& example : data->examples) {
        fingerprint.add(example.encoding);
        fingerprint.add(std::as_bytes(std::span(example.labels)));
      }
    }
  }

 private:
  static NetworkBatch gather(const EncodedWordDataset& dataset, const std::vector<int32_t>& examples,
                             const BatchFrame& frame) {
    std::vector<const Encoding*> encodings;
    for (const int32_t i : examples) encodings.push_back(&dataset.examples[static_cast<size_t>(i)].encoding);
    return make_network_batch(encodings, frame.pad_id, frame.device);
  }

  EncodedWordDataset train_, dev_;
  std::vector<std::string> labels_;
};

}  // namespace

std::shared_ptr<const Objective> make_word_objective(EncodedWordDataset train, EncodedWordDataset dev,
                                                     std::vector<std::string> labels) {
  return std::make_shared<WordObjective>(std::move(train), std::move(dev), std::move(labels));
}

}  // namespace espalier
