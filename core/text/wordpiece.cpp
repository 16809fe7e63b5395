#include "text/wordpiece.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/truncation.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace espalier {
namespace {

// What one byte means before any normalizing.
enum class ByteClass : uint8_t { Word, Blank, Punctuation, Other };  // Other: control or not ASCII, needs the whole way

constexpr std::array<ByteClass, 256> make_byte_classes() {
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
constexpr std::array<ByteClass, 256> kByteClasses = make_byte_classes();

ByteClass class_of(char byte) { return kByteClasses[static_cast<uint8_t>(byte)]; }
bool begins_char(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

// The state of one call: what came out so far, and buffers that are used again from word to word.
struct Run {
  TokenSpans out;
  std::string word;              // normalized bytes of the word at hand
  std::vector<uint64_t> hashes;  // of its prefixes
  std::vector<int32_t> char_at;  // index into the aligned text by byte of `word`
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  WordPieceTokenizer(WordPieceConfig config, std::string_view where);

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  Encoding encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options) const override;
  std::string decode(const std::vector<TokenId>& ids, bool skip_special_tokens) const override;

  int64_t vocab_size() const override { return vocabulary_.size(); }
  std::string token(TokenId id) const override;
  TokenId id(std::string_view token) const override {
    const TokenId found = vocabulary_.find(token);
    return found < 0 ? unknown_ : found;
  }
  bool is_special(TokenId id) const override {
    return id >= 0 && static_cast<size_t>(id) < special_.size() && special_[static_cast<size_t>(id)];
  }
  TokenId pad_id() const override { return pad_; }
  TokenId mask_id() const override { return mask_; }
  int64_t model_max_length() const override { return config_.model_max_length; }

 private:
  TokenSpans tokenize(std::string_view text) const;
  // Both take text with no token of its own inside and count its code points from `first_char`.
  int32_t tokenize_by_bytes(std::string_view text, int32_t first_char, Run& run) const;
  int32_t tokenize_whole(std::string_view text, int32_t first_char, Run& run) const;
  AlignedText normalized(std::string_view text, int32_t& next_char) const;
  void split_with_added(const AlignedText& text, Run& run) const;
  void split_words(const AlignedText& text, size_t begin, size_t end, Run& run) const;
  // `span(b, e)` gives the offsets of bytes [b, e) of the word.
  template <typename SpanOf>
  void emit_word(std::string_view word, int64_t chars, const SpanOf& span, Run& run) const;
  Encoding assemble(const TokenSpans& first, const TokenSpans* second, const EncodeOptions& options) const;

  WordPieceConfig config_;
  Vocabulary vocabulary_;
  PieceTable heads_;  // pieces that begin a word
  PieceTable tails_;  // the others, without their prefix
  AddedTokenMatcher raw_added_;
  AddedTokenMatcher normalized_added_;
  std::vector<bool> special_;
  TokenId unknown_ = -1;
  TokenId pad_ = 0;
  TokenId mask_ = -1;
};

WordPieceTokenizer::WordPieceTokenizer(WordPieceConfig config, std::string_view where)
    : config_(std::move(config)),
      vocabulary_(config_.tokens),
      heads_(config_.tokens.size()),
      tails_(config_.tokens.size()),
      special_(config_.tokens.size(), false) {
  unknown_ = vocabulary_.find(config_.unknown_token);
  if (unknown_ < 0) {
    throw Error(ErrorKind::Format, {.what = "the vocabulary lacks its unknown token",
                                    .where = std::string(where),
                                    .wanted = config_.unknown_token,
                                    .next = "use the vocabulary file that belongs to the model"});
  }
  for (const std::string& token : vocabulary_.tokens()) {
    if (token.empty()) continue;
    const TokenId token_id = vocabulary_.find(token);
    heads_.insert(token, token_id);
    if (token.size() > config_.prefix.size() && token.starts_with(config_.prefix)) {
      tails_.insert(std::string_view(token).substr(config_.prefix.size()), token_id);
    }
  }
  const auto check_id = [&](TokenId token_id) {
    if (token_id < 0 || token_id >= vocabulary_.size()) {
      throw Error(ErrorKind::Format, {.what = "a special token's id is outside the vocabulary",
                                      .where = std::string(where),
                                      .got = std::to_string(token_id),
                                      .wanted = "below " + std::to_string(vocabulary_.size())});
    }
  };
  for (const auto& items : {config_.single, config_.pair}) {
    for (const TemplateItem& item : items) check_id(item.id);
  }
  for (const AddedToken& added : config_.added) {
    check_id(added.id);
    if (added.special) special_[static_cast<size_t>(added.id)] = true;
    if (!added.normalized) {
      raw_added_.add(added, added.content);
      continue;
    }
    int32_t ignored = 0;
    std::string content;
    for (const AlignedChar& c : normalized(added.content, ignored)) append_utf8(content, c.code);
    normalized_added_.add(added, content);
  }
  pad_ = std::max(0, vocabulary_.find(config_.pad_token));
  mask_ = vocabulary_.find(config_.mask_token);
}

std::string WordPieceTokenizer::token(TokenId id) const {
  if (id < 0 || id >= vocabulary_.size()) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such token",
                                          .where = "the vocabulary",
                                          .got = "id " + std::to_string(id),
                                          .wanted = "0 to " + std::to_string(vocabulary_.size() - 1)});
  }
  return vocabulary_.token(id);
}

