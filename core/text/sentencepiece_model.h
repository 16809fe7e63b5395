#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/sentencepiece_normalizer.h"

namespace espalier {

// What a SentencePiece model file says (its message ModelProto), as far as cutting a text needs it.
struct SentencePieceModel {
  enum class Kind { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
  struct Piece {
    std::string text;
    float score = 0;
    Kind kind = Kind::Normal;
  };
  std::vector<Piece> pieces;  // by id
  int64_t unknown = -1;       // id of the piece of kind Unknown
  bool byte_fallback = false;
  std::string charsmap;
  SentencePieceNormalizer::Options normalizing;

  // -1 when there is no such piece.
  int64_t find(std::string_view text) const;
};

// Throws Format naming `where` for damage, Unsupported for models that are no Unigram.
SentencePieceModel read_sentencepiece_model(std::string_view bytes, std::string_view where);

}  // namespace espalier
