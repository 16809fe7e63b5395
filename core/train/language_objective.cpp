#include <ATen/ATen.h>

#include <cmath>

#include "data/batching.h"
#include "train/fine_tune.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

// Says which masking the dev set has; nothing else depends on it.
constexpr uint64_t kDevMasking = 1;

std::vector<int64_t> lengths_of(const std::vector<Encoding>& blocks) {
  std::vector<int64_t> lengths;
  for (const Encoding& block : blocks) lengths.push_back(std::ssize(block.ids));
  return lengths;
}

double perplexity_of(const TargetLikelihood& sum) {
  return sum.targets == 0 ? 0 : std::exp(sum.nll_sum / static_cast<double>(sum.targets));
}

// What both objectives on running text share: blocks, and a batch with a target a token.
class BlockObjective : public Objective {
 public:
  BlockObjective(std::vector<Encoding> train, std::vector<Encoding> dev)
      : train_(std::move(train)), dev_(std::move(dev)) {
    require_training_examples(train_.size());
  }

  Model with_head(const Model& model, uint64_t seed) const override {
    Task task;
    task.kind = TaskKind::LanguageModelling;
    return with_task_head(model, task, seed);
  }

  std::vector<int64_t> lengths() const override { return lengths_of(train_); }
  bool has_dev() const override { return !dev_.empty(); }

  double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const override {
    TargetLikelihood sum;
    Rng rng = Rng(kDevMasking);
    for (const std::vector<int32_t>& examples : plan_by_length(lengths_of(dev_), kEvaluationBatch)) {
      const TrainingBatch batch = batch_of(dev_, examples, frame, rng);
      const TargetLikelihood part = likelihood_of(rows(logits_of(batch.inputs), on_cpu(batch)), batch.targets.labels);
      sum.nll_sum += part.nll_sum;
      sum.targets += part.targets;
    }
    return perplexity_of(sum);
  }

  TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng rng) const override {
    return batch_of(train_, examples, frame, rng);
  }

  void add_to(Fingerprint& fingerprint) const override {
    for (const std::vector<Encoding>* blocks : {&train_, &dev_}) {
      fingerprint.add(blocks->size());
      for (const Encoding& block : *blocks) fingerprint.add(block);
    }
  }

 protected:
  // One sequence's input and targets.
  virtual MaskedEncoding example_of(const Encoding& block, Rng& rng) const = 0;

 private:
  static TrainingBatch on_cpu(const TrainingBatch& batch) {
    TrainingBatch moved = batch;
    moved.places = batch.places.to(at::kCPU);
    return moved;
  }

  TrainingBatch batch_of(const std::vector<Encoding>& blocks, const std::vector<int32_t>& examples,
                         const BatchFrame& frame, Rng& rng) const {
    std::vector<MaskedEncoding> made;
    for (const int32_t i : examples) made.push_back(example_of(blocks[static_cast<size_t>(i)], rng));
    std::vector<const Encoding*> encodings;
    std::vector<const std::vector<int32_t>*> targets;
    TrainingBatch batch;
    for (const MaskedEncoding& one : made) {
      encodings.push_back(&one.encoding);
      targets.push_back(&one.targets);
      batch.tokens += std::ssize(one.encoding.ids);
    }
    batch.inputs = make_network_batch(encodings, frame.pad_id, frame.device);
    set_token_targets(batch, targets, batch.inputs.input_ids.size(1), frame);
    return batch;
  }

  std::vector<Encoding> train_, dev_;
};

class LanguageObjective : public BlockObjective {
 public:
  using BlockObjective::BlockObjective;
  DevMetric dev_metric() const override { return {"perplexity", false}; }

 protected:
  MaskedEncoding example_of(const Encoding& block, Rng& /*rng*/) const override {
    MaskedEncoding example{block, {block.ids.begin() + 1, block.ids.end()}};
    example.targets.push_back(kNoTarget);
    return example;
  }
};

class MaskedObjective : public BlockObjective {
 public:
  MaskedObjective(std::vector<Encoding> train, std::vector<Encoding> dev, MaskingRule rule)
      : BlockObjective(std::move(train), std::move(dev)), rule_(std::move(rule)) {}
  DevMetric dev_metric() const override { return {"masked perplexity", false}; }
  void add_to(Fingerprint& fingerprint) const override {
    BlockObjective::add_to(fingerprint);
    fingerprint.add(std::to_string(rule_.share) + " " + std::to_string(rule_.mask_id));
    fingerprint.add(std::as_bytes(std::span(rule_.ordinary)));
  }

 protected:
  MaskedEncoding example_of(const Encoding& block, Rng& rng) const override { return mask_tokens(block, rule_, rng); }

 private:
  MaskingRule rule_;
};

}  // namespace

std::shared_ptr<const Objective> make_language_objective(std::vector<Encoding> train, std::vector<Encoding> dev) {
  return std::make_shared<LanguageObjective>(std::move(train), std::move(dev));
}

std::shared_ptr<const Objective> make_masked_objective(std::vector<Encoding> train, std::vector<Encoding> dev,
                                                       MaskingRule rule) {
  return std::make_shared<MaskedObjective>(std::move(train), std::move(dev), std::move(rule));
}

}  // namespace espalier
