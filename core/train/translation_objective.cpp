#include <ATen/ATen.h>

#include <cmath>

#include "base/error.h"
#include "data/batching.h"
#include "train/fine_tune.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

// What the decoder reads: the start token and the target but its last token.
Encoding shifted(const Encoding& target, TokenId start) {
  Encoding read;
  read.ids = {start};
  read.ids.insert(read.ids.end(), target.ids.begin(), target.ids.end() - 1);
  read.type_ids.assign(read.ids.size(), 0);
  return read;
}

std::vector<int64_t> lengths_of(const EncodedTranslationDataset& data) {
  std::vector<int64_t> lengths;
  for (const EncodedTranslation& pair : data.examples) {
    lengths.push_back(std::ssize(pair.source.ids) + std::ssize(pair.target.ids));
  }
  return lengths;
}

class TranslationObjective : public Objective {
 public:
  TranslationObjective(EncodedTranslationDataset train, EncodedTranslationDataset dev)
      : train_(std::move(train)), dev_(std::move(dev)) {
    require_training_examples(train_.examples.size());
    for (const EncodedTranslationDataset* data : {&train_, &dev_}) {
      for (size_t i = 0; i < data->examples.size(); ++i) {
        if (data->examples[i].source.size() > 0 && data->examples[i].target.size() > 0) continue;
        throw Error(ErrorKind::InvalidInput, {.what = "a pair lacks its source or its target",
                                              .where = "pair " + std::to_string(i + 1),
                                              .got = "no token",
                                              .wanted = "text on both sides",
                                              .next = "Remove the pair."});
      }
    }
  }

  Model with_head(const Model& model, uint64_t seed) const override {
    Task task;
    task.kind = TaskKind::Translation;
    return with_task_head(model, task, seed);
  }

  std::vector<int64_t> lengths() const override { return lengths_of(train_); }

  TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng /*rng*/) const override {
    return batch_of(train_, examples, frame);
  }

  DevMetric dev_metric() const override { return {"perplexity of the target", false}; }
  bool has_dev() const override { return !dev_.examples.empty(); }

  double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const override {
    TargetLikelihood sum;
    for (const std::vector<int32_t>& examples : plan_by_length(lengths_of(dev_), kEvaluationBatch)) {
      TrainingBatch batch = batch_of(dev_, examples, frame);
      batch.places = batch.places.to(at::kCPU);
      const TargetLikelihood part = likelihood_of(rows(logits_of(batch.inputs), batch), batch.targets.labels);
      sum.nll_sum += part.nll_sum;
      sum.targets += part.targets;
    }
    return std::exp(sum.nll_sum / static_cast<double>(sum.targets));
  }

  void add_to(Fingerprint& fingerprint) const override {
    for (const EncodedTranslationDataset* data : {&train_, &dev_}) {
      fingerprint.add(data->examples.size());
      for (const EncodedTranslation& pair : data->examples) {
        fingerprint.add(pair.source);
        fingerprint.add(pair.target);
      }
    }
  }

 private:
  static TrainingBatch batch_of(const EncodedTranslationDataset& data, const std::vector<int32_t>& examples,
                                const BatchFrame& frame) {
    std::vector<const Encoding*> sources, read;
    std::vector<Encoding> inputs;
    std::vector<const std::vector<int32_t>*> targets;
    TrainingBatch batch;
    for (const int32_t i : examples) {
      const EncodedTranslation& pair = data.examples[static_cast<size_t>(i)];
      sources.push_back(&pair.source);
      inputs.push_back(shifted(pair.target, frame.decoder_start));
      targets.push_back(&pair.target.ids);
      batch.tokens += std::ssize(pair.source.ids) + std::ssize(pair.target.ids);
    }
    for (const Encoding& input : inputs) read.push_back(&input);
    batch.inputs = make_network_batch(sources, frame.pad_id, frame.device);
    const NetworkBatch decoder = make_network_batch(read, frame.decoder_pad_id, frame.device);
    batch.inputs.decoder_input_ids = decoder.input_ids;
    batch.inputs.decoder_attention_mask = decoder.attention_mask;
    set_token_targets(batch, targets, decoder.input_ids.size(1), frame);
    return batch;
  }

  EncodedTranslationDataset train_, dev_;
};

}  // namespace

std::shared_ptr<const Objective> make_translation_objective(EncodedTranslationDataset train,
                                                            EncodedTranslationDataset dev) {
  return std::make_shared<TranslationObjective>(std::move(train), std::move(dev));
}

}  // namespace espalier
