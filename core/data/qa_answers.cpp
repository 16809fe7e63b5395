#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "data/qa_windows.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// A span as tokens of one window.
struct Span {
  const QaWindow* window = nullptr;
  int32_t first = 0, last = 0;
  double score = 0;
};

// Context tokens of the window by falling score, ties in their order.
std::vector<int32_t> best_tokens(const QaWindow& window, const std::vector<float>& scores, int64_t count) {
  std::vector<int32_t> tokens(static_cast<size_t>(window.context_end - window.context_begin));
  std::iota(tokens.begin(), tokens.end(), window.context_begin);
  const auto kept = std::min(std::ssize(tokens), static_cast<std::ptrdiff_t>(count));
  std::partial_sort(tokens.begin(), tokens.begin() + kept, tokens.end(), [&](int32_t a, int32_t b) {
    const float x = scores[static_cast<size_t>(a)], y = scores[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  });
  tokens.resize(static_cast<size_t>(kept));
  return tokens;
}

void add_spans(std::vector<Span>& spans, const QaWindow& window, const QaLogits& logits,
               const QaAnswerOptions& options) {
  const std::vector<int32_t> ends = best_tokens(window, logits.end, options.n_best);
  for (const int32_t first : best_tokens(window, logits.start, options.n_best)) {
    if (!window.is_best[static_cast<size_t>(first - window.context_begin)]) continue;
    for (const int32_t last : ends) {
      if (last < first || last - first + 1 > options.max_answer_tokens) continue;
      spans.push_back({&window, first, last,
                       static_cast<double>(logits.start[static_cast<size_t>(first)]) +
                           static_cast<double>(logits.end[static_cast<size_t>(last)])});
    }
  }
}

// Code points [begin, end) of a text.
std::string cut(const std::string& text, int32_t begin, int32_t end) {
  size_t at = 0;
  int32_t position = 0;
  for (; position < begin && at < text.size(); ++position) next_code_point(text, at);
  const size_t first = at;
  for (; position < end && at < text.size(); ++position) next_code_point(text, at);
  return text.substr(first, at - first);
}

// Probabilities of the candidates; `null_score` takes part where it is given.
void set_probabilities(std::vector<QaCandidate>& candidates, std::optional<double> null_score) {
  double highest = null_score.value_or(candidates.empty() ? 0 : candidates.front().score);
  for (const QaCandidate& candidate : candidates) highest = std::max(highest, candidate.score);
  double total = null_score ? std::exp(*null_score - highest) : 0;
  for (const QaCandidate& candidate : candidates) total += std::exp(candidate.score - highest);
  for (QaCandidate& candidate : candidates) candidate.probability = std::exp(candidate.score - highest) / total;
}

QaPrediction predict_one(const Example& example, std::vector<Span>& spans, double null_logit,
                         const QaAnswerOptions& options) {
  std::ranges::stable_sort(spans, std::ranges::greater(), &Span::score);
  QaPrediction prediction;
  for (const Span& span : spans) {
    if (std::ssize(prediction.candidates) >= options.n_best) break;
    const auto& offsets = span.window->encoding.offsets;
    QaCandidate candidate;
    candidate.begin = offsets[static_cast<size_t>(span.first)].first;
    candidate.end = offsets[static_cast<size_t>(span.last)].second;
    candidate.score = span.score;
    candidate.text = cut(example.pair, candidate.begin, candidate.end);
    // The same words may be found in two windows.
    const bool known = std::ranges::any_of(prediction.candidates, [&](const QaCandidate& other) {
      return other.begin == candidate.begin && other.end == candidate.end;
    });
    if (!known && !candidate.text.empty()) prediction.candidates.push_back(std::move(candidate));
  }
  const bool none = prediction.candidates.empty();
  prediction.null_score = none ? 0 : null_logit - prediction.candidates.front().score;
  set_probabilities(prediction.candidates, options.may_be_impossible ? std::optional(null_logit) : std::nullopt);
  const bool empty = none || (options.may_be_impossible && prediction.null_score > options.null_threshold);
  if (!empty) prediction.answer = prediction.candidates.front().text;
  return prediction;
}

void require_sizes(const Dataset& dataset, const std::vector<QaWindow>& windows, const std::vector<QaLogits>& logits) {
  bool fits = windows.size() == logits.size();
  for (size_t i = 0; fits && i < windows.size(); ++i) {
    const size_t tokens = windows[i].encoding.size();
    fits = logits[i].start.size() == tokens && logits[i].end.size() == tokens && windows[i].example >= 0 &&
           static_cast<size_t>(windows[i].example) < dataset.examples.size();
  }
  if (fits) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "the scores do not fit the windows",
               .got = std::to_string(logits.size()) + " windows with scores",
               .wanted = "one start and one end for every token of " + std::to_string(windows.size()) + " windows"});
}

}  // namespace

std::vector<QaPrediction> qa_predictions(const Dataset& dataset, const std::vector<QaWindow>& windows,
                                         const std::vector<QaLogits>& logits, const QaAnswerOptions& options) {
  require_sizes(dataset, windows, logits);
  std::vector<std::vector<Span>> spans(dataset.examples.size());
  // The empty answer of an example: the least of what its windows give their first token.
  std::vector<std::optional<double>> null_logits(dataset.examples.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto example = static_cast<size_t>(windows[i].example);
    add_spans(spans[example], windows[i], logits[i], options);
    if (logits[i].start.empty()) continue;
    const double empty = static_cast<double>(logits[i].start[0]) + static_cast<double>(logits[i].end[0]);
    null_logits[example] = std::min(null_logits[example].value_or(empty), empty);
  }
  std::vector<QaPrediction> predictions;
  for (size_t i = 0; i < dataset.examples.size(); ++i) {
    predictions.push_back(predict_one(dataset.examples[i], spans[i], null_logits[i].value_or(0), options));
  }
  return predictions;
}

}  // namespace espalier
