#include "data/qa_windows.h"

#include <algorithm>

#include "base/error.h"
#include "data/source_text.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// How a tokenizer sets a pair: special tokens before, between and behind, with their type ids.
struct PairFrame {
  std::vector<TokenId> before, between, behind;
  std::vector<int32_t> before_types, between_types, behind_types;
  int32_t first_type = 0, second_type = 0;

  int64_t specials() const { return std::ssize(before) + std::ssize(between) + std::ssize(behind); }
};

[[noreturn]] void refuse(const std::string& what, int64_t got, const std::string& wanted) {
  throw Error(ErrorKind::InvalidInput, {.what = what, .got = std::to_string(got), .wanted = wanted});
}

PairFrame frame_of(const Tokenizer& tokenizer) {
  const EncodeOptions bare{.add_special_tokens = false};
  const size_t first = tokenizer.encode("a", bare).size(), second = first;
  const Encoding pair = tokenizer.encode_pair("a", "a");
  // The two texts are the longest runs of ordinary tokens; specials before, between and behind them are the frame.
  size_t at = 0;
  PairFrame frame;
  const auto take = [&](std::vector<TokenId>& ids, std::vector<int32_t>& types) {
    for (; at < pair.size() && pair.special[at]; ++at) {
      ids.push_back(pair.ids[at]);
      types.push_back(pair.type_ids[at]);
    }
  };
  take(frame.before, frame.before_types);
  if (at < pair.size()) frame.first_type = pair.type_ids[at];
  at += first;
  take(frame.between, frame.between_types);
  if (at < pair.size()) frame.second_type = pair.type_ids[at];
  at += second;
  take(frame.behind, frame.behind_types);
  if (first > 0 && at == pair.size()) return frame;
  throw Error(ErrorKind::Unsupported, "the tokenizer sets pairs of texts in a way that windows cannot follow");
}

void append(Encoding& encoding, const std::vector<TokenId>& ids, const std::vector<int32_t>& types) {
  for (size_t i = 0; i < ids.size(); ++i) {
    encoding.ids.push_back(ids[i]);
    encoding.type_ids.push_back(types[i]);
    encoding.offsets.emplace_back(0, 0);
    encoding.special.push_back(true);
  }
}

void append(Encoding& encoding, const Encoding& from, int64_t begin, int64_t end, int32_t type) {
  for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
    encoding.ids.push_back(from.ids[i]);
    encoding.type_ids.push_back(type);
    encoding.offsets.push_back(from.offsets[i]);
    encoding.special.push_back(false);
  }
}

// Tokens [begin, end) of the context in each window.
using Spans = std::vector<std::pair<int64_t, int64_t>>;

Spans spans_of(int64_t tokens, int64_t room, int64_t stride) {
  Spans spans;
  for (int64_t begin = 0;; begin += std::min(stride, room)) {
    spans.emplace_back(begin, std::min(tokens, begin + room));
    if (begin + room >= tokens) return spans;
  }
}

// The window that shows most around a token: the smaller of what it shows on both sides counts, then its length.
int64_t best_window(const Spans& spans, int64_t token, int64_t room, int64_t stride) {
  const int64_t step = std::min(stride, room);
  int64_t best = -1;
  double best_score = 0;
  for (int64_t i = std::max<int64_t>(0, (token - room) / step); i < std::ssize(spans); ++i) {
    const auto [begin, end] = spans[static_cast<size_t>(i)];
    if (begin > token) break;
    if (token >= end) continue;
    const double score =
        static_cast<double>(std::min(token - begin, end - 1 - token)) + 0.01 * static_cast<double>(end - begin);
    if (best < 0 || score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

// First and last token that touch code points [begin, end); false when none does.
bool tokens_of(const Encoding& context, int64_t begin, int64_t end, int64_t& first, int64_t& last) {
  first = -1;
  for (int64_t i = 0; i < std::ssize(context.offsets); ++i) {
    const auto [from, to] = context.offsets[static_cast<size_t>(i)];
    if (to <= begin || from >= end) continue;
    if (first < 0) first = i;
    last = i;
  }
  return first >= 0;
}

}  // namespace

std::vector<QaWindow> make_qa_windows(const Dataset& dataset, const Tokenizer& tokenizer,
                                      const QaWindowOptions& options, const CancelToken& cancel) {
  if (options.stride < 1) refuse("the stride of windows is too small", options.stride, "at least 1");
  if (options.max_query < 1) refuse("the question has no room", options.max_query, "at least 1 token");
  const PairFrame frame = frame_of(tokenizer);
  const EncodeOptions bare{.add_special_tokens = false};
  std::vector<QaWindow> windows;
  Encoding context;
  const std::string* encoded = nullptr;
  for (size_t number = 0; number < dataset.examples.size(); ++number) {
    if (number % 64 == 0) cancel.throw_if_cancelled();
    const Example& example = dataset.examples[number];
    const Encoding query = tokenizer.encode(without_blanks(example.text), bare);
    // Questions on one context stand together.
    if (encoded == nullptr || *encoded != example.pair) context = tokenizer.encode(example.pair, bare);
    encoded = &example.pair;
    const int64_t query_tokens = std::min(options.max_query, std::ssize(query.ids));
    const int64_t room = options.max_length - frame.specials() - query_tokens;
    if (room < 1) {
      refuse("no token of the context fits beside the question", options.max_length,
             "a max_length of at least " + std::to_string(frame.specials() + query_tokens + 1));
    }
    int64_t first = -1, last = -1;
    bool answered = false;
    if (!example.answers.empty() && !example.impossible) {
      const Answer& answer = example.answers.front();
      answered = tokens_of(context, answer.begin, answer.begin + count_code_points(answer.text), first, last);
    }
    const Spans spans = spans_of(std::ssize(context.ids), room, options.stride);
    for (int64_t i = 0; i < std::ssize(spans); ++i) {
      const auto [begin, end] = spans[static_cast<size_t>(i)];
      QaWindow window;
      window.example = static_cast<int32_t>(number);
      append(window.encoding, frame.before, frame.before_types);
      append(window.encoding, query, 0, query_tokens, frame.first_type);
      append(window.encoding, frame.between, frame.between_types);
      window.context_begin = static_cast<int32_t>(window.encoding.size());
      append(window.encoding, context, begin, end, frame.second_type);
      window.context_end = static_cast<int32_t>(window.encoding.size());
      append(window.encoding, frame.behind, frame.behind_types);
      for (int64_t token = begin; token < end; ++token) {
        window.is_best.push_back(best_window(spans, token, room, options.stride) == i);
      }
      window.has_answer = answered && first >= begin && last < end;
      if (window.has_answer) {
        window.start = static_cast<int32_t>(window.context_begin + first - begin);
        window.end = static_cast<int32_t>(window.context_begin + last - begin);
      }
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

}  // namespace espalier
