#pragma once
// The model's own input embeddings as vectors of words: neighbours of a word, and bags of words compared.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "measure/attack/candidates.h"
#include "measure/attack/wordnet.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace espalier {

// A word's vector is its row of "embeddings.word.weight", or the mean of the rows of its pieces. Use from one thread at
// a time.
class WordVectors {
 public:
  WordVectors(const Model& model, std::shared_ptr<const Tokenizer> tokenizer);

  struct Neighbour {
    std::string word;
    double cosine = 0;
  };
  // Whole words of the vocabulary with a cosine of at least `least`, most alike first (then by id), not the word.
  std::vector<Neighbour> neighbours(const std::string& word, size_t limit, double least) const;

  const std::vector<float>& vector(const std::string& word) const;

 private:
  std::vector<TokenId> pieces(const std::string& word) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  Tensor table_;  // (vocab, width) F32
  // Of letters, and one token where it stands behind a blank.
  struct WholeWord {
    std::string text;
    TokenId id = 0;
    double norm = 0;
  };
  std::vector<WholeWord> words_;
  mutable std::map<std::string, std::vector<float>> cache_;
};

// Bags of words: cosine of the sums of their vectors.
class BagSimilarity : public WindowSimilarity {
 public:
  explicit BagSimilarity(const WordVectors& vectors) : vectors_(vectors) {}
  std::string name() const override { return "cosine of bags of input embeddings"; }
  double cosine(const std::vector<std::string>& a, const std::vector<std::string>& b) const override;

 private:
  const WordVectors& vectors_;
};

// Nearest neighbours; with a WordNet only those of a fitting part of speech. An embedding's neighbours may be
// antonyms: what they do to a classifier is not always an error of it.
class EmbeddingCandidates : public CandidateSource {
 public:
  // `wordnet` may be null: no part of speech is looked up.
  EmbeddingCandidates(const WordVectors& vectors, const WordNet* wordnet, double least_cosine = 0.5)
      : vectors_(vectors), wordnet_(wordnet), least_cosine_(least_cosine) {}
  std::string name() const override { return "nearest input embeddings of the model"; }
  std::string part_of_speech_source() const override { return wordnet_ == nullptr ? "none" : "WordNet"; }
  std::vector<std::string> candidates(const std::string& word, size_t limit) const override;

 private:
  const WordVectors& vectors_;
  const WordNet* wordnet_;
  double least_cosine_;
};

}  // namespace espalier
