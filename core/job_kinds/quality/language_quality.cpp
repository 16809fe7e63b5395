// Running text: perplexity of a language model, and of masked tokens.

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "data/masking.h"
#include "job_kinds/quality/measure.h"
#include "measure/significance.h"

namespace espalier {
namespace {

using Likelihoods = std::vector<TextLikelihood>;

constexpr double kMaskedShare = 0.15;
constexpr uint64_t kMaskingSeed = 1;

// -log p of a token, nats.
double nll_of(std::span<const float> row, int32_t token) {
  float most = row[0];
  for (const float value : row) most = std::max(most, value);
  double sum = 0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - most);
  return most + std::log(sum) - row[static_cast<size_t>(token)];
}

class LanguageQuality : public QualityMeasure {
 public:
  LanguageQuality(const Task& task, const Model& model, const QualitySettings& settings, JobContext& context)
      : lengths_(settings.lengths), masked_(model.architecture.head.kind == HeadKind::MaskedLm) {
    split_ = settings.split;
    const Dataset dataset = load_examples(task, split_, settings.max_examples, warnings_, context.cancel);
    const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
    stream_ = token_stream(dataset, *tokenizer, context.cancel);
    lines_ = std::ssize(dataset.examples);
    blocks_ = text_blocks(stream_, model, *tokenizer, lengths_.block_length, lengths_.block_stride);
    if (blocks_.empty()) {
      throw Error(ErrorKind::InvalidInput, {.what = "the text is too short to be predicted",
                                            .where = task.name + " " + split_,
                                            .got = std::to_string(stream_.ids.size()) + " tokens",
                                            .wanted = "at least 2",
                                            .next = {}});
    }
    if (masked_) mask(masking_rule(*tokenizer, kMaskedShare));
  }

  Outputs run(const Runner& runner, JobContext& context) const override {
    std::vector<const Encoding*> sequences;
    for (const Encoding& block : blocks_) sequences.push_back(&block);
    Likelihoods found(blocks_.size());
    for_each_output(runner, sequences, context, kEvaluationTokens, [&](size_t index, const SequenceLogits& logits) {
      TextLikelihood& text = found[index];
      const auto add = [&](int64_t row, int32_t token) {
        text.nll_sum += nll_of(logits.row(row), token);
        ++text.tokens;
      };
      const std::vector<TokenId>& ids = blocks_[index].ids;
      if (masked_) {
        for (size_t t = 0; t < ids.size(); ++t) {
          if (targets_[index][t] >= 0) add(static_cast<int64_t>(t), targets_[index][t]);
        }
        return;
      }
      // Tokens that the block before has shown are context only.
      const int64_t first = index == 0 ? 1 : std::max<int64_t>(1, lengths_.block_length - lengths_.block_stride);
      for (int64_t t = first; t < std::ssize(ids); ++t) add(t - 1, ids[static_cast<size_t>(t)]);
    });
    return found;
  }

  void add_quality(Json& row, const Outputs& outputs) const override {
    const LanguageModelQuality quality = language_model_quality(std::get<Likelihoods>(outputs));
    row["split"] = split_;
    row["quality_basis"] = conditions();
    row["metric"] = "token_log_likelihood";
    row["examples"] = lines_;
    row["tokens"] = quality.tokens;
    const Interval& nll = quality.nll_per_token;
    add_interval(row, "token_log_likelihood", {-nll.value, -nll.high, -nll.low});
    add_interval(row, masked_ ? "masked_perplexity" : "perplexity", quality.perplexity);
    if (masked_ || lengths_.block_stride == lengths_.block_length) return;
    // Every token but the first was predicted, so the same text can be counted in words and characters.
    const auto per = [&](int64_t units) {
      const double ratio = static_cast<double>(quality.tokens) / static_cast<double>(std::max<int64_t>(1, units));
      return Interval{std::exp(nll.value * ratio), std::exp(nll.low * ratio), std::exp(nll.high * ratio)};
    };
    row["words"] = stream_.words;
    row["characters"] = stream_.code_points;
    add_interval(row, "word_perplexity", per(stream_.words));
    add_interval(row, "character_perplexity", per(stream_.code_points));
  }

  void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                      const Measures& wanted) const override {
    if (!wanted.quality) return;
    const auto& before = std::get<Likelihoods>(reference);
    const auto& after = std::get<Likelihoods>(outputs);
    if (before.size() != after.size()) {
      throw Error(ErrorKind::InvalidInput, {.what = "the two models read the text in different tokens",
                                            .where = "baseline",
                                            .got = std::to_string(before.size()) + " blocks",
                                            .wanted = std::to_string(after.size()) + " blocks, as the model has",
                                            .next = "Choose a baseline with the same tokenizer and block length."});
    }
    row["token_log_likelihood_p"] = paired_bootstrap(before.size(), nll_statistic(before), nll_statistic(after)).p;
  }

  bool lacks_quality(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("token_log_likelihood");
  }
  bool lacks_comparison(const Json& row, const Measures& wanted) const override {
    return wanted.quality && !row.contains("token_log_likelihood_p");
  }

  void write_predictions(const std::filesystem::path& file, const Outputs& /*outputs*/) const override {
    throw Error(ErrorKind::InvalidInput, {.what = "language modelling has no predictions to write",
                                          .where = file.string(),
                                          .got = {},
                                          .wanted = "no --predictions",
                                          .next = {}});
  }

  std::string conditions() const override {
    if (masked_) {
      return fmt::format(
          "{:g} % of the tokens of blocks of {}, masked once (80 % mask, 10 % other, 10 % kept; seed {}); "
          "bootstrap over blocks",
          100 * kMaskedShare, lengths_.block_length, kMaskingSeed);
    }
    return fmt::format(
        "context of at most {} tokens, stride {}; words between blanks and line ends; bootstrap over blocks",
        lengths_.block_length, lengths_.block_stride);
  }

 private:
  void mask(const MaskingRule& rule) {
    Rng rng = Rng(kMaskingSeed);
    for (Encoding& block : blocks_) {
      MaskedEncoding masked = mask_tokens(block, rule, rng);
      block = std::move(masked.encoding);
      targets_.push_back(std::move(masked.targets));
    }
  }

  SequenceLengths lengths_;
  bool masked_;
  TokenStream stream_;
  int64_t lines_ = 0;
  std::vector<Encoding> blocks_;
  std::vector<std::vector<int32_t>> targets_;  // of masked blocks
};

}  // namespace

std::unique_ptr<QualityMeasure> open_language_quality(const Task& task, const Model& model,
                                                      const QualitySettings& settings, JobContext& context) {
  return std::make_unique<LanguageQuality>(task, model, settings, context);
}

}  // namespace espalier
