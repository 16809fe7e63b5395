#include "measure/attack/word_vectors.h"

#include <cmath>

#include "measure/attack/victim.h"
#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

// Words on a circle: their angles in the first two of the model's dimensions.
struct WordModel {
  Model model;
  std::shared_ptr<const Tokenizer> tokenizer;

  WordModel() {
    const std::vector<std::pair<std::string, double>> words = {
        {"[PAD]", 0},  {"[UNK]", 0}, {"[CLS]", 0},  {"[SEP]", 0}, {"[MASK]", 0}, {"good", 0},    {"fine", 0.2},
        {"nice", 0.9}, {"bad", 3.1}, {"##ly", 0.1}, {"7", 0.05},  {"a", 0.02},   {"great", -0.1}};
    TinyShape shape;
    shape.vocab = static_cast<int64_t>(words.size());
    model = tiny_model(1, shape);
    std::vector<float> values(words.size() * static_cast<size_t>(shape.hidden));
    std::string vocab;
    for (size_t i = 0; i < words.size(); ++i) {
      vocab += words[i].first + "\n";
      values[i * 16] = static_cast<float>(2 * std::cos(words[i].second));
      values[i * 16 + 1] = static_cast<float>(2 * std::sin(words[i].second));
    }
    model.weights.replace("embeddings.word.weight", Dense{Tensor::from({shape.vocab, shape.hidden}, values)});
    model.tokenizer_files = {{"vocab.txt", std::make_shared<const std::string>(vocab)}};
    tokenizer = load_tokenizer(model.tokenizer_files, "test");
  }
};

TEST(WordVectors, NeighboursAreWholeWordsByCosine) {
  const WordModel words;
  const WordVectors vectors(words.model, words.tokenizer);
  const auto found = vectors.neighbours("good", 50, 0.5);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].word, "great");
  EXPECT_NEAR(found[0].cosine, std::cos(0.1), 1e-6);
  EXPECT_EQ(found[1].word, "fine");
  EXPECT_EQ(found[2].word, "nice");
  EXPECT_EQ(vectors.neighbours("good", 1, 0.5).size(), 1u);
  EXPECT_EQ(vectors.neighbours("good", 50, 0.7).size(), 2u);
  EXPECT_EQ(EmbeddingCandidates(vectors, nullptr).candidates("good", 50),
            (std::vector<std::string>{"great", "fine", "nice"}));
  EXPECT_EQ(EmbeddingCandidates(vectors, nullptr).part_of_speech_source(), "none");
}

TEST(WordVectors, AWordOfPiecesIsTheirMean) {
  const WordModel words;
  const WordVectors vectors(words.model, words.tokenizer);
  const std::vector<float>& vector = vectors.vector("nicely");
  EXPECT_NEAR(vector[0], std::cos(0.9) + std::cos(0.1), 1e-6);
  EXPECT_NEAR(vector[1], std::sin(0.9) + std::sin(0.1), 1e-6);
}

TEST(WordVectors, BagsAreComparedByTheirSums) {
  const WordModel words;
  const WordVectors vectors(words.model, words.tokenizer);
  const BagSimilarity similarity(vectors);
  EXPECT_NEAR(similarity.cosine({"good"}, {"fine"}), std::cos(0.2), 1e-6);
  EXPECT_NEAR(similarity.cosine({"good", "nice"}, {"nice", "good"}), 1, 1e-9);
  // Sums of unit vectors at 0 and 0.2, and at 0 and -0.1: angles 0.1 and -0.05.
  EXPECT_NEAR(similarity.cosine({"good", "fine"}, {"good", "great"}), std::cos(0.15), 1e-6);
  EXPECT_EQ(similarity.cosine({}, {"good"}), 0);
}

TEST(EngineVictim, AnswersInTheOrderOfTheTexts) {
  const WordModel words;
  const Engine engine(words.model, {.threads = 1});
  const Victim victim = engine_victim(engine, words.tokenizer, 32, {});
  const VictimText good = {"good good good", "", false}, bad = {"bad", "", false}, pair = {"good", "bad", true};
  const auto rows = victim({good, bad, pair});
  ASSERT_EQ(rows.size(), 3u);
  for (const auto& row : rows) EXPECT_NEAR(row[0] + row[1], 1, 1e-9);
  EXPECT_NEAR(victim({bad})[0][0], rows[1][0], 1e-5);
  EXPECT_NEAR(victim({pair})[0][0], rows[2][0], 1e-5);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(engine_victim(engine, words.tokenizer, 32, cancel)({good}), Cancelled);
}

}  // namespace
}  // namespace espalier::test
