// A real pretrained encoder gives the sentence embedding that its authors' own tools give: tokenizer, float16 weights
// and forward pass together.

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "engine/engine.h"
#include "model/model.h"
#include "tests/support/support.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

// The mean of the last layer's rows, of length 1.
std::vector<double> sentence_embedding(const Engine& engine, const Encoding& encoding) {
  const std::vector<Encoding> one = {encoding};
  const EngineOutput output = engine.run(pack(one), {.hidden_states = true});
  const Tensor& last = output.hidden_states.back();
  std::vector<double> mean(static_cast<size_t>(last.size(1)), 0);
  for (int64_t i = 0; i < last.size(0); ++i) {
    for (int64_t k = 0; k < last.size(1); ++k) mean[static_cast<size_t>(k)] += last.value_at(i * last.size(1) + k);
  }
  double square = 0;
  for (const double value : mean) square += value * value;
  for (double& value : mean) value /= std::sqrt(square);
  return mean;
}

TEST(SentenceEmbedding, OfMiniLmIsTheKnownOne) {
  ESPALIER_REQUIRE_SHARED();
  const Model model = open_model(test::shared_dir() / "models" / "minilm-l6");
  const auto tokenizer = load_tokenizer(model.tokenizer_files, "minilm-l6");
  const Engine engine(model);
  const auto embed = [&](const char* text) { return sentence_embedding(engine, tokenizer->encode(text)); };
  const std::vector<double> got = embed("This is an example sentence");
  const std::array<double, 4> wanted = {0.0677, 0.0635, 0.0487, 0.0794};
  ASSERT_EQ(got.size(), 384U);
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(got[i], wanted.at(i), 1e-4);

  // What such embeddings are for: a paraphrase is nearer than another matter.
  const auto cosine = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const std::vector<double> cat = embed("A cat sleeps on the sofa.");
  EXPECT_GT(cosine(cat, embed("A kitten is napping on the couch.")), 0.5);
  EXPECT_LT(cosine(cat, embed("The central bank raised interest rates.")), 0.2);
}

}  // namespace
}  // namespace espalier
