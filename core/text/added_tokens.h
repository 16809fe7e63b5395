#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "text/wordpiece.h"

namespace espalier {

// Bytes [begin, end) of a text that are one added token; never empty.
struct AddedTokenMatch {
  size_t begin = 0;
  size_t end = 0;
  TokenId id = 0;
};

// Finds added tokens in a text: leftmost, longest, without overlap.
class AddedTokenMatcher {
 public:
  // `content` is what to look for: the token's own, or its normalized form. An empty content never matches.
  void add(const AddedToken& token, const std::string& content);
  bool empty() const { return patterns_.empty(); }
  std::vector<AddedTokenMatch> find_all(std::string_view text) const;

 private:
  struct Pattern {
    AddedToken token;
    std::string content;
  };
  std::vector<Pattern> patterns_;   // longest first
  std::array<bool, 256> begins_{};  // whether a pattern begins with the byte
};

}  // namespace espalier
