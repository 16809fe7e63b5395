#pragma once
// What the heads of a layer attend to, in a few numbers (after Clark 2019, arXiv 1906.04341, section 3).

#include <array>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "text/encoding.h"

namespace espalier {

// All are means over the query's text tokens; special ones are left out as queries, not as keys.
enum class AttentionMeasure : uint8_t {
  Entropy,     // of the attention of a token, nats: 0 for one key, ln n for all alike
  Distance,    // mean |query - key| weighted by attention, tokens
  First,       // share that goes to the first token ([CLS] where there is one)
  Separators,  // share to special tokens behind the first ([SEP])
  Previous,    // share to the token before
  Next,        // share to the token behind
};
inline constexpr std::array<AttentionMeasure, 6> kAttentionMeasures = {
    AttentionMeasure::Entropy,    AttentionMeasure::Distance, AttentionMeasure::First,
    AttentionMeasure::Separators, AttentionMeasure::Previous, AttentionMeasure::Next};
std::string_view to_string(AttentionMeasure measure);  // "entropy", "distance", "first", "separators", ...

using HeadMeasures = std::array<double, kAttentionMeasures.size()>;
// probabilities: (heads, n, m) F32, rows of n queries over m keys. In cross-attention queries and keys are of two
// texts, so that Distance, Previous and Next are NaN. Queries without a text token: zeros.
std::vector<HeadMeasures> attention_measures(const Tensor& probabilities, const std::vector<bool>& special_queries,
                                             const std::vector<bool>& special_keys, bool cross);

// Mean and spread of a measure over examples as they stream by (Welford 1962).
class RunningMean {
 public:
  void add(double value);
  int64_t count() const { return count_; }
  double mean() const { return mean_; }
  // Half the width of the 95 % interval of the mean, normal approximation; 0 below two values.
  double half_width() const;

 private:
  int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

}  // namespace espalier
