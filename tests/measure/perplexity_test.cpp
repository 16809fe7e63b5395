#include "measure/perplexity.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Perplexity, OfAUniformModelIsTheVocabularySize) {
  const LanguageModelQuality quality =
      language_model_quality({{10 * std::log(50.0), 10}, {3 * std::log(50.0), 3}, {std::log(50.0), 1}});
  EXPECT_NEAR(quality.perplexity.value, 50, 1e-9);
  EXPECT_NEAR(quality.perplexity.low, 50, 1e-9);
  EXPECT_NEAR(quality.nll_per_token.value, std::log(50.0), 1e-12);
  EXPECT_EQ(quality.tokens, 14);
}

TEST(Perplexity, TokensCountAndNotTexts) {
  const LanguageModelQuality quality = language_model_quality({{9, 9}, {3, 1}});
  EXPECT_NEAR(quality.nll_per_token.value, 1.2, 1e-12);
  EXPECT_NEAR(quality.perplexity.value, std::exp(1.2), 1e-12);
  EXPECT_EQ(expect_error([] { language_model_quality({}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
