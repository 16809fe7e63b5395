#include "text/composed_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/bert_route.h"
#include "text/truncation.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace espalier {
namespace {

// The state of one call: what came out so far, and buffers that are used again from word to word.
struct Run {
  TokenSpans out;
  Scratch scratch;
  std::string word;              // bytes of the word at hand
  std::vector<int32_t> char_at;  // index into its code points by byte
};

class ComposedTokenizer final : public Tokenizer {
 public:
  ComposedTokenizer(TokenizerParts parts, std::string_view where);

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  Encoding encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options) const override;
  std::string decode(const std::vector<TokenId>& ids, bool skip_special_tokens) const override;
  std::vector<std::string> pieces(std::string_view text, const EncodeOptions& options) const override;

  int64_t vocab_size() const override { return vocabulary_.size(); }
  std::string token(TokenId id) const override;
  TokenId id(std::string_view token) const override;
  bool is_special(TokenId id) const override {
    return id >= 0 && static_cast<size_t>(id) < special_.size() && special_[static_cast<size_t>(id)];
  }
  TokenId pad_id() const override { return pad_; }
  TokenId mask_id() const override { return mask_; }
  int64_t model_max_length() const override { return parts_.model_max_length; }

 private:
  const TextRoute& route(const EncodeOptions& options) const {
    return options.target && parts_.target_route ? *parts_.target_route : parts_.route;
  }
  TokenId first_known(const std::vector<std::string>& names) const;
  TokenSpans tokenize(std::string_view text, const EncodeOptions& options, bool keeps_texts) const;
  // Text without an added token that is looked for as it stands; counts code points from `first_char`.
  int32_t tokenize_part(std::string_view text, int32_t first_char, const TextRoute& route, Run& run) const;
  void split_with_added(const AlignedText& text, const TextRoute& route, const GrowthLimit& limit, Run& run) const;
  void tokenize_normalized(AlignedText text, const TextRoute& route, const GrowthLimit& limit, Run& run) const;
  void finish(TokenSpans& tokens) const;

  TokenizerParts parts_;
  Vocabulary vocabulary_;
  std::optional<BertRoute> quick_;
  AddedTokenMatcher raw_added_;
  AddedTokenMatcher normalized_added_;
  std::vector<bool> special_;
  std::vector<BlankEnds> blank_ends_;  // by id, when offsets are trimmed
  TokenId pad_ = 0;
  TokenId mask_ = -1;
};

ComposedTokenizer::ComposedTokenizer(TokenizerParts parts, std::string_view where)
    : parts_(std::move(parts)), vocabulary_(std::move(parts_.tokens)), special_(vocabulary_.tokens().size(), false) {
  const auto check_id = [&](TokenId token_id) {
    if (token_id >= 0 && token_id < vocabulary_.size()) return static_cast<size_t>(token_id);
    throw Error(ErrorKind::Format, {.what = "a special token's id is outside the vocabulary",
                                    .where = std::string(where),
                                    .got = std::to_string(token_id),
                                    .wanted = "below " + std::to_string(vocabulary_.size())});
  };
  for (const Template& items : {parts_.post.single, parts_.post.pair}) {
    for (const TemplateItem& item : items) check_id(item.id);
  }
  for (const TokenId token_id : parts_.control) special_[check_id(token_id)] = true;
  for (const AddedToken& added : parts_.added) {
    const size_t token_id = check_id(added.id);
    if (added.special) special_[token_id] = true;
    if (!added.normalized || parts_.route.normalizer == nullptr) {
      raw_added_.add(added, added.content);
      continue;
    }
    int32_t ignored = 0;
    AlignedText content = aligned_text(added.content, ignored);
    parts_.route.normalizer->apply(content, GrowthLimit(content.size()));
    normalized_added_.add(added, to_utf8(content));
  }
  if (normalized_added_.empty()) quick_ = BertRoute::of(parts_.route);
  if (parts_.post.trim_offsets) {
    for (const std::string& token : vocabulary_.tokens()) blank_ends_.push_back(blank_ends(token));
  }
  pad_ = std::max(0, first_known({parts_.named.pad, "[PAD]", "<pad>"}));
  mask_ = first_known({parts_.named.mask, "[MASK]", "<mask>"});
}

TokenId ComposedTokenizer::first_known(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    if (const TokenId found = vocabulary_.find(name); !name.empty() && found >= 0) return found;
  }
  return -1;
}

std::string ComposedTokenizer::token(TokenId id) const {
  if (id < 0 || id >= vocabulary_.size()) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such token",
                                          .where = "the vocabulary",
                                          .got = "id " + std::to_string(id),
                                          .wanted = "0 to " + std::to_string(vocabulary_.size() - 1)});
  }
  return vocabulary_.token(id);
}

TokenId ComposedTokenizer::id(std::string_view token) const {
  const TokenId found = vocabulary_.find(token);
  return found < 0 ? parts_.route.model->unknown_id() : found;
}

