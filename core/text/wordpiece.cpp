#include "text/wordpiece.h"

#include "base/error.h"

namespace espalier {

WordPieceModel::WordPieceModel(const Vocabulary& vocabulary, const Config& config, std::string_view where)
    : heads_(vocabulary.tokens().size()),
      tails_(vocabulary.tokens().size()),
      unknown_(vocabulary.find(config.unknown_token)),
      max_word_chars_(config.max_word_chars) {
  if (unknown_ < 0) {
    throw Error(ErrorKind::Format, {.what = "the vocabulary lacks its unknown token",
                                    .where = std::string(where),
                                    .wanted = config.unknown_token,
                                    .next = "use the vocabulary file that belongs to the model"});
  }
  for (const std::string& token : vocabulary.tokens()) {
    if (token.empty()) continue;
    const TokenId id = vocabulary.find(token);
    heads_.insert(token, id);
    if (token.size() > config.prefix.size() && token.starts_with(config.prefix)) {
      tails_.insert(std::string_view(token).substr(config.prefix.size()), id);
    }
  }
}

void WordPieceModel::tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const {
  const auto span = [&](size_t begin, size_t end) { return word.span(begin, end); };
  tokenize(word.bytes, static_cast<int64_t>(word.chars.size()), span, scratch, out);
}

}  // namespace espalier
