#include "engine/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace espalier {

namespace {

constexpr float kImpossible = -1e9F;
constexpr float kNever = -std::numeric_limits<float>::infinity();

using Tokens = std::vector<TokenId>;

bool ends(const GenerationSpec& spec, TokenId token) {
  return std::find(spec.eos.begin(), spec.eos.end(), token) != spec.eos.end();
}

// Changes scores (vocab), logits or log-probabilities, of the token that follows `written` as the spec says.
class Rules {
 public:
  Rules(const GenerationSpec& spec, size_t prompt) : spec_(spec), prompt_(prompt) {}

  void apply(const Tokens& written, std::span<float> scores) const {
    const auto length = static_cast<int64_t>(written.size());
    if (spec_.repetition_penalty != 1) weaken_repetition(written, scores);
    if (spec_.no_repeat_ngram > 0) forbid_repeated_ngrams(written, scores);
    forbid_bad_words(written, scores);
    if (length < spec_.min_length) {
      for (const int64_t eos : spec_.eos) scores[static_cast<size_t>(eos)] = kNever;
    }
    if (spec_.forced_bos >= 0 && written.size() == prompt_ && prompt_ == 1) force(spec_.forced_bos, scores);
    if (spec_.forced_eos >= 0 && length == spec_.max_length - 1) force(spec_.forced_eos, scores);
  }

 private:
  static void force(int64_t token, std::span<float> scores) {
    std::fill(scores.begin(), scores.end(), kNever);
    scores[static_cast<size_t>(token)] = 0;
  }

  // Keskar 2019, arXiv 1909.05858, section 4.1.
  void weaken_repetition(const Tokens& written, std::span<float> scores) const {
    Tokens unique = written;
    std::sort(unique.begin(), unique.end());
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    const auto penalty = static_cast<float>(spec_.repetition_penalty);
    for (const TokenId token : unique) {
      float& score = scores[static_cast<size_t>(token)];
      score = score < 0 ? score * penalty : score / penalty;
    }
  }

  void forbid_repeated_ngrams(const Tokens& written, std::span<float> scores) const {
    const auto n = static_cast<size_t>(spec_.no_repeat_ngram);
    if (written.size() + 1 < n) return;
    const auto last = written.end() - static_cast<ptrdiff_t>(n - 1);
    for (size_t begin = 0; begin + n <= written.size(); ++begin) {
      if (!std::equal(last, written.end(), written.begin() + static_cast<ptrdiff_t>(begin))) continue;
      scores[static_cast<size_t>(written[begin + n - 1])] = kNever;
    }
  }

  void forbid_bad_words(const Tokens& written, std::span<float> scores) const {
    for (const std::vector<int64_t>& word : spec_.bad_words) {
      if (word.empty() || word.size() > written.size() + 1) continue;
      const auto before = static_cast<ptrdiff_t>(word.size() - 1);
      if (std::equal(word.begin(), word.end() - 1, written.end() - before)) {
        scores[static_cast<size_t>(word.back())] = kNever;
      }
    }
  }

  const GenerationSpec& spec_;
  size_t prompt_;
};

Tokens greedy(NextToken& model, const Tokens& prompt, const GenerationSpec& spec, const CancelToken& cancel) {
  const Rules rules(spec, prompt.size());
  Tokens written = prompt;
  std::vector<float> scores = model.start(prompt);
  while (true) {
    cancel.throw_if_cancelled();
    rules.apply(written, scores);
    written.push_back(static_cast<TokenId>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
    if (ends(spec, written.back()) || std::ssize(written) >= spec.max_length) return written;
    const int32_t only = 0;
    scores = model.next({&only, 1}, {&written.back(), 1});
  }
}

void to_log_probabilities(std::span<float> scores) {
  const float most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score - most));
  const auto total = static_cast<float>(std::log(sum));
  for (float& score : scores) score = score - most - total;
}

