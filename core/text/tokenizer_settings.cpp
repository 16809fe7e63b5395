#include "text/tokenizer_settings.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "text/component_json.h"
#include "text/vocabulary.h"

namespace espalier {
namespace {

// A token's text: a string, or an object with a "content".
void read_name(std::string& name, const Json& json, std::string_view key, std::string_view where) {
  const Json& value = json_member(json, key);
  if (value.is_null() || value.is_boolean()) return;  // some files say false for none
  name = value.is_object() ? json_get<std::string>(value, "content", where) : json_get<std::string>(json, key, where);
}

void read_names(NamedTokens& named, const Json& json, std::string_view where) {
  read_name(named.pad, json, "pad_token", where);
  read_name(named.mask, json, "mask_token", where);
  read_name(named.unknown, json, "unk_token", where);
  read_name(named.cls, json, "cls_token", where);
  read_name(named.sep, json, "sep_token", where);
  read_name(named.bos, json, "bos_token", where);
  read_name(named.eos, json, "eos_token", where);
}

void read_flag(std::optional<bool>& flag, const Json& json, std::string_view key, std::string_view where) {
  if (!json_member(json, key).is_null()) flag = json_get<bool>(json, key, where);
}

AddedToken* find_added(std::vector<AddedToken>& added, const std::string& content) {
  const auto found =
      std::find_if(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == content; });
  return found == added.end() ? nullptr : &*found;
}

int64_t id_from(const std::string& text, std::string_view where) {
  int64_t id = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || id >= kMaxTokens) {
      throw Error(ErrorKind::Format, {.what = "the id of an added token is no whole number in range",
                                      .where = std::string(where),
                                      .got = text.substr(0, 40)});
    }
    id = id * 10 + (c - '0');
  }
  return id;
}

void read_added(std::vector<AddedToken>& added, const Json& by_id, std::string_view where) {
  if (!by_id.is_object()) return;
  for (const auto& [id, token] : by_id.items()) {
    AddedToken read = added_token_from_json(token, where);
    read.id = static_cast<TokenId>(id_from(id, where));
    added.push_back(std::move(read));
  }
}

}  // namespace

AddedToken added_token_from_json(const Json& json, std::string_view where) {
  AddedToken token;
  token.content = json_get<std::string>(json, "content", where);
  token.single_word = json_get_or(json, "single_word", false, where);
  token.lstrip = json_get_or(json, "lstrip", false, where);
  token.rstrip = json_get_or(json, "rstrip", false, where);
  token.special = json_get_or(json, "special", false, where);
  token.normalized = json_get_or(json, "normalized", !token.special, where);
  return token;
}

TokenizerSettings read_settings(const Json& config, const Json& special_tokens_map, const Json& added_tokens,
                                std::string_view folder) {
  const auto place = [&](const char* name) { return (std::filesystem::path(folder) / name).string(); };
  TokenizerSettings settings;
  if (added_tokens.is_object()) {
    const std::string where = place("added_tokens.json");
    for (const auto& [content, id] : added_tokens.items()) {
      const auto number = json_get<int64_t>(added_tokens, content, where);
      settings.added.push_back({.id = static_cast<TokenId>(std::clamp<int64_t>(number, -1, kMaxTokens)),
                                .content = content,
                                .special = false});
    }
  }
  if (special_tokens_map.is_object()) read_names(settings.named, special_tokens_map, place("special_tokens_map.json"));
  if (config.is_null()) return settings;
  const std::string where = place("tokenizer_config.json");
  settings.tokenizer_class = json_get_or<std::string>(config, "tokenizer_class", "", where);
  if (settings.tokenizer_class.ends_with("Fast")) settings.tokenizer_class.resize(settings.tokenizer_class.size() - 4);
  read_names(settings.named, config, where);
  // Files without a limit say 1e30.
  const auto limit = json_get_or<double>(config, "model_max_length", 0, where);
  settings.model_max_length = limit > 0 && limit < 1e9 ? static_cast<int64_t>(limit) : 0;
  read_flag(settings.lower_case, config, "do_lower_case", where);
  read_flag(settings.strip_accents, config, "strip_accents", where);
  read_flag(settings.separate_cjk, config, "tokenize_chinese_chars", where);
  read_flag(settings.keep_accents, config, "keep_accents", where);
  read_flag(settings.add_prefix_space, config, "add_prefix_space", where);
  read_flag(settings.add_bos_token, config, "add_bos_token", where);
  read_flag(settings.separate_vocabs, config, "separate_vocabs", where);
  if (!json_member(config, "extra_ids").is_null()) settings.extra_ids = json_get<int64_t>(config, "extra_ids", where);
  read_added(settings.added, json_member(config, "added_tokens_decoder"), where);
  return settings;
}

TokenId add_special_token(TokenizerParts& parts, const std::string& token, bool lstrip) {
  if (token.empty()) return -1;
  if (AddedToken* added = find_added(parts.added, token)) {
    added->special = true;
    return added->id;
  }
  const auto found = std::find(parts.tokens.rbegin(), parts.tokens.rend(), token);
  if (found == parts.tokens.rend()) return -1;
  const auto id = static_cast<TokenId>(parts.tokens.rend() - found - 1);
  parts.added.push_back({.id = id, .content = token, .lstrip = lstrip});
  return id;
}

void apply_settings(TokenizerParts& parts, const TokenizerSettings& settings, std::string_view where) {
  parts.named = settings.named;
  parts.model_max_length = settings.model_max_length;
  std::unordered_map<std::string_view, size_t> places;  // in settings.added: the last entry of a content counts
  for (size_t i = 0; i < settings.added.size(); ++i) places[settings.added[i].content] = i;
  std::erase_if(parts.added, [&](const AddedToken& token) { return places.contains(token.content); });
  for (size_t i = 0; i < settings.added.size(); ++i) {
    const AddedToken& token = settings.added[i];
    if (places[token.content] != i) continue;
    set_token(parts.tokens, token.id, token.content, where);
    parts.added.push_back(token);
  }
}

}  // namespace espalier
