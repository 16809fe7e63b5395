// Tags of words.

#include <algorithm>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "job_kinds/quality/measure.h"
#include "measure/logits.h"
#include "measure/significance.h"
#include "measure/spans.h"

namespace espalier {
namespace {

using Tags = std::vector<std::vector<int32_t>>;

class WordQuality : public QualityMeasure {
 public:
  WordQuality(const Task& task, const Model& model, const QualitySettings& settings, JobContext& context)
      : labels_(task.labels) {
    split_ = settings.split;
    dataset_ = load_examples(task, split_, settings.max_examples, warnings_, context.cancel);
    encoded_ = encode_words(dataset_, *load_tokenizer(model.tokenizer_files, display_name(model)),
                            settings.lengths.max_length, context.cancel);
    if (encoded_.truncated > 0) {
      warnings_.push_back(
          cut_warning(encoded_.truncated, dataset_.examples.size(), split_, settings.lengths.max_length) +
          " Words that were cut off count as wrong.");
    }
    const auto untagged = std::ranges::find_if(dataset_.examples, [](const Example& e) { return e.tags.empty(); });
    labelled_ = untagged == dataset_.examples.end();
    if (!labelled_ && settings.may_be_unlabelled) {
      warnings_.emplace_back("The split has no tags: predictions are written, no quality is measured.");
    } else if (!labelled_) {
      throw Error(
          ErrorKind::InvalidInput,
          {.what = "a sentence has no tags",
           .where = task.name + " " + split_ + ", sentence " + std::to_string(untagged - dataset_.examples.begin() + 1),
           .got = {},
           .wanted = "a tag on every word",
           .next = "Choose another split, or only write predictions: --predictions FILE."});
    }
  }

  Outputs run(const Runner& runner, JobContext& context) const override {
    std::vector<const Encoding*> sequences;
    for (const EncodedWords& example : encoded_.examples) sequences.push_back(&example.encoding);
    Tags tags(sequences.size());
    for_each_output(runner, sequences, context, kEvaluationTokens, [&](size_t index, const SequenceLogits& logits) {
      std::vector<int32_t> token_tags;
      for (int64_t t = 0; t < std::ssize(sequences[index]->ids); ++t) token_tags.push_back(argmax(logits.row(t)));
      tags[index] = word_tags(encoded_.examples[index], token_tags, dataset_.examples[index].words.size());
    });
    return tags;
  }

  void add_quality(Json& row, const Outputs& outputs) const override {
    const TaggingQuality quality = quality_of(outputs);
    row["split"] = split_;
    row["quality_basis"] = conditions();
    row["examples"] = quality.sentences;
    row["words"] = quality.words;
    add_interval(row, "accuracy", quality.accuracy);
    row["metric"] = spans() ? "span_f1" : "accuracy";
    if (!spans()) return;
    add_interval(row, "span_f1", quality.f1);
    add_interval(row, "span_precision", quality.precision);
    add_interval(row, "span_recall", quality.recall);
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    if (!wanted.quality) return;
    const TaggingQuality before = quality_of(reference), after = quality_of(outputs);
    const size_t count = dataset_.examples.size();
    row["accuracy_p"] = paired_bootstrap(count, tag_accuracy_statistic(before), tag_accuracy_statistic(after)).p;
    if (spans()) row["span_f1_p"] = paired_bootstrap(count, span_f1_statistic(before), span_f1_statistic(after)).p;
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("words");
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("accuracy_p");
  }

  void write_predictions(const std::filesystem::path& file, const Outputs& outputs) const override {
    require_ending(file, {".txt", ".conll", ".tsv"}, ".txt, .conll or .tsv: a word, a tab and its tag on every line");
    const Tags& tags = std::get<Tags>(outputs);
    write_file_atomically(file, [&](std::ostream& out) {
      for (size_t i = 0; i < tags.size(); ++i) {
        for (size_t w = 0; w < tags[i].size(); ++w) {
          // A word that was cut off has no prediction of its own.
          const int32_t tag = tags[i][w] >= 0 ? tags[i][w] : outside();
          out << dataset_.examples[i].words[w] << '\t' << labels_.at(static_cast<size_t>(tag)) << '\n';
        }
        out << '\n';
      }
    });
  }

  bool labelled() const override { return labelled_; }
  std::string conditions() const override {
    return std::string("words; the tag at the first token of a word") + (spans() ? "; spans as conlleval counts" : "") +
           "; bootstrap over sentences";
  }

 private:
  bool spans() const { return are_bio_tags(labels_); }
  int32_t outside() const {
    const auto found = std::ranges::find(labels_, "O");
    return found == labels_.end() ? 0 : static_cast<int32_t>(found - labels_.begin());
  }

  TaggingQuality quality_of(const Outputs& outputs) const {
    Tags gold;
    for (const Example& example : dataset_.examples) gold.push_back(example.tags);
    return tagging_quality(gold, std::get<Tags>(outputs), labels_);
  }

  std::vector<std::string> labels_;
  Dataset dataset_;
  EncodedWordDataset encoded_;
  bool labelled_ = true;
};

}  // namespace

std::unique_ptr<QualityMeasure> open_word_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                                  JobContext& context) {
  return std::make_unique<WordQuality>(task, model, settings, context);
}

}  // namespace espalier
