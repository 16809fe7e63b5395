#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace espalier {

// One step from tokens back to text: it rewrites the list of strings.
struct WordPieceDecoding {
  std::string prefix = "##";
  bool cleanup = true;  // marks and contractions join the word before
};
struct ByteLevelDecoding {};
struct MetaspaceDecoding {
  char32_t mark = 0x2581;
  bool drops_first = true;  // marks of the first token are no blanks
};
struct ReplaceDecoding {
  std::string pattern;  // not empty
  std::string content;
};
struct StripDecoding {
  char32_t content = ' ';
  int64_t start = 0;  // at most so many off each end of every token
  int64_t stop = 0;
};
struct ByteFallbackDecoding {};  // <0xE2><0x96><0x81> to the bytes, when they are valid together
struct FuseDecoding {};          // one string from here on
// Takes blanks off the ends of the whole text.
struct TrimDecoding {};
using DecodingStep = std::variant<WordPieceDecoding, ByteLevelDecoding, MetaspaceDecoding, ReplaceDecoding,
                                  StripDecoding, ByteFallbackDecoding, FuseDecoding, TrimDecoding>;

struct Decoder {
  std::vector<DecodingStep> steps;
  std::string separator;  // between the strings at the end

  // Throws Format when replacements would make the text grow without bound.
  std::string decode(std::vector<std::string> tokens) const;
};

}  // namespace espalier
