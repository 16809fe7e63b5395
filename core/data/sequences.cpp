#include "data/sequences.h"

#include <algorithm>

#include "base/error.h"
#include "data/source_text.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// Pieces of running text that are encoded at once: long enough for speed, short enough for memory.
constexpr size_t kPieceBytes = size_t{1} << 16;
constexpr size_t kLongestPiece = size_t{1} << 20;

int64_t words_in(std::string_view line) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : line) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
    words += !blank && !inside ? 1 : 0;
    inside = !blank;
  }
  return words;
}

bool begins_with_blank(const std::string& line) { return line.empty() || without_blanks(line.substr(0, 1)).empty(); }

// An encoding cut to a length, and whether anything was lost.
Encoding encode_cut(const Tokenizer& tokenizer, const std::string& text, int64_t max_length, bool& lost,
                    bool target = false) {
  Encoding encoding = tokenizer.encode(text, {.target = target});
  if (max_length <= 0 || std::ssize(encoding.ids) <= max_length) return encoding;
  lost = true;
  return tokenizer.encode(text, {.max_length = max_length, .target = target});
}

}  // namespace

EncodedWordDataset encode_words(const Dataset& dataset, const Tokenizer& tokenizer, int64_t max_length,
                                const CancelToken& cancel) {
  EncodedWordDataset encoded;
  for (const Example& example : dataset.examples) {
    if (encoded.examples.size() % 256 == 0) cancel.throw_if_cancelled();
    std::string text;
    std::vector<int64_t> ends;  // of each word, in code points of the text
    int64_t length = 0;
    for (const std::string& word : example.words) {
      if (!ends.empty()) ++length;
      text += (ends.empty() ? "" : " ") + word;
      length += count_code_points(word);
      ends.push_back(length);
    }
    bool lost = false;
    EncodedWords result;
    result.encoding = encode_cut(tokenizer, text, max_length, lost);
    if (lost) ++encoded.truncated;
    int32_t before = -1;
    for (size_t i = 0; i < result.encoding.size(); ++i) {
      const auto [begin, end] = result.encoding.offsets[i];
      const bool real = !result.encoding.special[i] && end > begin && !ends.empty();
      // A token may begin with the blank before its word: its last code point tells the word.
      const auto word = std::ranges::lower_bound(ends, static_cast<int64_t>(end));
      const int32_t number = real && word != ends.end() ? static_cast<int32_t>(word - ends.begin()) : -1;
      const bool first = number >= 0 && number != before;
      const bool tagged = first && static_cast<size_t>(number) < example.tags.size();
      result.words.push_back(number);
      result.labels.push_back(tagged ? example.tags[static_cast<size_t>(number)] : -1);
      if (number >= 0) before = number;
    }
    encoded.examples.push_back(std::move(result));
  }
  return encoded;
}

std::vector<int32_t> word_tags(const EncodedWords& encoded, const std::vector<int32_t>& token_tags, size_t num_words) {
  std::vector<int32_t> tags(num_words, -1);
  for (size_t i = 0; i < encoded.words.size() && i < token_tags.size(); ++i) {
    const int32_t word = encoded.words[i];
    if (word < 0 || static_cast<size_t>(word) >= num_words) continue;
    int32_t& tag = tags[static_cast<size_t>(word)];
    if (tag < 0) tag = token_tags[i];
  }
  return tags;
}

TokenStream token_stream(const Dataset& dataset, const Tokenizer& tokenizer, const CancelToken& cancel) {
  TokenStream stream;
  std::string piece;
  const auto encode_piece = [&] {
    cancel.throw_if_cancelled();
    const Encoding encoding = tokenizer.encode(piece, {.add_special_tokens = false});
    stream.ids.insert(stream.ids.end(), encoding.ids.begin(), encoding.ids.end());
    piece.clear();
  };
  bool before_is_blank = true;
  for (const Example& example : dataset.examples) {
    // Line ends and blanks in a row may be one token: no piece ends among them.
    const bool between_words = !before_is_blank && !begins_with_blank(example.text);
    if ((piece.size() >= kPieceBytes && between_words) || piece.size() >= kLongestPiece) encode_piece();
    piece += example.text;
    piece += '\n';
    stream.words += words_in(example.text) + 1;
    stream.code_points += count_code_points(example.text) + 1;
    before_is_blank = example.text.empty() || begins_with_blank(example.text.substr(example.text.size() - 1));
  }
  if (!piece.empty()) encode_piece();
  return stream;
}

std::vector<Encoding> token_blocks(const TokenStream& stream, int64_t length, int64_t stride) {
  if (length < 2 || stride < 0 || stride > length) {
    throw Error(ErrorKind::InvalidInput, {.what = "the blocks of a text cannot be of this size",
                                          .got = std::to_string(length) + " tokens, stride " + std::to_string(stride),
                                          .wanted = "at least 2 tokens, and a stride of at most as many"});
  }
  std::vector<Encoding> blocks;
  const int64_t tokens = std::ssize(stream.ids);
  for (int64_t begin = 0; tokens - begin >= 2; begin += stride == 0 ? length : stride) {
    const int64_t end = std::min(tokens, begin + length);
    const auto count = static_cast<size_t>(end - begin);
    Encoding block;
    block.ids.assign(stream.ids.begin() + begin, stream.ids.begin() + end);
    block.type_ids.assign(count, 0);
    block.offsets.assign(count, {0, 0});
    block.special.assign(count, false);
    blocks.push_back(std::move(block));
    if (end == tokens) break;
  }
  return blocks;
}

EncodedTranslationDataset encode_translation(const Dataset& dataset, const Tokenizer& source_tokenizer,
                                             const Tokenizer& target_tokenizer, int64_t max_source_length,
                                             int64_t max_target_length, const CancelToken& cancel) {
  EncodedTranslationDataset encoded;
  for (const Example& example : dataset.examples) {
    if (encoded.examples.size() % 256 == 0) cancel.throw_if_cancelled();
    bool lost = false;
    EncodedTranslation pair;
    pair.source = encode_cut(source_tokenizer, example.text, max_source_length, lost);
    pair.target = encode_cut(target_tokenizer, example.pair, max_target_length, lost, true);
    if (lost) ++encoded.truncated;
    encoded.examples.push_back(std::move(pair));
  }
  return encoded;
}

}  // namespace espalier
