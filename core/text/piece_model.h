#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/index.h"
#include "text/aligned_text.h"
#include "text/token_spans.h"

namespace espalier {

// One word to be cut into pieces: its UTF-8 bytes and where they come from.
struct Word {
  std::string_view bytes;
  std::span<const AlignedChar> chars;
  std::span<const int32_t> char_at;  // index into `chars` by byte

  // Offsets in the original text of bytes [begin, end); not empty.
  std::pair<int32_t, int32_t> span(size_t begin, size_t end) const {
    return {chars[static_cast<size_t>(char_at[begin])].begin, chars[static_cast<size_t>(char_at[end - 1])].end};
  }
};

// Room that models work in, used again from word to word of one call.
struct Scratch {
  struct Path {  // the best way to cut a word up to a byte
    double score = 0;
    int32_t from = -1;  // where its last piece begins; -1: not reached
    int32_t piece = -1;
  };
  struct Symbol {  // a stretch of a word that BPE has put together so far
    TokenId id = -1;
    int32_t previous = -1;
    int32_t next = -1;
    int32_t begin = 0;  // bytes [begin, end); begin == end: merged into another
    int32_t end = 0;
  };
  struct Merge {
    int32_t rank = 0;
    int32_t at = 0;
    TokenId id = -1;
  };
  std::vector<uint64_t> hashes;
  std::vector<Path> paths;
  std::vector<int32_t> cuts;
  std::vector<Symbol> symbols;
  std::vector<Merge> merges;
};

// Cuts words into pieces of a vocabulary. Any thread may call it.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  // `word` is not empty.
  virtual void tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const = 0;
  virtual TokenId unknown_id() const = 0;  // -1 when there is none
};
using PieceModelPtr = std::shared_ptr<const PieceModel>;

}  // namespace espalier