struct Beam {
  Tokens tokens;
  float score = kImpossible;
  int32_t parent = 0;  // row of the last call that it goes on from
  bool finished = false;
};

class BeamSearch {
 public:
  BeamSearch(NextToken& model, const Tokens& prompt, const GenerationSpec& spec)
      : model_(model), spec_(spec), rules_(spec, prompt.size()), prompt_(prompt.size()) {
    const auto beams = static_cast<size_t>(spec.beams);
    running_.assign(beams, {prompt, kImpossible});
    running_.front().score = 0;
    finished_.assign(beams, {prompt, kImpossible});
  }

  Tokens run(const CancelToken& cancel) {
    const std::vector<float> first = model_.start(running_.front().tokens);
    std::vector<float> scores;
    for (size_t i = 0; i < running_.size(); ++i) scores.insert(scores.end(), first.begin(), first.end());
    std::vector<int32_t> parents(running_.size(), 0);
    while (true) {
      cancel.throw_if_cancelled();
      const std::vector<Beam> found = best_continuations(scores);
      // Rows of the first call are all its only one.
      keep_running(found, parents);
      keep_finished(found);
      if (!may_improve(found)) return finished_.front().tokens;
      std::vector<int32_t> rows;
      Tokens last;
      for (const Beam& beam : running_) {
        rows.push_back(beam.parent);
        last.push_back(beam.tokens.back());
      }
      scores = model_.next(rows, last);
      for (size_t i = 0; i < parents.size(); ++i) parents[i] = static_cast<int32_t>(i);
    }
  }

 private:
  // The best continuations of all running sequences together, best first: enough that as many as there are beams go on
  // though each may end in every possible way.
  std::vector<Beam> best_continuations(std::vector<float>& scores) const {
    const size_t beams = running_.size();
    const size_t vocab = scores.size() / beams;
    for (size_t i = 0; i < beams; ++i) {
      const std::span<float> row(scores.data() + i * vocab, vocab);
      to_log_probabilities(row);
      rules_.apply(running_[i].tokens, row);
      for (float& score : row) score += running_[i].score;
    }
    const size_t kept = std::min(scores.size(), std::max<size_t>(2, 1 + spec_.eos.size()) * beams);
    std::vector<size_t> order(scores.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto better = [&](size_t a, size_t b) { return scores[a] > scores[b] || (scores[a] == scores[b] && a < b); };
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(kept), order.end(), better);
    std::vector<Beam> found;
    for (size_t i = 0; i < kept; ++i) {
      const size_t from = order[i] / vocab;
      Beam beam{running_[from].tokens, scores[order[i]], static_cast<int32_t>(from)};
      beam.tokens.push_back(static_cast<TokenId>(order[i] % vocab));
      beam.finished = ends(spec_, beam.tokens.back()) || std::ssize(beam.tokens) >= spec_.max_length;
      found.push_back(std::move(beam));
    }
    return found;
  }

  void keep_running(const std::vector<Beam>& found, const std::vector<int32_t>& parents) {
    std::vector<Beam> going = found;
    for (Beam& beam : going) {
      if (beam.finished) beam.score += kImpossible;
      beam.finished = false;
      beam.parent = parents[static_cast<size_t>(beam.parent)];
    }
    best_first(going);
    going.resize(running_.size());
    running_ = std::move(going);
  }

  void keep_finished(const std::vector<Beam>& found) {
    const bool full = std::all_of(finished_.begin(), finished_.end(), [](const Beam& beam) { return beam.finished; });
    for (size_t i = 0; i < found.size(); ++i) {
      Beam beam = found[i];
      // Those behind the first ones are there to go on, not to end.
      beam.finished = beam.finished && i < running_.size();
      beam.score /= std::pow(written(beam), static_cast<float>(spec_.length_penalty));
      if (full && spec_.early_stopping == "true") beam.score += kImpossible;
      if (!improvable_) beam.score += kImpossible;
      if (!beam.finished) beam.score += kImpossible;
      finished_.push_back(std::move(beam));
    }
    best_first(finished_);
    finished_.resize(running_.size());
  }

