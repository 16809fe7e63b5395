#pragma once
// BLEU (Papineni 2002) as SacreBLEU computes it (Post 2018, arXiv 1804.08771): case kept, the tokenization of
// mteval-v13a, n-grams up to 4, the reference length closest to the hypothesis (the shorter of equals).

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "measure/interval.h"

namespace espalier {

// What an order without a match counts as.
enum class BleuSmoothing {
  Exp,    // 1 / (2^k total) at the k-th such order (mteval's method); the default
  Floor,  // 0.1 / total
  None,   // 0
};

struct BleuOptions {
  BleuSmoothing smoothing = BleuSmoothing::Exp;
  bool tokenize = true;          // false: split at blanks only
  bool effective_order = false;  // orders longer than the hypothesis are left out; for single sentences
};

// Counts that add up over sentences.
struct BleuCounts {
  std::array<int64_t, 4> matches = {}, totals = {};  // n-grams by order - 1
  int64_t hypothesis_length = 0, reference_length = 0;

  BleuCounts& operator+=(const BleuCounts& other);
};

struct Bleu {
  double score = 0;                       // 0..100
  std::array<double, 4> precisions = {};  // 0..100, smoothed
  double brevity_penalty = 0;
  BleuCounts counts;
  Interval interval;      // of a corpus: bootstrap over sentences
  std::string signature;  // the settings, in SacreBLEU's words
};

// Tokens of mteval-v13a.
std::vector<std::string> tokenize_13a(std::string_view line);

// Of one sentence against its references (at least one).
BleuCounts bleu_counts(std::string_view hypothesis, const std::vector<std::string>& references,
                       const BleuOptions& options = {});
Bleu bleu_from_counts(const BleuCounts& counts, const BleuOptions& options = {});
// Exp smoothing and effective order, as is usual for one sentence.
Bleu sentence_bleu(std::string_view hypothesis, const std::vector<std::string>& references);
// references[i]: those of hypothesis i. InvalidInput when there is none, or the two sides differ in length.
Bleu corpus_bleu(const std::vector<std::string>& hypotheses, const std::vector<std::vector<std::string>>& references,
                 const BleuOptions& options = {}, uint64_t seed = kBootstrapSeed);
// The score of the sentences chosen, for paired_bootstrap().
Statistic bleu_statistic(std::vector<BleuCounts> sentences, const BleuOptions& options = {});

}  // namespace espalier
