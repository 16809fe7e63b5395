#include "measure/attack/word_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "text/unicode.h"

namespace espalier {
namespace {

std::span<const float> row_of(const Tensor& table, TokenId id) {
  const auto width = static_cast<size_t>(table.size(1));
  return table.values<float>().subspan(static_cast<size_t>(id) * width, width);
}

double dot(std::span<const float> a, std::span<const float> b) {
  // Eight partial sums let the compiler use whole vectors.
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  double total = 0;
  for (; i < a.size(); ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return std::accumulate(std::begin(sums), std::end(sums), total);
}

double cosine_of(double product, double norm_a, double norm_b) {
  return norm_a == 0 || norm_b == 0 ? 0 : std::clamp(product / (norm_a * norm_b), -1.0, 1.0);
}

// Letters only, two at least: no piece, number, mark or special token.
bool is_whole_word(const std::string& token) {
  int64_t letters = 0;
  for (size_t at = 0; at < token.size();) {
    const char32_t code = next_code_point(token, at);
    if (!is_word_char(code) || (code >= '0' && code <= '9') || code == '_') return false;
    ++letters;
  }
  return letters >= 2;
}

}  // namespace

WordVectors::WordVectors(const Model& model, std::shared_ptr<const Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)), table_(materialize(model.weight("embeddings.word.weight"))) {
  const int64_t count = std::min(tokenizer_->vocab_size(), table_.size(0));
  for (int64_t i = 0; i < count; ++i) {
    const TokenId id = static_cast<TokenId>(i);
    if (tokenizer_->is_special(id)) continue;
    std::string text = tokenizer_->decode({id});
    text.erase(0, text.find_first_not_of(' '));
    if (!is_whole_word(text) || pieces(text) != std::vector<TokenId>{id}) continue;
    words_.push_back({std::move(text), id, std::sqrt(dot(row_of(table_, id), row_of(table_, id)))});
  }
}

// As behind a blank: byte-level vocabularies tell the inside of a text from its beginning.
std::vector<TokenId> WordVectors::pieces(const std::string& word) const {
  EncodeOptions options;
  options.add_special_tokens = false;
  return tokenizer_->encode(std::string(" ").append(word), options).ids;
}

const std::vector<float>& WordVectors::vector(const std::string& word) const {
  const auto [entry, is_new] = cache_.try_emplace(word);
  if (!is_new) return entry->second;
  const std::vector<TokenId> ids = pieces(word);
  std::vector<float>& sum = entry->second;
  sum.assign(static_cast<size_t>(table_.size(1)), 0.0f);
  for (const TokenId id : ids) {
    if (id < 0 || id >= table_.size(0)) continue;
    const auto row = row_of(table_, id);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += row[i] / static_cast<float>(ids.size());
  }
  return sum;
}

std::vector<WordVectors::Neighbour> WordVectors::neighbours(const std::string& word, size_t limit, double least) const {
  const std::vector<float>& own = vector(word);
  const double own_norm = std::sqrt(dot(own, own));
  std::vector<Neighbour> found;
  for (const WholeWord& other : words_) {
    const double cosine = cosine_of(dot(own, row_of(table_, other.id)), own_norm, other.norm);
    if (cosine >= least && other.text != word) found.push_back({other.text, cosine});
  }
  std::ranges::stable_sort(found, std::greater(), &Neighbour::cosine);
  if (found.size() > limit) found.resize(limit);
  return found;
}

double BagSimilarity::cosine(const std::vector<std::string>& a, const std::vector<std::string>& b) const {
  const auto sum_of = [&](const std::vector<std::string>& words) {
    std::vector<float> sum(vectors_.vector("").size());
    for (const std::string& word : words) {
      const std::vector<float>& one = vectors_.vector(word);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
    }
    return sum;
  };
  const std::vector<float> sum_a = sum_of(a), sum_b = sum_of(b);
  return cosine_of(dot(sum_a, sum_b), std::sqrt(dot(sum_a, sum_a)), std::sqrt(dot(sum_b, sum_b)));
}

std::vector<std::string> EmbeddingCandidates::candidates(const std::string& word, size_t limit) const {
  std::vector<std::string> kept;
  const unsigned parts = wordnet_ == nullptr ? 0 : wordnet_->parts_of_speech(word);
  for (WordVectors::Neighbour& neighbour : vectors_.neighbours(word, limit, least_cosine_)) {
    if (wordnet_ != nullptr && !same_part_of_speech(parts, wordnet_->parts_of_speech(neighbour.word))) continue;
    kept.push_back(std::move(neighbour.word));
  }
  return kept;
}

}  // namespace espalier
