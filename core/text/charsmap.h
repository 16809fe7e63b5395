#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"

namespace espalier {

// SentencePiece's rules of normalization (Kudo and Richardson 2018, arXiv 1808.06226), as its models carry them: a
// double array over the bytes of what is replaced, then the replacements, each ended by a zero byte.
class Charsmap {
 public:
  // Empty bytes: no rules. Throws Format naming `where` when the parts do not fit together.
  Charsmap(std::string_view bytes, std::string_view where);
  static Charsmap from_base64(std::string_view text, std::string_view where);

  struct Match {
    size_t chars = 0;     // replaced
    std::string_view to;  // UTF-8, a few bytes
  };
  // The rule for the longest beginning of `text`.
  std::optional<Match> longest(std::span<const AlignedChar> text) const;
  // The rule for the shortest beginning of `text`.
  std::optional<Match> shortest(std::span<const AlignedChar> text) const;

 private:
  std::optional<Match> find(std::span<const AlignedChar> text, bool first) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace espalier