void ComposedTokenizer::tokenize_normalized(AlignedText text, const TextRoute& route, const GrowthLimit& limit,
                                            Run& run) const {
  if (text.empty()) return;
  SplitText split;
  split.words = {{0, text.size()}};
  split.chars = std::move(text);
  if (route.pre_tokenizer != nullptr) route.pre_tokenizer->apply(split, limit);
  const std::span<const AlignedChar> chars = split.chars;
  for (const Range& word : split.words) {
    run.word.clear();
    run.char_at.clear();
    for (size_t i = word.begin; i < word.end; ++i) {
      append_utf8(run.word, chars[i].code);
      run.char_at.resize(run.word.size(), static_cast<int32_t>(i - word.begin));
    }
    route.model->tokenize({run.word, chars.subspan(word.begin, word.end - word.begin), run.char_at}, run.scratch,
                          run.out);
  }
}

void ComposedTokenizer::split_with_added(const AlignedText& text, const TextRoute& route, const GrowthLimit& limit,
                                         Run& run) const {
  std::string bytes;
  std::vector<size_t> char_at;
  for (size_t i = 0; i < text.size(); ++i) {
    append_utf8(bytes, text[i].code);
    char_at.resize(bytes.size(), i);
  }
  char_at.push_back(text.size());
  const auto part = [&](size_t begin, size_t end) {
    return AlignedText(text.begin() + static_cast<std::ptrdiff_t>(begin),
                       text.begin() + static_cast<std::ptrdiff_t>(end));
  };
  size_t done = 0;
  for (const AddedTokenMatch& match : normalized_added_.find_all(bytes)) {
    const size_t begin = char_at[match.begin];
    const size_t end = char_at[match.end];
    tokenize_normalized(part(done, begin), route, limit, run);
    run.out.add(match.id, {text[begin].begin, text[end - 1].end},
                std::string_view(bytes).substr(match.begin, match.end - match.begin));
    done = end;
  }
  tokenize_normalized(part(done, text.size()), route, limit, run);
}

int32_t ComposedTokenizer::tokenize_part(std::string_view text, int32_t first_char, const TextRoute& route,
                                         Run& run) const {
  int32_t next_char = first_char;
  AlignedText aligned = aligned_text(text, next_char);
  const GrowthLimit limit(aligned.size());
  if (route.normalizer != nullptr) route.normalizer->apply(aligned, limit);
  if (normalized_added_.empty()) {
    tokenize_normalized(std::move(aligned), route, limit, run);
  } else {
    split_with_added(aligned, route, limit, run);
  }
  return next_char;
}

TokenSpans ComposedTokenizer::tokenize(std::string_view text, const EncodeOptions& options, bool keeps_texts) const {
  const TextRoute& way = route(options);
  Run run;
  run.out.keeps_texts = keeps_texts;
  run.out.reserve(text.size() / 4 + 4);
  size_t done = 0;
  int32_t at_char = 0;
  const auto whole = [&](std::string_view part, int32_t first_char) {
    return tokenize_part(part, first_char, way, run);
  };
  const auto plain_text = [&](std::string_view part) {
    at_char = quick_ ? quick_->tokenize(part, at_char, run.scratch, run.out, whole) : whole(part, at_char);
  };
  for (const AddedTokenMatch& match : raw_added_.find_all(text)) {
    plain_text(text.substr(done, match.begin - done));
    const std::string_view found = text.substr(match.begin, match.end - match.begin);
    const auto end_char = at_char + static_cast<int32_t>(count_code_points(found));
    run.out.add(match.id, {at_char, end_char}, found);
    at_char = end_char;
    done = match.end;
  }
  plain_text(text.substr(done));
  return std::move(run.out);
}

void ComposedTokenizer::finish(TokenSpans& tokens) const {
  if (parts_.post.trim_offsets) trim_offsets(tokens, blank_ends_, parts_.post.keeps_prefix_space);
}

Encoding ComposedTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  TokenSpans tokens = tokenize(text, options, parts_.post.trim_offsets);
  truncate(tokens, nullptr, options, options.add_special_tokens ? parts_.post.num_special(false) : 0);
  finish(tokens);
  return parts_.post.assemble(tokens, nullptr, options.add_special_tokens);
}

Encoding ComposedTokenizer::encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options) const {
  TokenSpans first = tokenize(a, options, parts_.post.trim_offsets);
  TokenSpans second = tokenize(b, options, parts_.post.trim_offsets);
  truncate(first, &second, options, options.add_special_tokens ? parts_.post.num_special(true) : 0);
  finish(first);
  finish(second);
  return parts_.post.assemble(first, &second, options.add_special_tokens);
}

std::vector<std::string> ComposedTokenizer::pieces(std::string_view text, const EncodeOptions& options) const {
  TokenSpans tokens = tokenize(text, options, true);
  std::vector<std::string> result;
  result.reserve(tokens.ids.size());
  for (const TokenId id : tokens.ids) result.push_back(vocabulary_.token(id));
  for (auto& [index, piece] : tokens.texts) result[index] = std::move(piece);
  return result;
}

std::string ComposedTokenizer::decode(const std::vector<TokenId>& ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId token_id : ids) {
    if (!skip_special_tokens || !is_special(token_id)) tokens.push_back(token(token_id));
  }
  return parts_.decoder.decode(std::move(tokens));
}

}  // namespace

std::shared_ptr<const Tokenizer> compose_tokenizer(TokenizerParts parts, std::string_view where) {
  return std::make_shared<ComposedTokenizer>(std::move(parts), where);
}

}  // namespace espalier