template <typename SpanOf>
void WordPieceTokenizer::emit_word(std::string_view word, int64_t chars, const SpanOf& span, Run& run) const {
  const size_t mark = run.out.ids.size();
  const auto give_up = [&] {
    run.out.resize(mark);
    run.out.add(unknown_, span(0, word.size()));
  };
  if (chars > config_.max_word_chars) return give_up();
  for (size_t begin = 0; begin < word.size();) {
    const PieceTable& table = begin == 0 ? heads_ : tails_;
    const std::string_view rest = word.substr(begin, std::min(word.size() - begin, table.longest()));
    run.hashes.resize(rest.size() + 1);
    run.hashes[0] = PieceTable::kSeed;
    for (size_t i = 0; i < rest.size(); ++i) run.hashes[i + 1] = PieceTable::extend(run.hashes[i], rest[i]);
    TokenId found = -1;
    size_t length = rest.size();
    for (; length > 0; --length) {
      const size_t end = begin + length;
      if (end < word.size() && !begins_char(word[end])) continue;
      found = table.find(rest.substr(0, length), run.hashes[length]);
      if (found >= 0) break;
    }
    if (found < 0) return give_up();
    run.out.add(found, span(begin, begin + length));
    begin += length;
  }
}

int32_t WordPieceTokenizer::tokenize_by_bytes(std::string_view text, int32_t first_char, Run& run) const {
  const bool lower_case = config_.normalize && config_.lower_case;
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
      at_char = tokenize_whole(text.substr(at, end - at), at_char, run);
      at = end;
      continue;
    }
    const std::string_view original = text.substr(at, end - at);
    std::string_view word = original;
    if (lower_case) {
      run.word.resize(original.size());
      std::transform(original.begin(), original.end(), run.word.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      word = run.word;
    }
    const auto span = [at_char](size_t b, size_t e) {
      return std::pair(at_char + static_cast<int32_t>(b), at_char + static_cast<int32_t>(e));
    };
    emit_word(word, static_cast<int64_t>(word.size()), span, run);
    at_char += static_cast<int32_t>(original.size());
    at = end;
  }
  return at_char;
}

AlignedText WordPieceTokenizer::normalized(std::string_view text, int32_t& next_char) const {
  AlignedText out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++next_char) {
    char32_t code = next_code_point(text, at);
    if (config_.normalize && config_.clean_text) {
      if (code == 0 || code == kReplacementCharacter || is_control(code)) continue;
      if (is_white_space(code)) code = ' ';
    }
    if (config_.normalize && config_.separate_cjk && is_cjk_ideograph(code)) {
      out.push_back({' ', next_char, next_char + 1});
      out.push_back({code, next_char, next_char + 1});
      out.push_back({' ', next_char, next_char + 1});
    } else {
      out.push_back({code, next_char, next_char + 1});
    }
  }
  if (config_.normalize && config_.strip_accents) {
    out = decomposed(out);
    std::erase_if(out, [](const AlignedChar& c) { return is_nonspacing_mark(c.code); });
  }
  if (config_.normalize && config_.lower_case) out = lower_cased(out);
  return out;
}

int32_t WordPieceTokenizer::tokenize_whole(std::string_view text, int32_t first_char, Run& run) const {
  int32_t next_char = first_char;
  const AlignedText aligned = normalized(text, next_char);
  if (normalized_added_.empty()) {
    split_words(aligned, 0, aligned.size(), run);
  } else {
    split_with_added(aligned, run);
  }
  return next_char;
}

void WordPieceTokenizer::split_with_added(const AlignedText& text, Run& run) const {
  std::string bytes;
  std::vector<size_t> char_at;
  for (size_t i = 0; i < text.size(); ++i) {
    append_utf8(bytes, text[i].code);
    char_at.resize(bytes.size(), i);
  }
  char_at.push_back(text.size());
  size_t done = 0;
  for (const AddedTokenMatch& match : normalized_added_.find_all(bytes)) {
    const size_t begin = char_at[match.begin];
    const size_t end = char_at[match.end];
    split_words(text, done, begin, run);
    run.out.add(match.id, {text[begin].begin, text[end - 1].end});
    done = end;
  }
  split_words(text, done, text.size(), run);
}

