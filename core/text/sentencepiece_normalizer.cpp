#include "text/sentencepiece_normalizer.h"

#include "text/unicode.h"

namespace espalier {
namespace {

constexpr char32_t kBlankPiece = 0x2581;

}  // namespace

SentencePieceNormalizer::SentencePieceNormalizer(Charsmap rules, Options options, const std::vector<std::string>& kept)
    : rules_(std::move(rules)), options_(options) {
  for (size_t i = 0; i < kept.size(); ++i) kept_.insert(kept[i], static_cast<int32_t>(i));
}

size_t SentencePieceNormalizer::kept_chars(std::span<const AlignedChar> text) const {
  if (kept_.empty()) return 0;
  size_t longest = 0;
  ByteTrie::Node node = ByteTrie::kRoot;
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    bytes.clear();
    append_utf8(bytes, text[i].code);
    for (const char byte : bytes) {
      node = kept_.child(node, byte);
      if (node < 0) return longest;
    }
    if (kept_.value(node) >= 0) longest = i + 1;
  }
  return longest;
}

void SentencePieceNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  const char32_t blank = options_.escape_whitespaces ? kBlankPiece : U' ';
  const std::span<const AlignedChar> all = text;
  AlignedText out;
  out.reserve(text.size() + 1);
  bool after_blank = options_.remove_extra_whitespaces;
  for (size_t at = 0; at < text.size();) {
    const auto push = [&](char32_t code, size_t chars) {
      const bool is_blank = code == ' ';
      if (is_blank && after_blank) return;
      out.push_back({is_blank ? blank : code, text[at].begin, text[at + chars - 1].end});
    };
    if (const size_t kept = kept_chars(all.subspan(at))) {
      for (size_t i = 0; i < kept; ++i) {
        out.push_back({text[at + i].code == ' ' ? blank : text[at + i].code, text[at + i].begin, text[at + i].end});
      }
      after_blank = options_.remove_extra_whitespaces && text[at + kept - 1].code == ' ';
      at += kept;
      continue;
    }
    const auto rule = rules_.longest(all.subspan(at));
    if (!rule) {
      push(text[at].code, 1);
      after_blank = options_.remove_extra_whitespaces && text[at].code == ' ';
      ++at;
      continue;
    }
    // Only blanks that lead the replacement fall to the blank before it.
    char32_t last = 0;
    for (size_t i = 0; i < rule->to.size();) {
      last = next_code_point(rule->to, i);
      push(last, rule->chars);
      if (last != ' ') after_blank = false;
    }
    if (!rule->to.empty()) after_blank = options_.remove_extra_whitespaces && last == ' ';
    at += rule->chars;
    limit.check(out.size());
  }
  if (options_.remove_extra_whitespaces) {
    while (!out.empty() && out.back().code == blank) out.pop_back();
  }
  if (options_.add_dummy_prefix) prepend(out, std::u32string(1, blank));
  text = std::move(out);
}

}  // namespace espalier
