#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/index.h"
#include "text/byte_trie.h"

namespace espalier {

// A token that is recognised in the text itself.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the blanks before it
  bool rstrip = false;       // takes the blanks behind it
  bool normalized = false;   // looked for after normalizing
  bool special = true;       // left out by decode
};

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
  bool empty() const { return tokens_.empty(); }
  std::vector<AddedTokenMatch> find_all(std::string_view text) const;

 private:
  ByteTrie contents_;  // to the index of the token
  std::vector<AddedToken> tokens_;
  std::array<bool, 256> begins_{};  // whether a content begins with the byte
};

}  // namespace espalier
