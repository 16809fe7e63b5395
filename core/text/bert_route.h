#pragma once
// The quick way of BERT's text route: ASCII words are read, lower-cased and cut byte by byte, without a normalized
// copy. Stretches with anything else go the whole way.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "text/composed_tokenizer.h"
#include "text/wordpiece.h"

namespace espalier {

class BertRoute {
 public:
  // Nothing when the route is not BERT's.
  static std::optional<BertRoute> of(const TextRoute& route);

  // Tokens of `text`, whose first code point has the number `first_char`; gives the number behind the last.
  // `whole(stretch, first_char)` does the same for any stretch of the text.
  template <typename Whole>
  int32_t tokenize(std::string_view text, int32_t first_char, Scratch& scratch, TokenSpans& out,
                   const Whole& whole) const;

 private:
  enum class ByteClass : uint8_t { Word, Blank, Punctuation, Other };  // Other: control or not ASCII
  static constexpr std::array<ByteClass, 256> make_byte_classes();
  static const std::array<ByteClass, 256> kByteClasses;
  static ByteClass class_of(char byte) { return kByteClasses[static_cast<uint8_t>(byte)]; }

  std::shared_ptr<const WordPieceModel> model_;
  bool lower_case_ = false;
};

constexpr std::array<BertRoute::ByteClass, 256> BertRoute::make_byte_classes() {
  std::array<ByteClass, 256> classes{};
  for (size_t byte = 0; byte < 256; ++byte) {
    const bool digit = byte >= '0' && byte <= '9';
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') {
      classes[byte] = ByteClass::Blank;
    } else if (digit || letter) {
      classes[byte] = ByteClass::Word;
    } else if (byte > 32 && byte < 127) {
      classes[byte] = ByteClass::Punctuation;
    } else {
      classes[byte] = ByteClass::Other;
    }
  }
  return classes;
}
inline constexpr std::array<BertRoute::ByteClass, 256> BertRoute::kByteClasses = BertRoute::make_byte_classes();

inline std::optional<BertRoute> BertRoute::of(const TextRoute& route) {
  const auto* normalizer = dynamic_cast<const BertNormalizer*>(route.normalizer.get());
  BertRoute quick;
  quick.model_ = std::dynamic_pointer_cast<const WordPieceModel>(route.model);
  quick.lower_case_ = normalizer != nullptr && normalizer->options().lower_case;
  if (quick.model_ == nullptr || dynamic_cast<const BertPreTokenizer*>(route.pre_tokenizer.get()) == nullptr ||
      (route.normalizer != nullptr && normalizer == nullptr)) {
    return std::nullopt;
  }
  return quick;
}

template <typename Whole>
int32_t BertRoute::tokenize(std::string_view text, int32_t first_char, Scratch& scratch, TokenSpans& out,
                            const Whole& whole) const {
  std::string lowered;
  int32_t at_char = first_char;
  for (size_t at = 0; at < text.size();) {
    const ByteClass kind = class_of(text[at]);
    if (kind == ByteClass::Blank) {
      ++at, ++at_char;
      continue;
    }
    size_t end = at + 1;
    if (kind == ByteClass::Word) {
      while (end < text.size() && class_of(text[end]) == ByteClass::Word) ++end;
    }
    const bool plain = kind != ByteClass::Other && (kind == ByteClass::Punctuation || end == text.size() ||
                                                    class_of(text[end]) != ByteClass::Other);
    if (!plain) {
      // Nothing in this stretch reaches over an ASCII blank or punctuation mark: both always end a word.
      while (end < text.size() && class_of(text[end]) != ByteClass::Blank &&
             class_of(text[end]) != ByteClass::Punctuation) {
        ++end;
      }
      at_char = whole(text.substr(at, end - at), at_char);
      at = end;
      continue;
    }
    const std::string_view original = text.substr(at, end - at);
    std::string_view word = original;
    if (lower_case_) {
      lowered.resize(original.size());
      std::transform(original.begin(), original.end(), lowered.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      word = lowered;
    }
    const auto span = [at_char](size_t b, size_t e) {
      return std::pair(at_char + static_cast<int32_t>(b), at_char + static_cast<int32_t>(e));
    };
    model_->tokenize(word, static_cast<int64_t>(word.size()), span, scratch, out);
    at_char += static_cast<int32_t>(original.size());
    at = end;
  }
  return at_char;
}

}  // namespace espalier
