#include "text/component_json.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace espalier {
namespace {

constexpr size_t kMaxSteps = 64;     // of a sequence: more is damage
constexpr size_t kMaxContent = 256;  // bytes of what replaces something

std::string text_member(const Json& json, std::string_view key, std::string_view where) {
  auto text = json_get<std::string>(json, key, where);
  if (text.size() <= kMaxContent) return text;
  throw Error(ErrorKind::Format, {.what = "member \"" + std::string(key) + "\" is too long",
                                  .where = std::string(where),
                                  .got = std::to_string(text.size()) + " bytes",
                                  .wanted = "at most " + std::to_string(kMaxContent)});
}

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) out.push_back(next_code_point(text, at));
  return out;
}

char32_t char_member(const Json& json, std::string_view key, std::string_view where) {
  const std::u32string text = code_points(text_member(json, key, where));
  if (text.size() == 1) return text[0];
  throw Error(ErrorKind::Format, {.what = "member \"" + std::string(key) + "\" is no single character",
                                  .where = std::string(where),
                                  .got = std::to_string(text.size()) + " characters"});
}

const Json& steps_of(const Json& json, std::string_view key, std::string_view where) {
  const Json& steps = json_member(json, key);
  if (steps.is_array() && steps.size() <= kMaxSteps) return steps;
  throw Error(ErrorKind::Format, {.what = "a sequence has no usable list \"" + std::string(key) + "\"",
                                  .where = std::string(where),
                                  .wanted = "a list of at most " + std::to_string(kMaxSteps) + " components"});
}

SplitBehavior behavior_member(const Json& json, SplitBehavior fallback, std::string_view where) {
  const auto name = json_get_or<std::string>(json, "behavior", "", where);
  if (name.empty()) return fallback;
  if (name == "Removed") return SplitBehavior::Removed;
  if (name == "Isolated") return SplitBehavior::Isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::MergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::MergedWithNext;
  if (name == "Contiguous") return SplitBehavior::Contiguous;
  refuse_component("split behavior", name, "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
                   where);
}

// Newer files say prepend_scheme, older ones add_prefix_space.
MetaspacePreTokenizer::Prepend prepend_member(const Json& json, std::string_view where) {
  using Prepend = MetaspacePreTokenizer::Prepend;
  const auto scheme = json_get_or<std::string>(json, "prepend_scheme", "", where);
  if (scheme == "always") return Prepend::Always;
  if (scheme == "first") return Prepend::First;
  if (scheme == "never") return Prepend::Never;
  if (!scheme.empty()) refuse_component("prepend_scheme", scheme, "always, first or never", where);
  return json_get_or(json, "add_prefix_space", true, where) ? Prepend::Always : Prepend::Never;
}

TokenId id_of(int64_t id) { return static_cast<TokenId>(std::clamp<int64_t>(id, -1, kMaxTokens)); }

Template read_template(const Json& items, const Json& special_tokens, std::string_view where) {
  Template result;
  for (const Json& item : items) {
    if (item.is_object() && item.contains("Sequence")) {
      const Json& sequence = item.at("Sequence");
      const auto id = json_get<std::string>(sequence, "id", where);
      if (id != "A" && id != "B") refuse_component("text of a template", id, "A or B", where);
      const auto kind = id == "B" ? TemplateItem::Kind::Second : TemplateItem::Kind::First;
      if (std::ranges::find(result, kind, &TemplateItem::kind) != result.end()) {
        // Truncation counts each text once.
        refuse_component("template", id + " twice", "each text once", where);
      }
      result.push_back({kind, 0, json_get_or<int32_t>(sequence, "type_id", 0, where)});
      continue;
    }
    const Json& special = json_member(item, "SpecialToken");
    const auto token = json_get<Json>(special_tokens, json_get<std::string>(special, "id", where), where);
    for (const int64_t id : json_get<std::vector<int64_t>>(token, "ids", where)) {
      result.push_back(special_item(id_of(id), json_get_or<int32_t>(special, "type_id", 0, where)));
    }
  }
  return result;
}

