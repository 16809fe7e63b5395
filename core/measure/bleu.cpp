#include "measure/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "measure/blanks.h"
#include "measure/check_sizes.h"

namespace espalier {
namespace {

constexpr double kFloor = 0.1;

using Tokens = std::vector<std::string>;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point(char c) { return c == '.' || c == ','; }
// ASCII symbols that always stand alone: all but the apostrophe, the comma, the hyphen and the full stop.
bool is_symbol(char c) {
  return (c >= '!' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

using CharTest = bool (*)(char);

// Puts blanks around one character of every pair that passes both tests. Pairs do not overlap: after one, the search
// goes on behind it.
enum class Apart { First, Second };
std::string set_apart(const std::string& text, CharTest first, CharTest second, Apart which) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 >= text.size() || !first(text[i]) || !second(text[i + 1])) {
      out += text[i];
      continue;
    }
    const std::string alone = fmt::format(" {} ", which == Apart::First ? text[i] : text[i + 1]);
    out += which == Apart::First ? alone + text[i + 1] : text[i] + alone;
    ++i;
  }
  return out;
}

using NgramCounts = std::map<Tokens, int64_t>;

NgramCounts ngrams_of(const Tokens& tokens, size_t order) {
  NgramCounts counts;
  for (size_t i = 0; i + order <= tokens.size(); ++i) {
    ++counts[Tokens(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                    tokens.begin() + static_cast<std::ptrdiff_t>(i + order))];
  }
  return counts;
}

std::string signature_of(const BleuOptions& options, size_t references) {
  const std::string smoothing = options.smoothing == BleuSmoothing::Exp     ? "exp"
                                : options.smoothing == BleuSmoothing::Floor ? "floor"
                                                                            : "none";
  return fmt::format("nrefs:{}|case:mixed|eff:{}|tok:{}|smooth:{}",
                     references == 0 ? "var" : std::to_string(references), options.effective_order ? "yes" : "no",
                     options.tokenize ? "13a" : "none", smoothing);
}

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
  for (size_t n = 0; n < matches.size(); ++n) {
    matches[n] += other.matches[n];
    totals[n] += other.totals[n];
  }
  hypothesis_length += other.hypothesis_length;
  reference_length += other.reference_length;
  return *this;
}

Tokens tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  std::string apart = " ";
  for (const char c : text) {
    if (is_symbol(c)) {
      apart += ' ';
      apart += c;
      apart += ' ';
    } else {
      apart += c;
    }
  }
  apart += ' ';
  const CharTest no_digit = [](char c) { return !is_digit(c); };
  const CharTest hyphen = [](char c) { return c == '-'; };
  apart = set_apart(apart, no_digit, is_point, Apart::Second);
  apart = set_apart(apart, is_point, no_digit, Apart::First);
  apart = set_apart(apart, is_digit, hyphen, Apart::Second);
  return split_at_blanks(apart);
}

BleuCounts bleu_counts(std::string_view hypothesis, const std::vector<std::string>& references,
                       const BleuOptions& options) {
  if (references.empty()) throw Error(ErrorKind::InvalidInput, "BLEU needs a reference for every sentence");
  const auto tokens_of = [&](std::string_view text) {
    return options.tokenize ? tokenize_13a(text) : split_at_blanks(text);
  };
  const Tokens tokens = tokens_of(hypothesis);
  std::vector<Tokens> golds;
  for (const std::string& reference : references) golds.push_back(tokens_of(reference));

  BleuCounts counts;
  counts.hypothesis_length = static_cast<int64_t>(tokens.size());
  const auto closeness = [&](const Tokens& gold) {
    const auto length = static_cast<int64_t>(gold.size());
    return std::pair(std::abs(length - counts.hypothesis_length), length);
  };
  counts.reference_length = closeness(*std::ranges::min_element(golds, {}, closeness)).second;
  for (size_t n = 0; n < counts.matches.size(); ++n) {
    NgramCounts most;
    for (const Tokens& gold : golds) {
      for (const auto& [ngram, count] : ngrams_of(gold, n + 1)) most[ngram] = std::max(most[ngram], count);
    }
    for (const auto& [ngram, count] : ngrams_of(tokens, n + 1)) {
      counts.totals[n] += count;
      const auto found = most.find(ngram);
      if (found != most.end()) counts.matches[n] += std::min(count, found->second);
    }
  }
  return counts;
}

Bleu bleu_from_counts(const BleuCounts& counts, const BleuOptions& options) {
  Bleu bleu;
  bleu.counts = counts;
  const auto hypothesis = static_cast<double>(counts.hypothesis_length);
  const auto reference = static_cast<double>(counts.reference_length);
  bleu.brevity_penalty = hypothesis == 0 ? 0 : hypothesis < reference ? std::exp(1 - reference / hypothesis) : 1;
  // Without a single match smoothing would make a score out of nothing.
  if (std::ranges::all_of(counts.matches, [](int64_t count) { return count == 0; })) return bleu;
  double log_sum = 0, smooth = 1;
  size_t orders = counts.matches.size();
  for (size_t n = 0; n < counts.matches.size(); ++n) {
    if (counts.totals[n] == 0) {
      if (options.effective_order) orders = n;
      break;
    }
    double matches = static_cast<double>(counts.matches[n]);
    if (counts.matches[n] == 0) {
      smooth *= 2;
      matches = options.smoothing == BleuSmoothing::Exp     ? 1 / smooth
                : options.smoothing == BleuSmoothing::Floor ? kFloor
                                                            : 0;
    }
    bleu.precisions[n] = 100 * matches / static_cast<double>(counts.totals[n]);
  }
  for (size_t n = 0; n < orders; ++n) {
    if (bleu.precisions[n] == 0) return bleu;
    log_sum += std::log(bleu.precisions[n]);
  }
  bleu.score = bleu.brevity_penalty * std::exp(log_sum / static_cast<double>(orders));
  return bleu;
}

Bleu sentence_bleu(std::string_view hypothesis, const std::vector<std::string>& references) {
  BleuOptions options;
  options.effective_order = true;
  Bleu bleu = bleu_from_counts(bleu_counts(hypothesis, references, options), options);
  bleu.signature = signature_of(options, references.size());
  return bleu;
}

Statistic bleu_statistic(std::vector<BleuCounts> sentences, const BleuOptions& options) {
  return [sentences = std::move(sentences), options](std::span<const uint32_t> examples) {
    BleuCounts sum;
    for (const uint32_t example : examples) sum += sentences[example];
    return bleu_from_counts(sum, options).score;
  };
}

Bleu corpus_bleu(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                 const BleuOptions& options, uint64_t seed) {
  check_sizes(hypotheses.size(), references.size());
  if (hypotheses.empty()) throw Error(ErrorKind::InvalidInput, "there are no sentences to measure BLEU on");
  std::vector<BleuCounts> sentences;
  BleuCounts sum;
  size_t references_each = references.front().size();
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    sentences.push_back(bleu_counts(hypotheses[i], references[i], options));
    sum += sentences.back();
    if (references[i].size() != references_each) references_each = 0;
  }
  Bleu bleu = bleu_from_counts(sum, options);
  bleu.interval = bootstrap(hypotheses.size(), bleu_statistic(std::move(sentences), options), seed);
  bleu.signature = signature_of(options, references_each);
  return bleu;
}

}  // namespace espalier
