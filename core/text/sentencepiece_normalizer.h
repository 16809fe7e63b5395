#pragma once
#include <string>
#include <vector>

#include "text/byte_trie.h"
#include "text/normalizer.h"

namespace espalier {

// What SentencePiece does to a text before it looks for pieces (Kudo and Richardson 2018, arXiv 1808.06226): the
// longest rule of its charsmap at every place, blanks taken together, a blank before the text, and blanks written as
// U+2581.
class SentencePieceNormalizer final : public Normalizer {
 public:
  struct Options {
    bool add_dummy_prefix = true;          // a blank before the text
    bool remove_extra_whitespaces = true;  // none at the ends, no two in a row
    bool escape_whitespaces = true;        // U+2581 for a blank
  };
  // `kept`: pieces that a person defined, which no rule may change.
  SentencePieceNormalizer(Charsmap rules, Options options, const std::vector<std::string>& kept);
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  // Code points of the longest kept piece at the beginning of `text`; 0 when there is none.
  size_t kept_chars(std::span<const AlignedChar> text) const;

  Charsmap rules_;
  Options options_;
  ByteTrie kept_;
};

}  // namespace espalier
