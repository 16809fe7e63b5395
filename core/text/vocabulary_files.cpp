// Reads vocab.txt (WordPiece) and vocab.json with merges.txt (byte-level BPE).

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "text/bpe.h"
#include "text/tokenizer_readers.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

// Calls `use(line)` for every line, without its end.
template <typename Use>
void for_each_line(std::string_view text, const Use& use) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    use(line);
    begin = end + 1;
  }
}

std::string or_else(const std::string& name, const char* fallback) { return name.empty() ? fallback : name; }

// Special tokens that a template needs: their ids, or a Format error.
TokenId needed_token(TokenizerParts& parts, const std::string& token, std::string_view where) {
  const TokenId id = add_special_token(parts, token);
  if (id >= 0) return id;
  throw Error(ErrorKind::Format, {.what = "the vocabulary lacks a special token",
                                  .where = std::string(where),
                                  .wanted = token,
                                  .next = "use the vocabulary file that belongs to the model"});
}

std::vector<std::pair<std::string, std::string>> read_merges(std::string_view text, std::string_view where) {
  std::vector<std::pair<std::string, std::string>> merges;
  int64_t number = 0;
  for_each_line(text, [&](std::string_view line) {
    ++number;
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos || blank == 0 || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string_view::npos) {
      throw Error(ErrorKind::Format, {.what = "a merge is no pair of tokens",
                                      .where = std::string(where) + ", line " + std::to_string(number),
                                      .got = "\"" + std::string(line.substr(0, 80)) + "\"",
                                      .wanted = "two tokens with a blank between"});
    }
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  });
  return merges;
}

bool is_roberta(const TokenizerParts& parts, const TokenizerSettings& settings) {
  const std::string& name = settings.tokenizer_class;
  for (const char* family : {"Roberta", "Bart", "Longformer", "LED"}) {
    if (name.find(family) != std::string::npos) return true;
  }
  if (!name.empty() && name != "PreTrainedTokenizer") return false;
  const auto has = [&](const char* token) {
    return std::find(parts.tokens.begin(), parts.tokens.end(), token) != parts.tokens.end();
  };
  return has("<s>") && has("</s>") && has("<mask>");
}

}  // namespace

TokenizerParts read_wordpiece_vocabulary(std::string_view lines, const TokenizerSettings& settings,
                                         std::string_view where) {
  TokenizerParts parts;
  for_each_line(lines, [&](std::string_view line) {
    set_token(parts.tokens, static_cast<int64_t>(parts.tokens.size()), std::string(line), where);
  });
  BertNormalizer::Options options;
  options.lower_case = settings.lower_case.value_or(true);
  options.strip_accents = settings.strip_accents.value_or(options.lower_case);
  options.separate_cjk = settings.separate_cjk.value_or(true);
  parts.route.normalizer = std::make_shared<BertNormalizer>(options);
  parts.route.pre_tokenizer = std::make_shared<BertPreTokenizer>();
  const NamedTokens& named = settings.named;
  const std::string unknown = or_else(named.unknown, "[UNK]");
  parts.route.model = std::make_shared<WordPieceModel>(Vocabulary(parts.tokens),
                                                       WordPieceModel::Config{.unknown_token = unknown}, where);
  apply_settings(parts, settings, where);
  const TokenId cls = needed_token(parts, or_else(named.cls, "[CLS]"), where);
  const TokenId sep = needed_token(parts, or_else(named.sep, "[SEP]"), where);
  for (const std::string& token : {unknown, or_else(named.pad, "[PAD]"), or_else(named.mask, "[MASK]")}) {
    add_special_token(parts, token);
  }
  parts.post.single = bert_template(cls, sep, false);
  parts.post.pair = bert_template(cls, sep, true);
  parts.decoder.steps = {WordPieceDecoding{}};
  return parts;
}

TokenizerParts read_byte_level_bpe(const Json& vocabulary, std::string_view merges, const TokenizerSettings& settings,
                                   std::string_view where) {
  TokenizerParts parts;
  parts.tokens = tokens_from_json(vocabulary, where);
  BpeModel::Config config;
  config.merges = read_merges(merges, where);
  parts.route.model = std::make_shared<BpeModel>(Vocabulary(parts.tokens), config, where);
  const bool prefix_space = settings.add_prefix_space.value_or(false);
  parts.route.pre_tokenizer = std::make_shared<ByteLevelPreTokenizer>(prefix_space, true);
  parts.decoder.steps = {ByteLevelDecoding{}};
  const NamedTokens& named = settings.named;
  apply_settings(parts, settings, where);
  if (is_roberta(parts, settings)) {
    const TokenId cls = needed_token(parts, or_else(named.cls, "<s>"), where);
    const TokenId sep = needed_token(parts, or_else(named.sep, "</s>"), where);
    for (const std::string& token : {or_else(named.pad, "<pad>"), or_else(named.unknown, "<unk>")}) {
      add_special_token(parts, token);
    }
    add_special_token(parts, or_else(named.mask, "<mask>"), true);
    parts.post.single = roberta_template(cls, sep, false);
    parts.post.pair = roberta_template(cls, sep, true);
    parts.post.trim_offsets = true;
    parts.post.keeps_prefix_space = prefix_space;
  } else {
    for (const std::string& token : {or_else(named.eos, "<|endoftext|>"), named.bos, named.unknown, named.pad}) {
      add_special_token(parts, token);
    }
    if (settings.add_bos_token.value_or(false)) {
      const TokenId bos = needed_token(parts, or_else(named.bos, "<|endoftext|>"), where);
      parts.post.single.insert(parts.post.single.begin(), special_item(bos, 0));
      parts.post.pair.insert(parts.post.pair.begin(), special_item(bos, 0));
    }
  }
  return parts;
}

}  // namespace espalier
