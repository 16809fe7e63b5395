#include "measure/attack/text_fooler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "measure/attack/word_text.h"
#include "measure/check_sizes.h"
#include "text/aligned_text.h"

namespace espalier {
namespace {

int32_t best_label(const std::vector<double>& row) {
  return static_cast<int32_t>(std::ranges::max_element(row) - row.begin());
}

class Attack {
 public:
  Attack(const Victim& victim, const VictimText& original, int32_t label, const CandidateSource& candidates,
         const WindowSimilarity& similarity, const AttackOptions& options)
      : victim_(victim),
        original_(original),
        label_(static_cast<size_t>(label)),
        candidates_(candidates),
        similarity_(similarity),
        options_(options),
        text_(split_words(original.has_pair ? original.pair : original.text)) {}

  AttackedExample run() {
    result_.adversary = original_;
    result_.words = static_cast<int64_t>(text_.words.size());
    const std::vector<double> clean = query({text_}).front();
    if (label_ >= clean.size()) {
      throw Error(ErrorKind::InvalidInput, {.what = "the attacked model does not know a label",
                                            .where = {},
                                            .got = std::to_string(label_),
                                            .wanted = "0 to " + std::to_string(clean.size() - 1),
                                            .next = {}});
    }
    result_.predicted = best_label(clean);
    if (static_cast<size_t>(result_.predicted) != label_) {
      result_.outcome = AttackOutcome::Skipped;
      return result_;
    }
    double probability = clean[label_];
    for (const size_t position : by_importance(clean)) {
      if (try_word(position, probability)) break;
    }
    return result_;
  }

 private:
  // Probabilities of the texts, in one call.
  std::vector<std::vector<double>> query(const std::vector<WordText>& texts) {
    std::vector<VictimText> asked;
    for (const WordText& text : texts) asked.push_back(whole(text));
    result_.queries += static_cast<int64_t>(asked.size());
    std::vector<std::vector<double>> rows = victim_(asked);
    check_sizes(rows.size(), asked.size());
    return rows;
  }

  VictimText whole(const WordText& text) const {
    VictimText one = original_;
    (one.has_pair ? one.pair : one.text) = text.joined();
    return one;
  }

  // Positions of words, most important first; equals in their order.
  std::vector<size_t> by_importance(const std::vector<double>& clean) {
    if (text_.words.empty()) return {};
    std::vector<WordText> without(text_.words.size(), text_);
    for (size_t i = 0; i < without.size(); ++i) without[i].words[i] = options_.unknown_symbol;
    const auto rows = query(without);
    std::vector<double> importance;
    for (const std::vector<double>& row : rows) {
      const auto other = static_cast<size_t>(best_label(row));
      double value = clean[label_] - row[label_];
      if (other != label_) value += row[other] - clean[other];
      importance.push_back(value);
    }
    std::vector<size_t> order(importance.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return importance[i]; });
    return order;
  }

  // Exchanges the word for the best candidate. True when the answer has changed.
  bool try_word(size_t position, double& probability) {
    const std::string word = text_.words[position], plain = lower_cased(word);
    if (is_stop_word(plain)) return false;
    const std::vector<std::string> others = candidates_.candidates(plain, options_.max_candidates);
    if (others.empty()) return false;
    std::vector<WordText> changed(others.size(), text_);
    for (size_t i = 0; i < others.size(); ++i) changed[i].words[position] = in_case_of(others[i], word);
    const auto rows = query(changed);

    std::optional<size_t> flipping, lowering;
    double best_similarity = 0, lowest = probability;
    for (size_t i = 0; i < rows.size(); ++i) {
      const double alike = window_similarity(changed[i], position);
      if (alike < least_similarity()) continue;
      if (static_cast<size_t>(best_label(rows[i])) != label_ && (!flipping || alike > best_similarity)) {
        flipping = i;
        best_similarity = alike;
      }
      if (rows[i][label_] < lowest) {
        lowering = i;
        lowest = rows[i][label_];
      }
    }
    const auto take = [&](size_t i) {
      text_ = changed[i];
      result_.changed.push_back(position);
    };
    if (flipping) {
      take(*flipping);
      std::ranges::sort(result_.changed);
      result_.outcome = AttackOutcome::Succeeded;
      result_.adversary = whole(text_);
      result_.predicted = best_label(rows[*flipping]);
      return true;
    }
    if (lowering) {
      take(*lowering);
      probability = lowest;
    }
    return false;
  }

  double least_similarity() const {
    return text_.words.size() < options_.window ? options_.least_short_similarity : options_.least_similarity;
  }

  // 1 - angle between the windows of the text so far and of the changed one.
  double window_similarity(const WordText& changed, size_t position) const {
    const size_t size = text_.words.size(), half = options_.window / 2;
    const size_t begin =
        size <= options_.window ? 0 : std::min(position < half ? 0 : position - half, size - options_.window);
    const size_t end = std::min(size, begin + options_.window);
    const auto window = [&](const WordText& text) {
      std::vector<std::string> words;
      for (size_t i = begin; i < end; ++i) words.push_back(lower_cased(text.words[i]));
      return words;
    };
    return 1 - std::acos(std::clamp(similarity_.cosine(window(text_), window(changed)), -1.0, 1.0));
  }

  const Victim& victim_;
  const VictimText& original_;
  const size_t label_;
  const CandidateSource& candidates_;
  const WindowSimilarity& similarity_;
  const AttackOptions& options_;
  WordText text_;
  AttackedExample result_;
};

}  // namespace

AttackedExample attack_text(const Victim& victim, const VictimText& original, int32_t label,
                            const CandidateSource& candidates, const WindowSimilarity& similarity,
                            const AttackOptions& options) {
  AttackedExample result = Attack(victim, original, label, candidates, similarity, options).run();
  if (result.outcome != AttackOutcome::Succeeded) result.changed.clear();
  return result;
}

AttackReport attack_all(const Victim& victim, const std::vector<VictimText>& texts, const std::vector<int32_t>& labels,
                        const CandidateSource& candidates, const WindowSimilarity& similarity,
                        const AttackOptions& options, JobContext& context,
                        const std::function<void(size_t, const AttackedExample&)>& on_attack) {
  check_sizes(texts.size(), labels.size());
  AttackReport report;
  double queries = 0, changed = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    context.cancel.throw_if_cancelled();
    AttackedExample attack = attack_text(victim, texts[i], labels[i], candidates, similarity, options);
    switch (attack.outcome) {
      case AttackOutcome::Skipped:
        ++report.skipped;
        break;
      case AttackOutcome::Failed:
        ++report.failed;
        break;
      case AttackOutcome::Succeeded:
        ++report.succeeded;
        changed += static_cast<double>(attack.changed.size()) / static_cast<double>(attack.words);
        break;
    }
    if (attack.outcome != AttackOutcome::Skipped) queries += static_cast<double>(attack.queries);
    if (on_attack) on_attack(i, attack);
    report.attacks.push_back(std::move(attack));
    context.progress.report(static_cast<double>(i + 1) / static_cast<double>(texts.size()));
  }
  report.examples = static_cast<int64_t>(texts.size());
  const int64_t attacked = report.failed + report.succeeded;
  report.clean_accuracy = proportion(attacked, report.examples);
  report.after_attack_accuracy = proportion(report.failed, report.examples);
  report.success_rate = proportion(report.succeeded, attacked);
  if (attacked > 0) report.mean_queries = queries / static_cast<double>(attacked);
  if (report.succeeded > 0) report.mean_changed_frac = changed / static_cast<double>(report.succeeded);
  return report;
}

}  // namespace espalier
