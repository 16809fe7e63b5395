// Answers as spans of a context: SQuAD.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "job_kinds/quality/measure.h"
#include "measure/answers.h"
#include "measure/significance.h"

namespace espalier {
namespace {

using Predictions = std::vector<QaPrediction>;

class AnswerQuality : public QualityMeasure {
 public:
  AnswerQuality(const Task& task, const Model& model, const QualitySettings& settings, JobContext& context)
      : benchmark_(task.benchmark), windowing_(settings.lengths.windows) {
    split_ = settings.split;
    dataset_ = load_examples(task, split_, settings.max_examples, warnings_, context.cancel);
    windows_ = make_qa_windows(dataset_, *load_tokenizer(model.tokenizer_files, display_name(model)), windowing_,
                               context.cancel);
    for (const Example& example : dataset_.examples) options_.may_be_impossible |= example.impossible;
    options_.null_threshold = settings.null_threshold;
    options_.max_answer_tokens = settings.max_answer;
    name_questions();
    check_answers(task, settings.may_be_unlabelled);
  }

  Outputs run(const Runner& runner, JobContext& context) const override {
    std::vector<const Encoding*> sequences;
    for (const QaWindow& window : windows_) sequences.push_back(&window.encoding);
    std::vector<QaLogits> scores(windows_.size());
    for_each_output(runner, sequences, context, kEvaluationTokens, [&](size_t index, const SequenceLogits& logits) {
      for (int64_t t = 0; t < std::ssize(sequences[index]->ids); ++t) {
        scores[index].start.push_back(logits.row(t)[0]);
        scores[index].end.push_back(logits.row(t)[1]);
      }
    });
    return qa_predictions(dataset_, windows_, scores, options_);
  }

  void add_quality(Json& row, const Outputs& outputs) const override {
    const SquadQuality quality = quality_of(outputs, false);
    row["split"] = split_;
    row["quality_basis"] = conditions();
    row["metric"] = "f1";
    row["examples"] = dataset_.examples.size();
    row["windows"] = windows_.size();
    add_interval(row, "exact", quality.exact);
    add_interval(row, "f1", quality.f1);
    if (quality.no_answer_count == 0) return;
    row["has_answer_exact"] = quality.has_answer_exact;
    row["has_answer_f1"] = quality.has_answer_f1;
    row["no_answer_exact"] = quality.no_answer_exact;
    // What the best threshold would give: the spans alone, abstention left to the sweep.
    const SquadQuality spans = quality_of(outputs, true);
    row["best_exact"] = spans.best_exact;
    row["best_exact_threshold"] = spans.best_exact_threshold;
    row["best_f1"] = spans.best_f1;
    row["best_f1_threshold"] = spans.best_f1_threshold;
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    if (!wanted.quality) return;
    const SquadQuality before = quality_of(reference, false), after = quality_of(outputs, false);
    const auto right = [](const SquadQuality& quality) {
      std::vector<bool> all;
      for (const double score : quality.exact_scores) all.push_back(score > 0);
      return all;
    };
    row["exact_p"] = mcnemar_p(right(before), right(after));
    row["token_f1_p"] = randomization_p(before.f1_scores, after.f1_scores);
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("exact");
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("token_f1_p");
  }

  void write_predictions(const std::filesystem::path& file, const Outputs& outputs) const override {
    require_ending(file, {".json"}, ".json: an object of question ids and answers, as SQuAD takes it");
    const auto& predictions = std::get<Predictions>(outputs);
    Json answers = Json::object();
    for (size_t i = 0; i < predictions.size(); ++i) answers[ids_[i]] = predictions[i].answer;
    write_file_atomically(file, answers.dump(1) + "\n");
  }

  bool labelled() const override { return labelled_; }

  std::string conditions() const override {
    std::string text =
        fmt::format("{} rules; windows of {} tokens, stride {}, question of at most {}, answer of at most {}",
                    benchmark_.empty() ? "SQuAD" : benchmark_, windowing_.max_length, windowing_.stride,
                    windowing_.max_query, options_.max_answer_tokens);
    if (options_.may_be_impossible) {
      text +=
          fmt::format("; no answer above a score difference of {:g} (given, not chosen on these questions; best_f1 is)",
                      options_.null_threshold);
    }
    return text + "; exact match: Wilson, F1: bootstrap over questions";
  }

 private:
  // Questions without an id of their own, or with one that another has, are named by their number.
  void name_questions() {
    std::set<std::string> seen;
    for (size_t i = 0; i < dataset_.examples.size(); ++i) {
      std::string id = dataset_.examples[i].id;
      if (id.empty() || seen.contains(id)) {
        if (!id.empty()) id += '#';
        id += std::to_string(i);
      }
      seen.insert(id);
      ids_.push_back(std::move(id));
    }
  }

  void check_answers(const Task& task, bool may_be_unlabelled) {
    const auto open = std::ranges::find_if(
        dataset_.examples, [](const Example& example) { return example.answers.empty() && !example.impossible; });
    labelled_ = open == dataset_.examples.end();
    if (labelled_) return;
    if (may_be_unlabelled) {
      warnings_.emplace_back(
          "The split has questions without answers: predictions are written, no quality is measured.");
      return;
    }
    const auto number = static_cast<size_t>(open - dataset_.examples.begin());
    throw Error(ErrorKind::InvalidInput,
                {.what = "a question has no gold answer",
                 .where = task.name + " " + split_ + ", question " + ids_[number],
                 .got = {},
                 .wanted = "\"answers\" with text and answer_start, or \"is_impossible\": true",
                 .next = "Choose a split with answers, or only write predictions: --predictions FILE.json."});
  }

  SquadQuality quality_of(const Outputs& outputs, bool spans_only) const {
    const auto& predictions = std::get<Predictions>(outputs);
    std::vector<QuestionGold> gold;
    std::map<std::string, QuestionPrediction> said;
    for (size_t i = 0; i < predictions.size(); ++i) {
      QuestionGold question{ids_[i], {}};
      for (const Answer& answer : dataset_.examples[i].answers) question.answers.push_back(answer.text);
      gold.push_back(std::move(question));
      const bool has_span = spans_only && !predictions[i].candidates.empty();
      said[ids_[i]] = {has_span ? predictions[i].candidates.front().text : predictions[i].answer,
                       predictions[i].null_score};
    }
    return squad_quality(gold, said);
  }

  std::string benchmark_;
  QaWindowOptions windowing_;
  QaAnswerOptions options_;
  Dataset dataset_;
  std::vector<QaWindow> windows_;
  std::vector<std::string> ids_;
  bool labelled_ = true;
};

}  // namespace

std::unique_ptr<QualityMeasure> open_answer_quality(const Task& task, const Model& model,
                                                    const QualitySettings& settings, JobContext& context) {
  return std::make_unique<AnswerQuality>(task, model, settings, context);
}

}  // namespace espalier
