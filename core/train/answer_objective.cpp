#include <ATen/ATen.h>

#include "base/error.h"
#include "data/batching.h"
#include "measure/answers.h"
#include "train/fine_tune.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

constexpr double kPaddingLogit = -1e9;  // no answer begins or ends in padding

std::vector<int64_t> lengths_of(const QuestionSet& set) {
  std::vector<int64_t> lengths;
  for (const QaWindow& window : set.windows) lengths.push_back(std::ssize(window.encoding.ids));
  return lengths;
}

class AnswerObjective : public Objective {
 public:
  AnswerObjective(QuestionSet train, QuestionSet dev) : train_(std::move(train)), dev_(std::move(dev)) {
    require_training_examples(train_.windows.size());
    for (size_t i = 0; i < train_.dataset.examples.size(); ++i) {
      const Example& example = train_.dataset.examples[i];
      if (example.impossible || !example.answers.empty()) continue;
      throw Error(ErrorKind::InvalidInput, {.what = "a training question has no answer",
                                            .where = "question " + std::to_string(i + 1) + " " + example.id,
                                            .got = {},
                                            .wanted = "answers, or the mark is_impossible",
                                            .next = "Choose a split with answers."});
    }
  }

  Model with_head(const Model& model, uint64_t seed) const override {
    Task task;
    task.kind = TaskKind::QuestionAnswering;
    return with_task_head(model, task, seed);
  }

  std::vector<int64_t> lengths() const override { return lengths_of(train_); }

  // Rows: the starts of all windows, then their ends; a class a token.
  TrainingBatch batch(const std::vector<int32_t>& examples, const BatchFrame& frame, Rng /*rng*/) const override {
    TrainingBatch batch;
    batch.inputs = gather(train_, examples, frame);
    std::vector<int64_t> starts, ends;
    for (const int32_t i : examples) {
      const QaWindow& window = train_.windows[static_cast<size_t>(i)];
      starts.push_back(window.start);
      ends.push_back(window.end);
      batch.tokens += std::ssize(window.encoding.ids);
    }
    starts.insert(starts.end(), ends.begin(), ends.end());
    batch.targets.labels = at::tensor(starts, at::kLong).to(at::Device(frame.device));
    return batch;
  }

  at::Tensor rows(const at::Tensor& logits, const TrainingBatch& batch) const override {
    const at::Tensor padding = batch.inputs.attention_mask.eq(0).unsqueeze(0);               // (1, B, S)
    const at::Tensor sides = logits.permute({2, 0, 1}).masked_fill(padding, kPaddingLogit);  // (2, B, S)
    return sides.reshape({-1, sides.size(2)});
  }

  DevMetric dev_metric() const override { return {"F1", true}; }
  bool has_dev() const override { return !dev_.windows.empty(); }

  double measure_dev(const LogitsOf& logits_of, const BatchFrame& frame) const override {
    std::vector<QaLogits> scores(dev_.windows.size());
    for (const std::vector<int32_t>& examples : plan_by_length(lengths_of(dev_), kEvaluationBatch)) {
      const at::Tensor sides = logits_of(gather(dev_, examples, frame)).permute({2, 0, 1}).contiguous();
      for (size_t b = 0; b < examples.size(); ++b) {
        const auto window = static_cast<size_t>(examples[b]);
        const auto tokens = static_cast<int64_t>(dev_.windows[window].encoding.size());
        const auto row = [&](int64_t side) {
          const float* begin =
              sides.data_ptr<float>() + (side * sides.size(1) + static_cast<int64_t>(b)) * sides.size(2);
          return std::vector<float>(begin, begin + tokens);
        };
        scores[window] = {row(0), row(1)};
      }
    }
    QaAnswerOptions options;
    for (const Example& example : dev_.dataset.examples) options.may_be_impossible |= example.impossible;
    const auto predictions = qa_predictions(dev_.dataset, dev_.windows, scores, options);
    double sum = 0;
    for (size_t i = 0; i < predictions.size(); ++i) {
      std::vector<std::string> gold;
      for (const Answer& answer : dev_.dataset.examples[i].answers) gold.push_back(answer.text);
      sum += best_score(predictions[i].answer, gold).f1;
    }
    return sum / static_cast<double>(predictions.size());
  }

  void add_to(Fingerprint& fingerprint) const override {
    for (const QuestionSet* set : {&train_, &dev_}) {
      fingerprint.add(set->windows.size());
      for (const QaWindow& window : set->windows) {
        fingerprint.add(window.encoding);
        fingerprint.add(static_cast<uint64_t>(window.start));
        fingerprint.add(static_cast<uint64_t>(window.end));
      }
    }
  }

 private:
  static NetworkBatch gather(const QuestionSet& set, const std::vector<int32_t>& examples, const BatchFrame& frame) {
    std::vector<const Encoding*> encodings;
    for (const int32_t i : examples) encodings.push_back(&set.windows[static_cast<size_t>(i)].encoding);
    return make_network_batch(encodings, frame.pad_id, frame.device);
  }

  QuestionSet train_, dev_;
};

}  // namespace

std::shared_ptr<const Objective> make_answer_objective(QuestionSet train, QuestionSet dev) {
  return std::make_shared<AnswerObjective>(std::move(train), std::move(dev));
}

}  // namespace espalier
