#pragma once
// Unigram (Kudo 2018, arXiv 1804.10959): of all ways to cut a text into pieces, the one whose pieces are the most
// probable together, by dynamic programming over its code points.

#include <string>
#include <vector>

#include "text/byte_trie.h"
#include "text/piece_model.h"
#include "text/vocabulary.h"

namespace espalier {

class UnigramModel final : public PieceModel {
 public:
  struct Piece {
    std::string text;
    double score = 0;  // log probability
    TokenId id = 0;
    bool in_text = true;   // false: never found in a text (control symbols)
    bool defined = false;  // by a person: always found, its score counts for nothing
    bool unknown = false;  // the piece that stands for unknown text
  };
  struct Config {
    std::vector<Piece> pieces;
    TokenId unknown = -1;
    std::vector<std::string> other_tokens;  // by id: unknown text that is one of these is that token
    bool byte_fallback = false;             // unknown text as pieces <0x00> to <0xFF>
    bool single_precision = false;  // sums rounded to float, as SentencePiece has them: ties may break otherwise
  };
  // Throws Format naming `where` when there are no pieces, or none for unknown text.
  UnigramModel(const Config& config, std::string_view where);

  void tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const override;
  TokenId unknown_id() const override { return unknown_; }

 private:
  void find_paths(std::string_view word, std::vector<Scratch::Path>& paths) const;
  bool is_unknown(int32_t piece) const { return piece < 0 || unknowns_[static_cast<size_t>(piece)]; }
  void add_unknown(const Word& word, size_t begin, size_t end, TokenSpans& out) const;

  ByteTrie trie_;
  std::vector<double> scores_;  // by piece in the trie
  std::vector<TokenId> ids_;    // by piece in the trie
  std::vector<bool> unknowns_;  // by piece in the trie
  PieceTable others_;           // unknown text that has an id nevertheless
  std::vector<TokenId> bytes_;  // (256) ids of byte pieces; empty: no byte fallback
  TokenId unknown_ = -1;
  double unknown_score_ = 0;  // of one code point
  bool single_precision_ = false;
};

}  // namespace espalier
