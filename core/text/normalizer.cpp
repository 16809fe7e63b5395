#include "text/normalizer.h"

#include <algorithm>

#include "text/unicode.h"

namespace espalier {
namespace {

bool is_white_space_char(const AlignedChar& c) { return is_white_space(c.code); }

// Adds what `to` gives for `chars` code points to `changes`: the first of the new ones take the place of the old ones,
// more are inserted, and fewer make the last new one swallow the rest. When nothing comes, the code point before
// swallows all.
void replace_chars(std::vector<Change>& changes, size_t chars, std::string_view to) {
  const size_t first = changes.size();
  for (size_t at = 0; at < to.size();) {
    const auto taken = static_cast<int32_t>(changes.size() - first >= chars);
    changes.push_back({next_code_point(to, at), taken});
  }
  const size_t made = changes.size() - first;
  if (made < chars && !changes.empty()) changes.back().taken -= static_cast<int32_t>(chars - made);
}

}  // namespace

void BertNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  if (options_.clean_text) {
    std::erase_if(text, [](const AlignedChar& c) {
      return c.code == 0 || c.code == kReplacementCharacter || is_control(c.code);
    });
    for (AlignedChar& c : text) {
      if (is_white_space(c.code)) c.code = ' ';
    }
  }
  if (options_.separate_cjk &&
      std::any_of(text.begin(), text.end(), [](const AlignedChar& c) { return is_cjk_ideograph(c.code); })) {
    AlignedText apart;
    apart.reserve(text.size() * 2);
    for (const AlignedChar& c : text) {
      const bool ideograph = is_cjk_ideograph(c.code);
      if (ideograph) apart.push_back({' ', c.begin, c.end});
      apart.push_back(c);
      if (ideograph) apart.push_back({' ', c.begin, c.end});
    }
    limit.check(apart.size());
    text = std::move(apart);
  }
  if (options_.strip_accents) {
    to_normal_form(text, NormalForm::D);
    std::erase_if(text, [](const AlignedChar& c) { return is_nonspacing_mark(c.code); });
  }
  if (options_.lower_case) lower_case(text);
}

void UnicodeNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  to_normal_form(text, form_);
  limit.check(text.size());
}

void LowercaseNormalizer::apply(AlignedText& text, const GrowthLimit&) const { lower_case(text); }

void StripAccentsNormalizer::apply(AlignedText& text, const GrowthLimit&) const {
  std::erase_if(text, [](const AlignedChar& c) { return is_mark(c.code); });
}

void StripNormalizer::apply(AlignedText& text, const GrowthLimit&) const {
  if (right_) {
    while (!text.empty() && is_white_space_char(text.back())) text.pop_back();
  }
  if (left_) text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_white_space_char));
}

void ReplaceNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  const std::vector<Range> matches = pattern_.find_all(text);
  if (matches.empty()) return;
  limit.check(matches.size() * content_.size());
  AlignedText out;
  out.reserve(text.size());
  size_t done = 0;
  for (const Range& match : matches) {
    out.insert(out.end(), text.begin() + static_cast<std::ptrdiff_t>(done),
               text.begin() + static_cast<std::ptrdiff_t>(match.begin));
    const AlignedChar& last = text[match.end - 1];
    for (const char32_t code : content_) out.push_back({code, last.begin, last.end});
    done = match.end;
  }
  out.insert(out.end(), text.begin() + static_cast<std::ptrdiff_t>(done), text.end());
  limit.check(out.size());
  text = std::move(out);
}

void prepend(AlignedText& text, const std::u32string& content) {
  if (text.empty()) return;
  const AlignedChar first = text.front();
  text.insert(text.begin(), content.size(), first);
  for (size_t i = 0; i < content.size(); ++i) text[i].code = content[i];
}

void PrependNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  limit.check(text.size() + content_.size());
  prepend(text, content_);
}

void NmtNormalizer::apply(AlignedText& text, const GrowthLimit&) const {
  std::erase_if(text, [](const AlignedChar& c) {
    const char32_t code = c.code;
    return (code >= 0x1 && code <= 0x8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
           code == 0x8F || code == 0x9F;
  });
  for (AlignedChar& c : text) {
    switch (c.code) {
      case 0x9:
      case 0xA:
      case 0xC:
      case 0xD:
      case 0x1680:
      case 0x2028:
      case 0x2029:
      case 0x2581:
      case 0xFEFF:
      case 0xFFFD:
        c.code = ' ';
        break;
      default:
        if (c.code >= 0x200B && c.code <= 0x200F) c.code = ' ';
    }
  }
}

void PrecompiledNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  constexpr size_t kLargestWhole = 5;  // bytes
  std::vector<Change> changes;
  changes.reserve(text.size());
  bool changed = false;
  const std::span<const AlignedChar> all = text;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = grapheme_end(all, begin);
    size_t bytes = 0;
    for (size_t i = begin; i < end; ++i) bytes += utf8_size(text[i].code);
    const auto whole = bytes <= kLargestWhole ? rules_.shortest(all.subspan(begin, end - begin)) : std::nullopt;
    if (whole) {
      replace_chars(changes, end - begin, whole->to);
      changed = true;
      begin = end;
      continue;
    }
    for (; begin < end; ++begin) {
      if (const auto single = rules_.shortest(all.subspan(begin, 1))) {
        replace_chars(changes, 1, single->to);
        changed = true;
      } else {
        changes.push_back({text[begin].code, 0});
      }
    }
    limit.check(changes.size());
  }
  if (changed) apply_changes(text, changes);
}

void SequenceNormalizer::apply(AlignedText& text, const GrowthLimit& limit) const {
  for (const NormalizerPtr& step : steps_) step->apply(text, limit);
}

}  // namespace espalier
