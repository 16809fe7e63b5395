#include "text/pre_tokenizer.h"

#include "text/byte_level.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// Matches that are single code points for which `is_kind` holds.
template <typename IsKind>
std::vector<Range> single_chars(const AlignedText& text, Range word, const IsKind& is_kind) {
  std::vector<Range> found;
  for (size_t i = word.begin; i < word.end; ++i) {
    if (is_kind(text[i].code)) found.push_back({i, i + 1});
  }
  return found;
}

}  // namespace

void split_at(Range word, const std::vector<Range>& matches, SplitBehavior behavior, bool invert,
              std::vector<Range>& out) {
  struct Part {
    Range range;
    bool is_match;
  };
  std::vector<Part> parts;
  size_t done = word.begin;
  for (const Range& match : matches) {
    if (match.begin > done) parts.push_back({{done, match.begin}, invert});
    parts.push_back({match, !invert});
    done = match.end;
  }
  if (done < word.end) parts.push_back({{done, word.end}, invert});
  const size_t first = out.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_match = parts[i].is_match;
    const bool after_match = i > 0 && parts[i - 1].is_match;
    bool joins = false;  // the part before
    switch (behavior) {
      case SplitBehavior::Removed:
        if (is_match) continue;
        break;
      case SplitBehavior::Isolated:
        break;
      case SplitBehavior::Contiguous:
        joins = is_match == after_match;
        break;
      case SplitBehavior::MergedWithPrevious:
        joins = is_match && !after_match;
        break;
      case SplitBehavior::MergedWithNext:
        joins = after_match && !is_match;
        break;
    }
    if (joins && out.size() > first) {
      out.back().end = parts[i].range.end;
    } else {
      out.push_back(parts[i].range);
    }
  }
}

void BertPreTokenizer::apply(SplitText& text, const GrowthLimit&) const {
  std::vector<Range> words;
  words.reserve(text.words.size() + text.chars.size() / 4);
  for (const Range& word : text.words) {
    for (size_t i = word.begin; i < word.end;) {
      const char32_t code = text.chars[i].code;
      size_t end = i + 1;
      if (!is_white_space(code)) {
        if (!is_punctuation(code)) {
          while (end < word.end && !is_white_space(text.chars[end].code) && !is_punctuation(text.chars[end].code)) {
            ++end;
          }
        }
        words.push_back({i, end});
      }
      i = end;
    }
  }
  text.words = std::move(words);
}

void CharPreTokenizer::apply(SplitText& text, const GrowthLimit&) const {
  const auto is_kind = [this](char32_t code) {
    return kind_ == Kind::WhiteSpace ? is_white_space(code)
           : kind_ == Kind::Number   ? is_number(code)
                                     : is_punctuation(code);
  };
  std::vector<Range> words;
  for (const Range& word : text.words) {
    split_at(word, single_chars(text.chars, word, is_kind), behavior_, false, words);
  }
  text.words = std::move(words);
}

void WordPreTokenizer::apply(SplitText& text, const GrowthLimit&) const {
  std::vector<Range> words;
  for (const Range& word : text.words) {
    for (size_t i = word.begin; i < word.end;) {
      const bool blank = is_white_space(text.chars[i].code);
      const bool letter = is_word_char(text.chars[i].code);
      size_t end = i + 1;
      while (end < word.end && is_white_space(text.chars[end].code) == blank &&
             is_word_char(text.chars[end].code) == letter) {
        ++end;
      }
      if (letter || !blank) words.push_back({i, end});
      i = end;
    }
  }
  text.words = std::move(words);
}

void PatternPreTokenizer::apply(SplitText& text, const GrowthLimit&) const {
  std::vector<Range> words;
  const std::span<const AlignedChar> all = text.chars;
  for (const Range& word : text.words) {
    std::vector<Range> matches = pattern_.find_all(all.subspan(word.begin, word.end - word.begin));
    for (Range& match : matches) match = {match.begin + word.begin, match.end + word.begin};
    split_at(word, matches, behavior_, invert_, words);
  }
  text.words = std::move(words);
}

void MetaspacePreTokenizer::apply(SplitText& text, const GrowthLimit& limit) const {
  SplitText out;
  out.chars.reserve(text.chars.size() + text.words.size());
  for (const Range& word : text.words) {
    const size_t begin = out.chars.size();
    const AlignedChar& first = text.chars[word.begin];
    const bool has_mark = first.code == mark_ || first.code == ' ';
    const bool wanted = prepend_ == Prepend::Always || (prepend_ == Prepend::First && begin == 0 && first.begin == 0);
    if (wanted && !has_mark) out.chars.push_back({mark_, first.begin, first.end});
    for (size_t i = word.begin; i < word.end; ++i) {
      out.chars.push_back(text.chars[i]);
      if (out.chars.back().code == ' ') out.chars.back().code = mark_;
    }
    if (!split_) {
      out.words.push_back({begin, out.chars.size()});
      continue;
    }
    size_t word_begin = begin;
    for (size_t i = begin + 1; i < out.chars.size(); ++i) {
      if (out.chars[i].code != mark_) continue;
      out.words.push_back({word_begin, i});
      word_begin = i;
    }
    out.words.push_back({word_begin, out.chars.size()});
  }
  limit.check(out.chars.size());
  text = std::move(out);
}

void ByteLevelPreTokenizer::apply(SplitText& text, const GrowthLimit& limit) const {
  SplitText out;
  out.chars.reserve(text.chars.size() + text.chars.size() / 8 + text.words.size());
  AlignedText with_blank;
  std::string bytes;
  for (const Range& word : text.words) {
    std::span<const AlignedChar> chars = std::span(text.chars).subspan(word.begin, word.end - word.begin);
    if (add_prefix_space_ && chars.front().code != ' ') {
      with_blank.assign(1, {' ', chars.front().begin, chars.front().end});
      with_blank.insert(with_blank.end(), chars.begin(), chars.end());
      chars = with_blank;
    }
    for (size_t at = 0; at < chars.size();) {
      const size_t end = split_ ? gpt2_word_end(chars, at) : chars.size();
      const size_t begin = out.chars.size();
      for (; at < end; ++at) {
        const AlignedChar& c = chars[at];
        if (c.code < 0x80) {
          out.chars.push_back({stand_in(static_cast<uint8_t>(c.code)), c.begin, c.end});
          continue;
        }
        bytes.clear();
        append_utf8(bytes, c.code);
        for (const char byte : bytes) out.chars.push_back({stand_in(static_cast<uint8_t>(byte)), c.begin, c.end});
      }
      out.words.push_back({begin, out.chars.size()});
    }
  }
  limit.check(out.chars.size());
  text = std::move(out);
}

void SequencePreTokenizer::apply(SplitText& text, const GrowthLimit& limit) const {
  for (const PreTokenizerPtr& step : steps_) step->apply(text, limit);
}

}  // namespace espalier