  bool may_improve(const std::vector<Beam>& found) {
    const auto penalty = static_cast<float>(spec_.length_penalty);
    const bool longest = spec_.early_stopping == "never" && spec_.length_penalty > 0;
    const float length =
        longest ? static_cast<float>(spec_.max_length - static_cast<int64_t>(prompt_)) : written(running_.front());
    const float best = running_.front().score / std::pow(length, penalty);
    bool better_than_any = false, all_finished = true;
    for (const Beam& beam : finished_) {
      better_than_any |= best > (beam.finished ? finished_.back().score : kImpossible);
      all_finished &= beam.finished;
    }
    improvable_ = improvable_ && better_than_any;
    const bool open = !(all_finished && spec_.early_stopping == "true");
    const bool goes_on = std::any_of(found.begin(), found.end(), [](const Beam& beam) { return !beam.finished; });
    return improvable_ && open && goes_on;
  }

  float written(const Beam& beam) const { return static_cast<float>(beam.tokens.size() - prompt_); }
  static void best_first(std::vector<Beam>& beams) {
    std::stable_sort(beams.begin(), beams.end(), [](const Beam& a, const Beam& b) { return a.score > b.score; });
  }

  NextToken& model_;
  const GenerationSpec& spec_;
  Rules rules_;
  size_t prompt_;
  std::vector<Beam> running_, finished_;  // best first
  bool improvable_ = true;
};

[[noreturn]] void refuse(const std::string& what, const std::string& where, const std::string& got,
                         const std::string& wanted) {
  throw Error(ErrorKind::InvalidInput, ErrorParts{.what = what, .where = where, .got = got, .wanted = wanted});
}

}  // namespace

void check_generation(const Architecture& a, const GenerationSpec& spec) {
  if (a.head.kind != HeadKind::LanguageModel || !(a.has_decoder() || a.is_causal())) {
    refuse("the model does not write text", "", fmt::format("a model with the head {}", to_string(a.head.kind)),
           "a language model or a translator");
  }
  const int64_t vocab = a.head.num_labels;
  const auto check = [&](int64_t token, const char* name, int64_t least) {
    if (token >= least && token < vocab) return;
    refuse(fmt::format("{} is no token of the model", name), "generation", fmt::format("{}", token),
           fmt::format("{} to {}", least, vocab - 1));
  };
  for (const int64_t eos : spec.eos) check(eos, "the end of a sequence", 0);
  check(spec.forced_bos, "the forced first token", -1);
  check(spec.forced_eos, "the forced last token", -1);
  if (a.has_decoder()) check(spec.decoder_start, "the decoder's start", 0);
  for (const std::vector<int64_t>& word : spec.bad_words) {
    for (const int64_t token : word) check(token, "part of a bad word", 0);
  }
  if (spec.beams < 1 || spec.beams > vocab) {
    refuse("the number of beams is out of range", "generation", fmt::format("{}", spec.beams),
           fmt::format("1 to {}", vocab));
  }
}

GenerationSpec within_positions(const GenerationSpec& spec, const EmbeddingSpec& embedding, int64_t prompt_length) {
  GenerationSpec bounded = spec;
  bounded.max_length = std::min(spec.max_length, embedding.max_positions);
  if (prompt_length >= 1 && prompt_length < bounded.max_length) return bounded;
  refuse("there is no room behind the prompt", "generation", fmt::format("{} tokens", prompt_length),
         fmt::format("1 to {} tokens", bounded.max_length - 1));
}

std::vector<TokenId> search(NextToken& model, const std::vector<TokenId>& prompt, const GenerationSpec& spec,
                            const CancelToken& cancel) {
  if (spec.beams <= 1) return greedy(model, prompt, spec, cancel);
  return BeamSearch(model, prompt, spec).run(cancel);
}

}  // namespace espalier
