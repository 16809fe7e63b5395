// Reads tokenizer.json, the one-file form of a tokenizer, as far as it describes WordPiece.

#include <algorithm>

#include "base/error.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

// Far above any vocabulary in use: a mistyped id must not make a table of gigabytes.
constexpr int64_t kMaxTokens = 4'000'000;

std::string type_of(const Json& component, std::string_view where) {
  return json_get_or<std::string>(component, "type", "", where);
}

[[noreturn]] void refuse(std::string_view component, const std::string& got, std::string_view wanted,
                         std::string_view where) {
  throw Error(ErrorKind::Unsupported, {.what = "the tokenizer has an unknown " + std::string(component),
                                       .where = std::string(where),
                                       .got = got.empty() ? "none" : got,
                                       .wanted = std::string(wanted)});
}

void set_token(WordPieceConfig& config, int64_t id, const std::string& token, std::string_view where) {
  if (id < 0 || id >= kMaxTokens) {
    throw Error(ErrorKind::Format, {.what = "the id of token \"" + token + "\" is out of range",
                                    .where = std::string(where),
                                    .got = std::to_string(id),
                                    .wanted = "0 to " + std::to_string(kMaxTokens - 1)});
  }
  if (static_cast<size_t>(id) >= config.tokens.size()) config.tokens.resize(static_cast<size_t>(id) + 1);
  config.tokens[static_cast<size_t>(id)] = token;
}

void read_model(WordPieceConfig& config, const Json& model, std::string_view where) {
  const std::string type = type_of(model, where);
  const bool looks_like_wordpiece = model.contains("max_input_chars_per_word");  // older files name no type
  if (type != "WordPiece" && !(type.empty() && looks_like_wordpiece)) refuse("model", type, "WordPiece", where);
  config.unknown_token = json_get_or<std::string>(model, "unk_token", "[UNK]", where);
  config.prefix = json_get_or<std::string>(model, "continuing_subword_prefix", "##", where);
  config.max_word_chars = json_get_or<int64_t>(model, "max_input_chars_per_word", 100, where);
  const Json vocabulary = json_get<Json>(model, "vocab", where);
  if (!vocabulary.is_object()) {
    throw Error(ErrorKind::Format, {.what = "member \"vocab\" has the wrong type",
                                    .where = std::string(where),
                                    .wanted = "an object of token: id"});
  }
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_integer()) {
      throw Error(ErrorKind::Format, {.what = "the id of token \"" + token + "\" is no whole number",
                                      .where = std::string(where),
                                      .got = id.dump()});
    }
    set_token(config, id.get<int64_t>(), token, where);
  }
}

void read_added_tokens(WordPieceConfig& config, const Json& tokens, std::string_view where) {
  for (const Json& token : tokens) {
    AddedToken added;
    const auto id = json_get<int64_t>(token, "id", where);
    added.content = json_get<std::string>(token, "content", where);
    added.single_word = json_get_or(token, "single_word", false, where);
    added.lstrip = json_get_or(token, "lstrip", false, where);
    added.rstrip = json_get_or(token, "rstrip", false, where);
    added.special = json_get_or(token, "special", false, where);
    added.normalized = json_get_or(token, "normalized", !added.special, where);
    set_token(config, id, added.content, where);
    added.id = static_cast<TokenId>(id);
    config.added.push_back(std::move(added));
  }
}

void read_normalizer(WordPieceConfig& config, const Json& normalizer, std::string_view where) {
  if (normalizer.is_null()) {
    config.normalize = false;
    return;
  }
  const std::string type = type_of(normalizer, where);
  if (type != "BertNormalizer") refuse("normalizer", type, "BertNormalizer", where);
  config.clean_text = json_get_or(normalizer, "clean_text", true, where);
  config.separate_cjk = json_get_or(normalizer, "handle_chinese_chars", true, where);
  config.lower_case = json_get_or(normalizer, "lowercase", true, where);
  config.strip_accents = json_get_or(normalizer, "strip_accents", config.lower_case, where);
}

TemplateItem special_item(int64_t id, int32_t type_id) {
  return {TemplateItem::Kind::Special, static_cast<TokenId>(std::clamp<int64_t>(id, -1, kMaxTokens)), type_id};
}

std::vector<TemplateItem> read_template(const Json& items, const Json& special_tokens, std::string_view where) {
  std::vector<TemplateItem> result;
  for (const Json& item : items) {
    if (item.contains("Sequence")) {
      const Json sequence = item.at("Sequence");
      const auto id = json_get<std::string>(sequence, "id", where);
      result.push_back({id == "B" ? TemplateItem::Kind::Second : TemplateItem::Kind::First, 0,
                        json_get_or<int32_t>(sequence, "type_id", 0, where)});
      continue;
    }
    const auto special = json_get<Json>(item, "SpecialToken", where);
    const auto token = json_get<Json>(special_tokens, json_get<std::string>(special, "id", where), where);
    for (const int64_t id : json_get<std::vector<int64_t>>(token, "ids", where)) {
      result.push_back(special_item(id, json_get_or<int32_t>(special, "type_id", 0, where)));
    }
  }
  return result;
}

std::vector<TemplateItem> bert_template(TokenId cls, TokenId sep, bool pair) {
  std::vector<TemplateItem> items = {special_item(cls, 0), {TemplateItem::Kind::First, 0, 0}, special_item(sep, 0)};
  if (pair) {
    items.push_back({TemplateItem::Kind::Second, 0, 1});
    items.push_back(special_item(sep, 1));
  }
  return items;
}