void read_post_processor(PostProcessor& post, const Json& json, std::string_view where) {
  const std::string type = component_type(json, where);
  using NamedId = std::pair<std::string, int64_t>;
  const auto named = [&](std::string_view key) { return id_of(json_get<NamedId>(json, key, where).second); };
  const auto read_trimming = [&] {
    post.trim_offsets = json_get_or(json, "trim_offsets", true, where);
    post.keeps_prefix_space = json_get_or(json, "add_prefix_space", true, where);
  };
  if (type == "TemplateProcessing") {
    const auto specials = json_get_or<Json>(json, "special_tokens", Json::object(), where);
    post.single = read_template(json_get<Json>(json, "single", where), specials, where);
    post.pair = read_template(json_get<Json>(json, "pair", where), specials, where);
  } else if (type == "BertProcessing") {
    post.single = bert_template(named("cls"), named("sep"), false);
    post.pair = bert_template(named("cls"), named("sep"), true);
  } else if (type == "RobertaProcessing") {
    read_trimming();
    post.single = roberta_template(named("cls"), named("sep"), false);
    post.pair = roberta_template(named("cls"), named("sep"), true);
  } else if (type == "ByteLevel") {
    read_trimming();
  } else if (type == "Sequence") {
    for (const Json& step : steps_of(json, "processors", where)) read_post_processor(post, step, where);
  } else {
    refuse_component("post_processor", type,
                     "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence", where);
  }
}

void read_decoder(Decoder& decoder, const Json& json, std::string_view where) {
  const std::string type = component_type(json, where);
  if (type == "WordPiece") {
    decoder.steps.emplace_back(WordPieceDecoding{json_get_or<std::string>(json, "prefix", "##", where),
                                                 json_get_or(json, "cleanup", true, where)});
  } else if (type == "ByteLevel") {
    decoder.steps.emplace_back(ByteLevelDecoding{});
  } else if (type == "Metaspace") {
    decoder.steps.emplace_back(MetaspaceDecoding{char_member(json, "replacement", where),
                                                 prepend_member(json, where) != MetaspacePreTokenizer::Prepend::Never});
  } else if (type == "Replace") {
    const Json& pattern = json_member(json, "pattern");
    if (!pattern.is_object() || !pattern.contains("String")) {
      refuse_component("decoder pattern", pattern.dump().substr(0, 80), "a String", where);
    }
    const std::string from = text_member(pattern, "String", where);
    if (from.empty()) throw Error(ErrorKind::Format, {.what = "a pattern is empty", .where = std::string(where)});
    decoder.steps.emplace_back(ReplaceDecoding{from, text_member(json, "content", where)});
  } else if (type == "Strip") {
    decoder.steps.emplace_back(StripDecoding{char_member(json, "content", where),
                                             json_get_or<int64_t>(json, "start", 0, where),
                                             json_get_or<int64_t>(json, "stop", 0, where)});
  } else if (type == "ByteFallback") {
    decoder.steps.emplace_back(ByteFallbackDecoding{});
  } else if (type == "Fuse") {
    decoder.steps.emplace_back(FuseDecoding{});
  } else if (type == "Sequence") {
    for (const Json& step : steps_of(json, "decoders", where)) read_decoder(decoder, step, where);
  } else {
    refuse_component("decoder", type, "WordPiece, ByteLevel, Metaspace, Replace, Strip, ByteFallback, Fuse or Sequence",
                     where);
  }
  if (decoder.steps.size() > kMaxSteps) {
    throw Error(ErrorKind::Format, {.what = "the decoder has too many steps", .where = std::string(where)});
  }
}

}  // namespace

