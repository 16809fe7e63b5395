#pragma once
// Language models: mean negative log-likelihood of tokens and its exponential.

#include <vector>

#include "measure/interval.h"

namespace espalier {

// The tokens of one document (or window) that were predicted, and the sum of -log p over them, nats.
struct TextLikelihood {
  double nll_sum = 0;
  int64_t tokens = 0;
};

struct LanguageModelQuality {
  Interval nll_per_token;  // nats; total over total, bootstrap over texts
  Interval perplexity;     // exp of the same
  int64_t tokens = 0;
};
// InvalidInput when there is no token.
LanguageModelQuality language_model_quality(const std::vector<TextLikelihood>& texts, uint64_t seed = kBootstrapSeed);

// Total over total of the texts chosen: the statistic behind nll_per_token, for paired_bootstrap().
Statistic nll_statistic(const std::vector<TextLikelihood>& texts);

}  // namespace espalier