void WordPieceTokenizer::split_words(const AlignedText& text, size_t begin, size_t end, Run& run) const {
  const auto span = [&](size_t b, size_t e) {
    return std::pair(text[static_cast<size_t>(run.char_at[b])].begin,
                     text[static_cast<size_t>(run.char_at[e - 1])].end);
  };
  for (size_t i = begin; i < end;) {
    if (is_white_space(text[i].code)) {
      ++i;
      continue;
    }
    size_t word_end = i + 1;
    if (!is_punctuation(text[i].code)) {
      while (word_end < end && !is_white_space(text[word_end].code) && !is_punctuation(text[word_end].code)) ++word_end;
    }
    run.word.clear();
    run.char_at.clear();
    for (size_t c = i; c < word_end; ++c) {
      append_utf8(run.word, text[c].code);
      run.char_at.resize(run.word.size(), static_cast<int32_t>(c));
    }
    emit_word(run.word, static_cast<int64_t>(word_end - i), span, run);
    i = word_end;
  }
}

TokenSpans WordPieceTokenizer::tokenize(std::string_view text) const {
  Run run;
  run.out.reserve(text.size() / 4 + 4);
  size_t done = 0;
  int32_t at_char = 0;
  const auto plain_text = [&](std::string_view part) {
    at_char = normalized_added_.empty() ? tokenize_by_bytes(part, at_char, run) : tokenize_whole(part, at_char, run);
  };
  for (const AddedTokenMatch& match : raw_added_.find_all(text)) {
    plain_text(text.substr(done, match.begin - done));
    const auto end_char =
        at_char + static_cast<int32_t>(count_code_points(text.substr(match.begin, match.end - match.begin)));
    run.out.add(match.id, {at_char, end_char});
    at_char = end_char;
    done = match.end;
  }
  plain_text(text.substr(done));
  return std::move(run.out);
}

Encoding WordPieceTokenizer::assemble(const TokenSpans& first, const TokenSpans* second,
                                      const EncodeOptions& options) const {
  Encoding encoding;
  const size_t tokens = first.ids.size() + (second ? second->ids.size() : 0) + 4;
  encoding.ids.reserve(tokens);
  encoding.type_ids.reserve(tokens);
  encoding.offsets.reserve(tokens);
  encoding.special.reserve(tokens);
  const auto add = [&](const TokenSpans& text, int32_t type_id) {
    encoding.ids.insert(encoding.ids.end(), text.ids.begin(), text.ids.end());
    encoding.offsets.insert(encoding.offsets.end(), text.offsets.begin(), text.offsets.end());
    encoding.type_ids.resize(encoding.ids.size(), type_id);
    encoding.special.resize(encoding.ids.size(), false);
  };
  if (!options.add_special_tokens) {
    add(first, 0);
    if (second) add(*second, 1);
    return encoding;
  }
  for (const TemplateItem& item : second ? config_.pair : config_.single) {
    switch (item.kind) {
      case TemplateItem::Kind::First:
        add(first, item.type_id);
        break;
      case TemplateItem::Kind::Second:
        if (second) add(*second, item.type_id);
        break;
      case TemplateItem::Kind::Special:
        encoding.ids.push_back(item.id);
        encoding.offsets.emplace_back(0, 0);
        encoding.type_ids.push_back(item.type_id);
        encoding.special.push_back(true);
        break;
    }
  }
  return encoding;
}

int64_t num_special(const std::vector<TemplateItem>& items) {
  return std::count_if(items.begin(), items.end(),
                       [](const TemplateItem& item) { return item.kind == TemplateItem::Kind::Special; });
}

Encoding WordPieceTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  TokenSpans tokens = tokenize(text);
  truncate(tokens, nullptr, options, options.add_special_tokens ? num_special(config_.single) : 0);
  return assemble(tokens, nullptr, options);
}

Encoding WordPieceTokenizer::encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options) const {
  TokenSpans first = tokenize(a);
  TokenSpans second = tokenize(b);
  truncate(first, &second, options, options.add_special_tokens ? num_special(config_.pair) : 0);
  return assemble(first, &second, options);
}

// The clean-up of the reference's decoder: token by token, so that it joins marks to the word before but no more.
std::string cleaned(std::string text) {
  static const std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{{" .", "."},
                                                                                        {" ?", "?"},
                                                                                        {" !", "!"},
                                                                                        {" ,", ","},
                                                                                        {" ' ", "'"},
                                                                                        {" n't", "n't"},
                                                                                        {" 'm", "'m"},
                                                                                        {" do not", " don't"},
                                                                                        {" 's", "'s"},
                                                                                        {" 've", "'ve"},
                                                                                        {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

std::string WordPieceTokenizer::decode(const std::vector<TokenId>& ids, bool skip_special_tokens) const {
  std::string text;
  bool first = true;
  for (const TokenId token_id : ids) {
    if (skip_special_tokens && is_special(token_id)) continue;
    std::string piece = token(token_id);
    if (!first) {
      const bool continues = config_.decode_wordpiece && piece.starts_with(config_.decode_prefix);
      piece = continues ? piece.substr(config_.decode_prefix.size()) : " " + piece;
    }
    text += config_.decode_wordpiece && config_.decode_cleanup ? cleaned(std::move(piece)) : piece;
    first = false;
  }
  return text;
}

}  // namespace

std::shared_ptr<const Tokenizer> make_wordpiece_tokenizer(WordPieceConfig config, std::string_view where) {
  return std::make_shared<WordPieceTokenizer>(std::move(config), where);
}

}  // namespace espalier
