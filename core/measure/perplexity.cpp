#include "measure/perplexity.h"

#include <cmath>

#include "base/error.h"

namespace espalier {

Statistic nll_statistic(const std::vector<TextLikelihood>& texts) {
  return [&texts](std::span<const uint32_t> examples) {
    double sum = 0;
    int64_t tokens = 0;
    for (const uint32_t example : examples) {
      sum += texts[example].nll_sum;
      tokens += texts[example].tokens;
    }
    return tokens == 0 ? 0.0 : sum / static_cast<double>(tokens);
  };
}

LanguageModelQuality language_model_quality(const std::vector<TextLikelihood>& texts, uint64_t seed) {
  LanguageModelQuality quality;
  for (const TextLikelihood& text : texts) quality.tokens += text.tokens;
  if (quality.tokens == 0) throw Error(ErrorKind::InvalidInput, "there are no tokens to measure a language model on");
  quality.nll_per_token = bootstrap(texts.size(), nll_statistic(texts), seed);
  const Interval& nll = quality.nll_per_token;
  quality.perplexity = {std::exp(nll.value), std::exp(nll.low), std::exp(nll.high)};
  return quality;
}

}  // namespace espalier
