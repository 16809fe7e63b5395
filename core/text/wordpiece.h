#pragma once
// WordPiece as BERT uses it (Devlin 2019, arXiv 1810.04805): the longest known piece first, from left to right; a word
// that cannot be put together so is one unknown token.

#include <algorithm>
#include <string>

#include "text/piece_model.h"
#include "text/vocabulary.h"

namespace espalier {

class WordPieceModel final : public PieceModel {
 public:
  struct Config {
    std::string unknown_token = "[UNK]";
    std::string prefix = "##";  // of pieces that continue a word
    int64_t max_word_chars = 100;
  };
  // Throws Format naming `where` when the unknown token is missing.
  WordPieceModel(const Vocabulary& vocabulary, const Config& config, std::string_view where);

  void tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const override;
  TokenId unknown_id() const override { return unknown_; }

  // The same for a word of `chars` code points; `span(b, e)` gives the offsets of its bytes [b, e).
  template <typename SpanOf>
  void tokenize(std::string_view word, int64_t chars, const SpanOf& span, Scratch& scratch, TokenSpans& out) const;

 private:
  static bool begins_char(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

  PieceTable heads_;  // pieces that begin a word
  PieceTable tails_;  // the others, without their prefix
  TokenId unknown_ = -1;
  int64_t max_word_chars_ = 0;
};

template <typename SpanOf>
void WordPieceModel::tokenize(std::string_view word, int64_t chars, const SpanOf& span, Scratch& scratch,
                              TokenSpans& out) const {
  const size_t mark = out.ids.size();
  const auto give_up = [&] {
    out.resize(mark);
    out.add(unknown_, span(0, word.size()));
  };
  if (chars > max_word_chars_) return give_up();
  std::vector<uint64_t>& hashes = scratch.hashes;
  for (size_t begin = 0; begin < word.size();) {
    const PieceTable& table = begin == 0 ? heads_ : tails_;
    const std::string_view rest = word.substr(begin, std::min(word.size() - begin, table.longest()));
    hashes.resize(rest.size() + 1);
    hashes[0] = PieceTable::kSeed;
    for (size_t i = 0; i < rest.size(); ++i) hashes[i + 1] = PieceTable::extend(hashes[i], rest[i]);
    TokenId found = -1;
    size_t length = rest.size();
    for (; length > 0; --length) {
      const size_t end = begin + length;
      if (end < word.size() && !begins_char(word[end])) continue;
      found = table.find(rest.substr(0, length), hashes[length]);
      if (found >= 0) break;
    }
    if (found < 0) return give_up();
    out.add(found, span(begin, begin + length));
    begin += length;
  }
}

}  // namespace espalier