const Json& json_member(const Json& object, std::string_view key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string component_type(const Json& component, std::string_view where) {
  return json_get_or<std::string>(component, "type", "", where);
}

void refuse_component(std::string_view component, const std::string& got, std::string_view wanted,
                      std::string_view where) {
  throw Error(ErrorKind::Unsupported, {.what = "the tokenizer has an unknown " + std::string(component),
                                       .where = std::string(where),
                                       .got = got.empty() ? "none" : got,
                                       .wanted = std::string(wanted)});
}

NormalizerPtr normalizer_from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return nullptr;
  const std::string type = component_type(json, where);
  if (type == "BertNormalizer") {
    BertNormalizer::Options options;
    options.clean_text = json_get_or(json, "clean_text", true, where);
    options.separate_cjk = json_get_or(json, "handle_chinese_chars", true, where);
    options.lower_case = json_get_or(json, "lowercase", true, where);
    options.strip_accents = json_get_or(json, "strip_accents", options.lower_case, where);
    return std::make_shared<BertNormalizer>(options);
  }
  if (type == "NFC") return std::make_shared<UnicodeNormalizer>(NormalForm::C);
  if (type == "NFD") return std::make_shared<UnicodeNormalizer>(NormalForm::D);
  if (type == "NFKC") return std::make_shared<UnicodeNormalizer>(NormalForm::KC);
  if (type == "NFKD") return std::make_shared<UnicodeNormalizer>(NormalForm::KD);
  if (type == "Lowercase") return std::make_shared<LowercaseNormalizer>();
  if (type == "StripAccents") return std::make_shared<StripAccentsNormalizer>();
  if (type == "Strip") {
    return std::make_shared<StripNormalizer>(json_get_or(json, "strip_left", true, where),
                                             json_get_or(json, "strip_right", true, where));
  }
  if (type == "Replace") {
    return std::make_shared<ReplaceNormalizer>(Pattern::from_json(json_member(json, "pattern"), where),
                                               code_points(text_member(json, "content", where)));
  }
  if (type == "Prepend") {
    return std::make_shared<PrependNormalizer>(code_points(text_member(json, "prepend", where)));
  }
  if (type == "Nmt") return std::make_shared<NmtNormalizer>();
  if (type == "Precompiled") {
    const auto rules = json_get_or<std::string>(json, "precompiled_charsmap", "", where);
    return std::make_shared<PrecompiledNormalizer>(Charsmap::from_base64(rules, where));
  }
  if (type == "Sequence") {
    std::vector<NormalizerPtr> steps;
    for (const Json& step : steps_of(json, "normalizers", where)) {
      if (NormalizerPtr made = normalizer_from_json(step, where)) steps.push_back(std::move(made));
    }
    return std::make_shared<SequenceNormalizer>(std::move(steps));
  }
  refuse_component("normalizer", type,
                   "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, Nmt, "
                   "Precompiled or Sequence",
                   where);
}

PreTokenizerPtr pre_tokenizer_from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return nullptr;
  using Kind = CharPreTokenizer::Kind;
  const std::string type = component_type(json, where);
  if (type == "BertPreTokenizer") return std::make_shared<BertPreTokenizer>();
  if (type == "ByteLevel") {
    return std::make_shared<ByteLevelPreTokenizer>(json_get_or(json, "add_prefix_space", true, where),
                                                   json_get_or(json, "use_regex", true, where));
  }
  if (type == "Metaspace") {
    return std::make_shared<MetaspacePreTokenizer>(char_member(json, "replacement", where), prepend_member(json, where),
                                                   json_get_or(json, "split", true, where));
  }
  if (type == "Whitespace") return std::make_shared<WordPreTokenizer>();
  if (type == "WhitespaceSplit") {
    return std::make_shared<CharPreTokenizer>(Kind::WhiteSpace, SplitBehavior::Removed);
  }
  if (type == "Punctuation") {
    return std::make_shared<CharPreTokenizer>(Kind::Punctuation, behavior_member(json, SplitBehavior::Isolated, where));
  }
  if (type == "Digits") {
    const bool single = json_get_or(json, "individual_digits", false, where);
    return std::make_shared<CharPreTokenizer>(Kind::Number,
                                              single ? SplitBehavior::Isolated : SplitBehavior::Contiguous);
  }
  if (type == "Split") {
    return std::make_shared<PatternPreTokenizer>(Pattern::from_json(json_member(json, "pattern"), where),
                                                 behavior_member(json, SplitBehavior::Isolated, where),
                                                 json_get_or(json, "invert", false, where));
  }
  if (type == "Sequence") {
    std::vector<PreTokenizerPtr> steps;
    for (const Json& step : steps_of(json, "pretokenizers", where)) {
      if (PreTokenizerPtr made = pre_tokenizer_from_json(step, where)) steps.push_back(std::move(made));
    }
    return std::make_shared<SequencePreTokenizer>(std::move(steps));
  }
  refuse_component("pre_tokenizer", type,
                   "BertPreTokenizer, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Digits, Split or "
                   "Sequence",
                   where);
}

PostProcessor post_processor_from_json(const Json& json, std::string_view where) {
  PostProcessor post;
  if (!json.is_null()) read_post_processor(post, json, where);
  return post;
}

Decoder decoder_from_json(const Json& json, std::string_view where) {
  Decoder decoder;
  if (json.is_null()) {
    decoder.separator = " ";
  } else {
    read_decoder(decoder, json, where);
  }
  return decoder;
}

}  // namespace espalier
