#include "measure/answers.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "measure/blanks.h"
#include "text/aligned_text.h"
#include "text/unicode.h"

namespace espalier {
namespace {

bool is_ascii_punctuation(char32_t code) { return code < 0x80 && is_punctuation(code); }

// Words are runs of word characters; what stands between them stays.
std::string without_articles(std::string_view text) {
  std::string out, word;
  const auto end_word = [&] {
    out += word == "a" || word == "an" || word == "the" ? " " : word;
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t code = next_code_point(text, at);
    if (is_word_char(code)) {
      append_utf8(word, code);
    } else {
      end_word();
      append_utf8(out, code);
    }
  }
  end_word();
  return out;
}

std::vector<std::string> normalized_words(std::string_view text) {
  std::string plain;
  const std::string lower = lower_cased(text);
  for (size_t at = 0; at < lower.size();) {
    const char32_t code = next_code_point(lower, at);
    if (!is_ascii_punctuation(code)) append_utf8(plain, code);
  }
  return split_at_blanks(without_articles(plain));
}

AnswerScore score_words(const std::vector<std::string>& prediction, const std::vector<std::string>& gold) {
  AnswerScore score;
  score.exact = prediction == gold;
  if (prediction.empty() || gold.empty()) {
    score.f1 = score.exact;
    return score;
  }
  std::map<std::string, int64_t> bag;
  for (const std::string& word : gold) ++bag[word];
  int64_t common = 0;
  for (const std::string& word : prediction) common += bag[word]-- > 0;
  score.f1 = 2 * static_cast<double>(common) / static_cast<double>(prediction.size() + gold.size());
  return score;
}

// One question of the sweep: what it gains when it is answered, and what when it is not.
struct SweepItem {
  double no_answer_score = 0;
  double answered = 0;
  double abstained = 0;
};

// The best mean and its threshold: answered are the questions whose score is not above it. Questions of equal score
// cannot be told apart by a threshold, so they move together.
std::pair<double, double> best_threshold(std::vector<SweepItem> items) {
  if (items.empty()) return {0, 0};
  std::ranges::sort(items, {}, &SweepItem::no_answer_score);
  double total = 0;
  for (const SweepItem& item : items) total += item.abstained;
  double best = total, threshold = items.front().no_answer_score - 1;
  for (size_t i = 0; i < items.size(); ++i) {
    total += items[i].answered - items[i].abstained;
    if (i + 1 < items.size() && items[i + 1].no_answer_score == items[i].no_answer_score) continue;
    if (total <= best) continue;
    best = total;
    threshold = items[i].no_answer_score;
  }
  return {best / static_cast<double>(items.size()), threshold};
}

[[noreturn]] void throw_unmatched(const std::string& what, const std::string& id) {
  throw Error(ErrorKind::InvalidInput, {.what = what,
                                        .where = "question \"" + id + "\"",
                                        .got = {},
                                        .wanted = "one prediction for every question of the gold file",
                                        .next = "Check that both files are of the same split."});
}

double mean(double sum, int64_t count) { return count == 0 ? 0 : sum / static_cast<double>(count); }

}  // namespace

std::string normalize_answer(std::string_view text) {
  std::string joined;
  for (const std::string& word : normalized_words(text)) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

AnswerScore score_answer(std::string_view prediction, std::string_view gold) {
  return score_words(normalized_words(prediction), normalized_words(gold));
}

AnswerScore best_score(std::string_view prediction, const std::vector<std::string>& gold) {
  const std::vector<std::string> predicted = normalized_words(prediction);
  AnswerScore best;
  bool any = false;
  for (const std::string& answer : gold) {
    const std::vector<std::string> words = normalized_words(answer);
    if (words.empty()) continue;
    any = true;
    const AnswerScore score = score_words(predicted, words);
    best.exact = std::max(best.exact, score.exact);
    best.f1 = std::max(best.f1, score.f1);
  }
  return any ? best : score_words(predicted, {});
}

SquadQuality squad_quality(const std::vector<QuestionGold>& gold,
                           const std::map<std::string, QuestionPrediction>& predictions) {
  SquadQuality quality;
  std::vector<SweepItem> exact_items, f1_items;
  std::map<std::string_view, bool> known;
  int64_t hits = 0;
  for (const QuestionGold& question : gold) {
    const auto found = predictions.find(question.id);
    if (found == predictions.end()) throw_unmatched("a question has no prediction", question.id);
    known[question.id] = true;
    const AnswerScore score = best_score(found->second.answer, question.answers);
    quality.exact_scores.push_back(score.exact);
    quality.f1_scores.push_back(score.f1);
    hits += score.exact > 0;
    const bool answerable = best_score("", question.answers).exact == 0;
    if (answerable) {
      ++quality.has_answer_count;
      quality.has_answer_exact += score.exact;
      quality.has_answer_f1 += score.f1;
    } else {
      ++quality.no_answer_count;
      quality.no_answer_exact += score.exact;
    }
    const double abstained = answerable ? 0 : 1;
    exact_items.push_back({found->second.no_answer_score, score.exact, abstained});
    f1_items.push_back({found->second.no_answer_score, score.f1, abstained});
  }
  for (const auto& [id, prediction] : predictions) {
    if (!known.contains(id)) throw_unmatched("a prediction is of no question of the gold file", id);
  }
  quality.exact = proportion(hits, static_cast<int64_t>(gold.size()));
  quality.f1 = bootstrap_mean(quality.f1_scores);
  quality.has_answer_exact = mean(quality.has_answer_exact, quality.has_answer_count);
  quality.has_answer_f1 = mean(quality.has_answer_f1, quality.has_answer_count);
  quality.no_answer_exact = mean(quality.no_answer_exact, quality.no_answer_count);
  std::tie(quality.best_exact, quality.best_exact_threshold) = best_threshold(std::move(exact_items));
  std::tie(quality.best_f1, quality.best_f1_threshold) = best_threshold(std::move(f1_items));
  return quality;
}

Json to_json(const SquadQuality& quality) {
  const auto percent = [](const Interval& interval) {
    return Interval{100 * interval.value, 100 * interval.low, 100 * interval.high};
  };
  Json json = {{"questions", quality.exact_scores.size()}};
  add_interval(json, "exact_percent", percent(quality.exact));
  add_interval(json, "f1_percent", percent(quality.f1));
  if (quality.no_answer_count > 0) {
    json["has_answer_questions"] = quality.has_answer_count;
    json["has_answer_exact_percent"] = 100 * quality.has_answer_exact;
    json["has_answer_f1_percent"] = 100 * quality.has_answer_f1;
    json["no_answer_questions"] = quality.no_answer_count;
    json["no_answer_exact_percent"] = 100 * quality.no_answer_exact;
    json["best_exact_percent"] = 100 * quality.best_exact;
    json["best_exact_threshold"] = quality.best_exact_threshold;
    json["best_f1_percent"] = 100 * quality.best_f1;
    json["best_f1_threshold"] = quality.best_f1_threshold;
  }
  return json;
}

}  // namespace espalier