void read_post_processor(WordPieceConfig& config, const Json& processor, std::string_view where) {
  if (processor.is_null()) {
    config.single = {{TemplateItem::Kind::First, 0, 0}};
    config.pair = {{TemplateItem::Kind::First, 0, 0}, {TemplateItem::Kind::Second, 0, 1}};
    return;
  }
  const std::string type = type_of(processor, where);
  if (type == "TemplateProcessing") {
    const auto specials = json_get_or<Json>(processor, "special_tokens", Json::object(), where);
    config.single = read_template(json_get<Json>(processor, "single", where), specials, where);
    config.pair = read_template(json_get<Json>(processor, "pair", where), specials, where);
  } else if (type == "BertProcessing") {
    using NamedId = std::pair<std::string, int64_t>;
    const auto cls = static_cast<TokenId>(json_get<NamedId>(processor, "cls", where).second);
    const auto sep = static_cast<TokenId>(json_get<NamedId>(processor, "sep", where).second);
    config.single = bert_template(cls, sep, false);
    config.pair = bert_template(cls, sep, true);
  } else {
    refuse("post_processor", type, "TemplateProcessing or BertProcessing", where);
  }
}

void read_decoder(WordPieceConfig& config, const Json& decoder, std::string_view where) {
  if (decoder.is_null()) {
    config.decode_wordpiece = false;
    return;
  }
  const std::string type = type_of(decoder, where);
  if (type != "WordPiece") refuse("decoder", type, "WordPiece", where);
  config.decode_prefix = json_get_or<std::string>(decoder, "prefix", "##", where);
  config.decode_cleanup = json_get_or(decoder, "cleanup", true, where);
}

// A token's text: a string, or an object with a "content".
std::string named_token(const Json& json, std::string_view key, const std::string& fallback, std::string_view where) {
  const auto value = json_get_or<Json>(json, key, Json(), where);
  if (value.is_null()) return fallback;
  if (value.is_object()) return json_get<std::string>(value, "content", where);
  return json_get<std::string>(json, key, where);
}

}  // namespace

WordPieceConfig wordpiece_from_tokenizer_json(const Json& json, std::string_view where) {
  WordPieceConfig config;
  const auto member = [&](std::string_view key) { return json_get_or<Json>(json, key, Json(), where); };
  read_model(config, json_get<Json>(json, "model", where), where);
  if (const Json added = member("added_tokens"); added.is_array()) read_added_tokens(config, added, where);
  read_normalizer(config, member("normalizer"), where);
  const Json pre_tokenizer = member("pre_tokenizer");
  if (const std::string type = type_of(pre_tokenizer.is_null() ? Json::object() : pre_tokenizer, where);
      type != "BertPreTokenizer") {
    refuse("pre_tokenizer", type, "BertPreTokenizer", where);
  }
  read_post_processor(config, member("post_processor"), where);
  read_decoder(config, member("decoder"), where);
  return config;
}

void apply_tokenizer_config(WordPieceConfig& config, const Json& json, std::string_view where) {
  config.pad_token = named_token(json, "pad_token", config.pad_token, where);
  config.mask_token = named_token(json, "mask_token", config.mask_token, where);
  // Files without a limit say 1e30.
  const auto limit = json_get_or<double>(json, "model_max_length", 0, where);
  config.model_max_length = limit > 0 && limit < 1e9 ? static_cast<int64_t>(limit) : 0;
}

WordPieceConfig wordpiece_from_vocabulary(std::string_view vocabulary, const Json& json, std::string_view where) {
  WordPieceConfig config;
  const Json settings = json.is_null() ? Json::object() : json;
  apply_tokenizer_config(config, settings, where);
  for (size_t begin = 0; begin < vocabulary.size();) {
    const size_t end = std::min(vocabulary.find('\n', begin), vocabulary.size());
    std::string_view line = vocabulary.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    config.tokens.emplace_back(line);
    begin = end + 1;
    if (config.tokens.size() > static_cast<size_t>(kMaxTokens)) {
      throw Error(ErrorKind::Format, {.what = "the vocabulary is too long",
                                      .where = std::string(where),
                                      .wanted = "at most " + std::to_string(kMaxTokens) + " lines"});
    }
  }
  config.lower_case = json_get_or(settings, "do_lower_case", true, where);
  config.strip_accents = json_get_or(settings, "strip_accents", config.lower_case, where);
  config.separate_cjk = json_get_or(settings, "tokenize_chinese_chars", true, where);
  config.unknown_token = named_token(settings, "unk_token", "[UNK]", where);
  const std::string cls = named_token(settings, "cls_token", "[CLS]", where);
  const std::string sep = named_token(settings, "sep_token", "[SEP]", where);
  const auto add_special = [&](const std::string& token) {
    // The last line counts when a token stands twice, as in the reference.
    const auto found = std::find(config.tokens.rbegin(), config.tokens.rend(), token);
    if (found == config.tokens.rend()) return TokenId{-1};
    const auto id = static_cast<TokenId>(config.tokens.rend() - found - 1);
    config.added.push_back({.id = id, .content = token});
    return id;
  };
  const TokenId cls_id = add_special(cls);
  const TokenId sep_id = add_special(sep);
  if (cls_id < 0 || sep_id < 0) {
    throw Error(ErrorKind::Format, {.what = "the vocabulary lacks a special token",
                                    .where = std::string(where),
                                    .wanted = cls_id < 0 ? cls : sep,
                                    .next = "use the vocabulary file that belongs to the model"});
  }
  for (const std::string& token : {config.unknown_token, config.pad_token, config.mask_token}) add_special(token);
  config.single = bert_template(cls_id, sep_id, false);
  config.pair = bert_template(cls_id, sep_id, true);
  return config;
}

}  // namespace espalier
