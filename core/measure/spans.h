#pragma once
// Tags of words: spans of B-X, I-X and O, and their F1 as conlleval counts (Tjong Kim Sang and De Meulder 2003).

#include <cstdint>
#include <string>
#include <vector>

#include "measure/interval.h"

namespace espalier {

// Whether every name is "O", "B-..." or "I-...", with a "B-" or "I-" among them.
bool are_bio_tags(const std::vector<std::string>& labels);

// Spans that are exactly right (type, first and last word), predicted, and in the gold tags.
struct SpanCounts {
  int64_t right = 0, predicted = 0, gold = 0;

  SpanCounts& operator+=(const SpanCounts& other);
  double precision() const;
  double recall() const;
  double f1() const;
};

// Of one sentence, tags by index into `labels` (-1, and labels that are no BIO tag, count as O). An I-X that does not
// go on from X begins a span.
SpanCounts span_counts(const std::vector<int32_t>& gold, const std::vector<int32_t>& predicted,
                       const std::vector<std::string>& labels);

struct TaggingQuality {
  int64_t sentences = 0, words = 0;
  Interval accuracy;               // of words; bootstrap over sentences, whose words are not independent
  Interval precision, recall, f1;  // of spans, bootstrap over sentences; zeros without BIO tags
  std::vector<SpanCounts> spans;   // a sentence: for paired tests
  std::vector<double> right_words, all_words;
};
// Tags a sentence; a word whose tag is not known (-1 in `predicted`) is wrong. InvalidInput when sizes differ or there
// is no word.
TaggingQuality tagging_quality(const std::vector<std::vector<int32_t>>& gold,
                               const std::vector<std::vector<int32_t>>& predicted,
                               const std::vector<std::string>& labels, uint64_t seed = kBootstrapSeed);

// The figures of the sentences chosen, for paired_bootstrap(). The quality must outlive them.
Statistic span_f1_statistic(const TaggingQuality& quality);
Statistic tag_accuracy_statistic(const TaggingQuality& quality);

}  // namespace espalier
