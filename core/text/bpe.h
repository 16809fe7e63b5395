#pragma once
// Byte pair encoding (Sennrich 2016, arXiv 1508.07909; on bytes: Radford 2019): neighbours are put together in the
// order in which training learnt the pairs.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "text/piece_model.h"
#include "text/vocabulary.h"

namespace espalier {

// Values by pair of ids: open addressing.
class PairTable {
 public:
  struct Merge {
    uint64_t pair = kFree;
    int32_t rank = 0;
    TokenId id = -1;
  };
  explicit PairTable(size_t expected);
  // The last insertion of a pair counts.
  void insert(TokenId left, TokenId right, int32_t rank, TokenId id);
  // Null when the pair is not there.
  const Merge* find(TokenId left, TokenId right) const {
    const uint64_t pair = pair_of(left, right);
    for (size_t slot = place(pair);; slot = (slot + 1) & mask_) {
      const Merge& merge = slots_[slot];
      if (merge.pair == pair) return &merge;
      if (merge.pair == kFree) return nullptr;
    }
  }

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};
  static uint64_t pair_of(TokenId left, TokenId right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
  }
  size_t place(uint64_t pair) const { return static_cast<size_t>((pair * 0x9E3779B97F4A7C15ULL) >> 32) & mask_; }

  std::vector<Merge> slots_;
  size_t mask_ = 0;
};

class BpeModel final : public PieceModel {
 public:
  struct Config {
    std::vector<std::pair<std::string, std::string>> merges;  // the most frequent first
    std::string unknown_token;                                // empty: what is not known is left out
    bool fuse_unknown = false;   // unknown text that follows unknown text is one token with it
    bool byte_fallback = false;  // unknown text as pieces <0x00> to <0xFF>
    bool ignore_merges = false;  // a word that is a token is that token
  };
  // Throws Format naming `where` when a merge names a token that is not there.
  BpeModel(const Vocabulary& vocabulary, const Config& config, std::string_view where);

  // O(n log n) in the bytes of the word.
  void tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const override;
  TokenId unknown_id() const override { return unknown_; }

 private:
  void add_symbols(const Word& word, std::vector<Scratch::Symbol>& symbols) const;
  TokenId id_of_char(char32_t code, std::string_view bytes) const;
  void merge(std::vector<Scratch::Symbol>& symbols, std::vector<Scratch::Merge>& queue) const;
  void merge_few(std::vector<Scratch::Symbol>& symbols) const;

  PieceTable pieces_;
  PieceTable whole_;                      // tokens that are what their own text becomes
  std::array<TokenId, 0x180> of_char_{};  // ids of tokens of one code point, for the first code points
  std::vector<TokenId> bytes_;            // (256) ids of byte pieces; empty: no byte fallback
  PairTable merges_;
  TokenId unknown_ = -1;
  bool fuse_unknown_ = false;
  bool distinct_ = true;  // no two merges make the same token
};

}  // namespace espalier
