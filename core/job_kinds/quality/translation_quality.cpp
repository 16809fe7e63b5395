// Translation: BLEU of what the model writes.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "job_kinds/generation.h"
#include "job_kinds/quality/measure.h"
#include "measure/bleu.h"
#include "measure/significance.h"

namespace espalier {
namespace {

using Texts = std::vector<std::string>;

constexpr size_t kAtOnce = 16;  // sentences between two looks at the clock

class TranslationQuality : public QualityMeasure {
 public:
  TranslationQuality(const Task& task, const Model& model, const QualitySettings& settings, JobContext& context)
      : tokenizer_(load_tokenizer(model.tokenizer_files, display_name(model))) {
    split_ = settings.split;
    const Dataset dataset = load_examples(task, split_, settings.max_examples, warnings_, context.cancel);
    spec_ = generation_of(model, *tokenizer_, settings.lengths.max_target_length);
    if (settings.beams > 0) spec_.beams = settings.beams;
    if (settings.greedy) spec_.beams = 1;
    for (size_t i = 0; i < dataset.examples.size(); ++i) {
      const Example& example = dataset.examples[i];
      if (!example.has_pair) {
        throw Error(ErrorKind::InvalidInput, {.what = "a sentence has no translation to compare with",
                                              .where = task.name + " " + split_ + ", line " + std::to_string(i + 1),
                                              .got = {},
                                              .wanted = "files of both languages side by side",
                                              .next = {}});
      }
      references_.push_back({example.pair});
    }
    EncodedTranslationDataset encoded =
        encode_translation(dataset, *tokenizer_, *tokenizer_, settings.lengths.max_source_length, 0, context.cancel);
    for (EncodedTranslation& pair : encoded.examples) sources_.push_back(std::move(pair.source));
    if (encoded.truncated > 0) {
      warnings_.push_back(cut_warning(encoded.truncated, sources_.size(), split_, settings.lengths.max_source_length));
    }
  }

  Outputs run(const Runner& runner, JobContext& context) const override {
    Texts written(sources_.size());
    const auto begin = std::chrono::steady_clock::now();
    for (size_t at = 0; at < sources_.size(); at += kAtOnce) {
      std::vector<const Encoding*> part;
      for (size_t i = at; i < std::min(at + kAtOnce, sources_.size()); ++i) part.push_back(&sources_[i]);
      const auto sequences = runner.generate(part, spec_, context.cancel);
      for (size_t i = 0; i < sequences.size(); ++i) written[at + i] = text_of(sequences[i]);
      const auto done = static_cast<double>(at + part.size());
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      context.progress.report(done / static_cast<double>(sources_.size()), seconds > 0 ? done / seconds : 0,
                              "sentences");
    }
    return written;
  }

  void add_quality(Json& row, const Outputs& outputs) const override {
    const Bleu bleu = corpus_bleu(std::get<Texts>(outputs), references_);
    row["split"] = split_;
    row["quality_basis"] = conditions();
    row["metric"] = "bleu";
    row["examples"] = sources_.size();
    row["beams"] = spec_.beams;
    add_interval(row, "bleu", {bleu.score, bleu.interval.low, bleu.interval.high});
    row["bleu_signature"] = bleu.signature;
    row["brevity_penalty"] = bleu.brevity_penalty;
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    if (!wanted.quality) return;
    const auto statistic = [&](const Outputs& of) {
      const auto& texts = std::get<Texts>(of);
      std::vector<BleuCounts> counts;
      for (size_t i = 0; i < texts.size(); ++i) counts.push_back(bleu_counts(texts[i], references_[i]));
      return bleu_statistic(std::move(counts));
    };
    row["bleu_p"] = paired_bootstrap(sources_.size(), statistic(reference), statistic(outputs)).p;
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("bleu");
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("bleu_p");
  }

  void write_predictions(const std::filesystem::path& file, const Outputs& outputs) const override {
    write_file_atomically(file, [&](std::ostream& out) {
      for (const std::string& text : std::get<Texts>(outputs)) out << text << '\n';
    });
  }

  std::string conditions() const override {
    return fmt::format("{}, at most {} tokens; bootstrap over sentences",
                       spec_.beams == 1
                           ? "greedy search"
                           : fmt::format("beam search of {}, length penalty {:g}", spec_.beams, spec_.length_penalty),
                       spec_.max_length);
  }

 private:
  std::string text_of(const std::vector<TokenId>& sequence) const {
    std::vector<TokenId> words(sequence.begin() + 1, sequence.end());  // without the start token
    if (!words.empty() && std::ranges::find(spec_.eos, words.back()) != spec_.eos.end()) words.pop_back();
    std::string text = tokenizer_->decode(words);
    std::ranges::replace(text, '\n', ' ');
    return text;
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  GenerationSpec spec_;
  std::vector<Encoding> sources_;
  std::vector<std::vector<std::string>> references_;
};

}  // namespace

std::unique_ptr<QualityMeasure> open_translation_quality(const Task& task, const Model& model,
                                                         const QualitySettings& settings, JobContext& context) {
  return std::make_unique<TranslationQuality>(task, model, settings, context);
}

}  // namespace espalier
