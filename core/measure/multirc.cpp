#include "measure/multirc.h"

#include "measure/check_sizes.h"

namespace espalier {

MultiRcQuality multirc_quality(const std::vector<MultiRcQuestion>& questions) {
  struct Counts {
    int64_t hits = 0, total = 0;  // both right; said right + are right
  };
  std::vector<Counts> counts;
  int64_t whole = 0;
  for (const MultiRcQuestion& question : questions) {
    check_sizes(question.gold.size(), question.predicted.size());
    Counts one;
    for (size_t i = 0; i < question.gold.size(); ++i) {
      one.hits += question.gold[i] && question.predicted[i];
      one.total += question.gold[i] + question.predicted[i];
    }
    counts.push_back(one);
    whole += question.gold == question.predicted;
  }
  MultiRcQuality quality;
  quality.exact = proportion(whole, static_cast<int64_t>(questions.size()));
  quality.f1a = bootstrap(questions.size(), [&](std::span<const uint32_t> examples) {
    Counts sum;
    for (const uint32_t example : examples) {
      sum.hits += counts[example].hits;
      sum.total += counts[example].total;
    }
    return sum.total == 0 ? 0.0 : 2 * static_cast<double>(sum.hits) / static_cast<double>(sum.total);
  });
  return quality;
}

}  // namespace espalier
