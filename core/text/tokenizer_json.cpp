// Reads tokenizer.json, the one-file form of a tokenizer.

#include "base/error.h"
#include "base/json.h"
#include "text/bpe.h"
#include "text/component_json.h"
#include "text/tokenizer_readers.h"
#include "text/unigram.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

std::string model_type(const Json& model, std::string_view where) {
  const std::string type = component_type(model, where);
  if (!type.empty()) return type;
  // Older files name no type.
  if (model.contains("max_input_chars_per_word")) return "WordPiece";
  if (model.contains("merges")) return "BPE";
  if (json_member(model, "vocab").is_array()) return "Unigram";
  return "";
}

void read_wordpiece(TokenizerParts& parts, const Json& model, std::string_view where) {
  parts.tokens = tokens_from_json(json_member(model, "vocab"), where);
  WordPieceModel::Config config;
  config.unknown_token = json_get_or<std::string>(model, "unk_token", "[UNK]", where);
  config.prefix = json_get_or<std::string>(model, "continuing_subword_prefix", "##", where);
  config.max_word_chars = json_get_or<int64_t>(model, "max_input_chars_per_word", 100, where);
  parts.route.model = std::make_shared<WordPieceModel>(Vocabulary(parts.tokens), config, where);
}

std::pair<std::string, std::string> read_merge(const Json& merge, std::string_view where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const auto both = merge.get<std::string>();
    const size_t blank = both.find(' ');
    if (blank != std::string::npos && both.find(' ', blank + 1) == std::string::npos) {
      return {both.substr(0, blank), both.substr(blank + 1)};
    }
  }
  throw Error(ErrorKind::Format, {.what = "a merge is no pair of tokens",
                                  .where = std::string(where),
                                  .got = merge.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80)});
}

void read_bpe(TokenizerParts& parts, const Json& model, std::string_view where) {
  for (const std::string& key : {std::string("continuing_subword_prefix"), std::string("end_of_word_suffix")}) {
    const auto value = json_get_or<std::string>(model, key, "", where);
    if (!value.empty()) refuse_component("BPE option", key + " \"" + value + "\"", "none", where);
  }
  if (json_get_or<double>(model, "dropout", 0, where) != 0) refuse_component("BPE option", "dropout", "none", where);
  parts.tokens = tokens_from_json(json_member(model, "vocab"), where);
  BpeModel::Config config;
  config.unknown_token = json_get_or<std::string>(model, "unk_token", "", where);
  config.fuse_unknown = json_get_or(model, "fuse_unk", false, where);
  config.byte_fallback = json_get_or(model, "byte_fallback", false, where);
  config.ignore_merges = json_get_or(model, "ignore_merges", false, where);
  const Json& merges = json_member(model, "merges");
  if (!merges.is_array()) {
    throw Error(
        ErrorKind::Format,
        {.what = "member \"merges\" has the wrong type", .where = std::string(where), .wanted = "a list of pairs"});
  }
  config.merges.reserve(merges.size());
  for (const Json& merge : merges) config.merges.push_back(read_merge(merge, where));
  parts.route.model = std::make_shared<BpeModel>(Vocabulary(parts.tokens), config, where);
}

void read_unigram(TokenizerParts& parts, const Json& model, std::string_view where) {
  const Json& vocabulary = json_member(model, "vocab");
  if (!vocabulary.is_array()) {
    throw Error(ErrorKind::Format, {.what = "member \"vocab\" has the wrong type",
                                    .where = std::string(where),
                                    .wanted = "a list of [token, score]"});
  }
  UnigramModel::Config config;
  config.byte_fallback = json_get_or(model, "byte_fallback", false, where);
  const auto unknown = json_get_or<int64_t>(model, "unk_id", -1, where);
  for (const Json& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      throw Error(ErrorKind::Format, {.what = "an entry of the vocabulary is no [token, score]",
                                      .where = std::string(where) + ", entry " + std::to_string(parts.tokens.size()),
                                      .got = entry.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80)});
    }
    const auto id = static_cast<int64_t>(parts.tokens.size());
    const auto token = entry[0].get<std::string>();
    set_token(parts.tokens, id, token, where);
    config.pieces.push_back(
        {.text = token, .score = entry[1].get<double>(), .id = static_cast<TokenId>(id), .unknown = id == unknown});
  }
  if (unknown >= 0 && unknown < static_cast<int64_t>(parts.tokens.size())) {
    config.unknown = static_cast<TokenId>(unknown);
  }
  parts.route.model = std::make_shared<UnigramModel>(config, where);
}

void read_added_tokens(TokenizerParts& parts, const Json& tokens, std::string_view where) {
  if (!tokens.is_array()) return;
  for (const Json& json : tokens) {
    AddedToken added = added_token_from_json(json, where);
    const auto id = json_get<int64_t>(json, "id", where);
    set_token(parts.tokens, id, added.content, where);
    added.id = static_cast<TokenId>(id);
    parts.added.push_back(std::move(added));
  }
}

}  // namespace

std::vector<std::string> tokens_from_json(const Json& vocabulary, std::string_view where) {
  if (!vocabulary.is_object()) {
    throw Error(ErrorKind::Format, {.what = "member \"vocab\" has the wrong type",
                                    .where = std::string(where),
                                    .wanted = "an object of token: id"});
  }
  std::vector<std::string> tokens;
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_integer()) {
      throw Error(ErrorKind::Format, {.what = "the id of token \"" + token.substr(0, 80) + "\" is no whole number",
                                      .where = std::string(where),
                                      .got = id.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80)});
    }
    set_token(tokens, id.get<int64_t>(), token, where);
  }
  return tokens;
}

TokenizerParts read_tokenizer_json(const Json& json, std::string_view where) {
  TokenizerParts parts;
  const Json& model = json_member(json, "model");
  if (!model.is_object()) {
    throw Error(ErrorKind::Format, {.what = "member \"model\" is missing or of the wrong type",
                                    .where = std::string(where),
                                    .wanted = "an object"});
  }
  const std::string type = model_type(model, where);
  if (type == "WordPiece") {
    read_wordpiece(parts, model, where);
  } else if (type == "BPE") {
    read_bpe(parts, model, where);
  } else if (type == "Unigram") {
    read_unigram(parts, model, where);
  } else {
    refuse_component("model", type, "WordPiece, BPE or Unigram", where);
  }
  read_added_tokens(parts, json_member(json, "added_tokens"), where);
  parts.route.normalizer = normalizer_from_json(json_member(json, "normalizer"), where);
  parts.route.pre_tokenizer = pre_tokenizer_from_json(json_member(json, "pre_tokenizer"), where);
  parts.post = post_processor_from_json(json_member(json, "post_processor"), where);
  parts.decoder = decoder_from_json(json_member(json, "decoder"), where);
  return parts;
}

}  // namespace espalier
