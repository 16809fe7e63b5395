// Reads spiece.model and Marian's source.spm and target.spm.
//
// Two implementations stand behind such files, and they differ: SentencePiece itself, and the conversion of its models
// that the T5 and ALBERT tokenizers of Hugging Face use. Both are here; the settings decide.

#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "text/component_json.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_readers.h"
#include "text/unicode.h"
#include "text/unigram.h"
#include "text/vocabulary.h"

namespace espalier {
namespace {

using Kind = SentencePieceModel::Kind;
constexpr char32_t kBlankPiece = 0x2581;

// SentencePiece's own way from text to pieces. `id_of(i)` gives the token id of piece i.
template <typename IdOf>
TextRoute sentencepiece_route(const SentencePieceModel& model, TokenId unknown, const IdOf& id_of,
                              const std::vector<std::string>& other_tokens, std::string_view where) {
  UnigramModel::Config config;
  std::vector<std::string> defined;
  config.byte_fallback = model.byte_fallback;
  config.single_precision = true;
  config.other_tokens = other_tokens;
  config.unknown = unknown;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePieceModel::Piece& piece = model.pieces[i];
    const bool by_person = piece.kind == Kind::UserDefined;
    config.pieces.push_back({.text = piece.text,
                             .score = static_cast<double>(piece.score),
                             .id = id_of(i),
                             .in_text = by_person || piece.kind == Kind::Normal,
                             .defined = by_person,
                             .unknown = piece.kind == Kind::Unknown});
    if (by_person) defined.push_back(piece.text);
  }
  TextRoute route;
  route.normalizer =
      std::make_shared<SentencePieceNormalizer>(Charsmap(model.charsmap, where), model.normalizing, defined);
  route.model = std::make_shared<UnigramModel>(config, where);
  return route;
}

Decoder sentencepiece_decoder(const SentencePieceModel& model) {
  Decoder decoder;
  if (model.byte_fallback) decoder.steps.emplace_back(ByteFallbackDecoding{});
  decoder.steps.emplace_back(MetaspaceDecoding{kBlankPiece, model.normalizing.add_dummy_prefix});
  return decoder;
}

TokenizerParts read_plain(const SentencePieceModel& model, std::string_view where) {
  TokenizerParts parts;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    parts.tokens.push_back(model.pieces[i].text);
    if (model.pieces[i].kind == Kind::Control || model.pieces[i].kind == Kind::Unknown) {
      parts.control.push_back(static_cast<TokenId>(i));
    }
  }
  parts.route = sentencepiece_route(
      model, static_cast<TokenId>(model.unknown), [](size_t i) { return static_cast<TokenId>(i); }, {}, where);
  parts.decoder = sentencepiece_decoder(model);
  const auto control = [&](std::string_view text) {
    const int64_t found = model.find(text);
    const bool is_control = found >= 0 && model.pieces[static_cast<size_t>(found)].kind == Kind::Control;
    return is_control ? static_cast<TokenId>(found) : -1;
  };
  const TokenId cls = control("[CLS]"), sep = control("[SEP]"), eos = control("</s>");
  if (cls >= 0 && sep >= 0) {
    parts.post.single = bert_template(cls, sep, false);
    parts.post.pair = bert_template(cls, sep, true);
  } else if (eos >= 0) {
    parts.post.single = t5_template(eos, false);
    parts.post.pair = t5_template(eos, true);
  }
  return parts;
}

NormalizerPtr replace_literal(std::u32string from, std::u32string to) {
  return std::make_shared<ReplaceNormalizer>(Pattern::literal(std::move(from)), std::move(to));
}

NormalizerPtr replace_blanks(std::u32string to, std::string_view where) {
  return std::make_shared<ReplaceNormalizer>(Pattern::from_json({{"Regex", " {2,}"}}, where), std::move(to));
}

// What ALBERT and T5 share: the pieces as a plain Unigram model, words that begin with U+2581.
TokenizerParts read_converted(const SentencePieceModel& model, const std::vector<double>& scores,
                              std::vector<NormalizerPtr> steps, const TokenizerSettings& settings, int64_t extra_ids,
                              std::string_view where) {
  TokenizerParts parts;
  UnigramModel::Config config;
  config.unknown = static_cast<TokenId>(model.unknown);
  config.byte_fallback = model.byte_fallback;
  const auto add = [&](const std::string& text, double score, bool special) {
    const auto id = static_cast<TokenId>(parts.tokens.size());
    set_token(parts.tokens, id, text, where);
    config.pieces.push_back({.text = text, .score = score, .id = id, .unknown = id == config.unknown});
    if (special) parts.added.push_back({.id = id, .content = text});
  };
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const Kind kind = model.pieces[i].kind;
    add(model.pieces[i].text, scores[i], kind == Kind::Control || kind == Kind::Unknown);
    if (kind == Kind::UserDefined) {
      parts.added.push_back({.id = static_cast<TokenId>(i), .content = model.pieces[i].text, .special = false});
    }
  }
  for (int64_t i = extra_ids; i-- > 0;) add("<extra_id_" + std::to_string(i) + ">", 0, true);
  parts.route.normalizer = std::make_shared<SequenceNormalizer>(std::move(steps));
  parts.route.pre_tokenizer =
      std::make_shared<MetaspacePreTokenizer>(kBlankPiece, MetaspacePreTokenizer::Prepend::Always, true);
  parts.route.model = std::make_shared<UnigramModel>(config, where);
  parts.decoder.steps = {MetaspaceDecoding{}};
  apply_settings(parts, settings, where);
  return parts;
}

TokenId needed(TokenizerParts& parts, const std::string& named, const char* fallback, std::string_view where) {
  const std::string token = named.empty() ? fallback : named;
  const TokenId id = add_special_token(parts, token);
  if (id >= 0) return id;
  throw Error(ErrorKind::Format,
              {.what = "the model lacks a special token", .where = std::string(where), .wanted = token});
}

TokenizerParts read_t5(const SentencePieceModel& model, const TokenizerSettings& settings, std::string_view where) {
  constexpr int64_t kUsualExtraIds = 100;
  const int64_t extra_ids = settings.extra_ids.value_or(kUsualExtraIds);
  if (extra_ids < 0 || extra_ids > 100'000) {
    throw Error(ErrorKind::Format, {.what = "extra_ids is out of range",
                                    .where = std::string(where),
                                    .got = std::to_string(extra_ids),
                                    .wanted = "0 to 100000"});
  }
  std::vector<double> scores;
  for (const auto& piece : model.pieces) scores.push_back(static_cast<double>(piece.score));
  std::vector<NormalizerPtr> steps = {std::make_shared<PrecompiledNormalizer>(Charsmap(model.charsmap, where)),
                                      std::make_shared<StripNormalizer>(false, true),
                                      replace_blanks(std::u32string(1, kBlankPiece), where)};
  TokenizerParts parts = read_converted(model, scores, std::move(steps), settings, extra_ids, where);
  const TokenId eos = needed(parts, settings.named.eos, "</s>", where);
  parts.post.single = t5_template(eos, false);
  parts.post.pair = t5_template(eos, true);
  return parts;
}

TokenizerParts read_albert(const SentencePieceModel& model, const TokenizerSettings& settings, std::string_view where) {
  // Pieces such as "9," are made unlikely, so that a number and its comma stay apart.
  constexpr double kNumberCommaPenalty = 100;
  std::vector<double> scores;
  for (const auto& piece : model.pieces) {
    char32_t last = 0, before = 0;
    for (size_t at = 0; at < piece.text.size();) before = std::exchange(last, next_code_point(piece.text, at));
    const bool number_comma = last == ',' && is_decimal_digit(before);
    scores.push_back(static_cast<double>(piece.score) - (number_comma ? kNumberCommaPenalty : 0));
  }
  std::vector<NormalizerPtr> steps = {replace_literal(U"``", U"\""), replace_literal(U"''", U"\"")};
  if (!settings.keep_accents.value_or(false)) {
    steps.push_back(std::make_shared<UnicodeNormalizer>(NormalForm::KD));
    steps.push_back(std::make_shared<StripAccentsNormalizer>());
  }
  if (settings.lower_case.value_or(true)) steps.push_back(std::make_shared<LowercaseNormalizer>());
  steps.push_back(std::make_shared<PrecompiledNormalizer>(Charsmap(model.charsmap, where)));
  steps.push_back(replace_blanks(U" ", where));
  TokenizerParts parts = read_converted(model, scores, std::move(steps), settings, 0, where);
  const TokenId cls = needed(parts, settings.named.cls, "[CLS]", where);
  const TokenId sep = needed(parts, settings.named.sep, "[SEP]", where);
  parts.post.single = bert_template(cls, sep, false);
  parts.post.pair = bert_template(cls, sep, true);
  const std::string mask = settings.named.mask.empty() ? "[MASK]" : settings.named.mask;
  for (AddedToken& token : parts.added) token.lstrip = token.lstrip || token.content == mask;
  return parts;
}

// Language codes such as ">>fra<<", which stand before a text and are no text.
bool is_language_code(std::string_view token) {
  return token.size() > 4 && token.starts_with(">>") && token.ends_with("<<");
}

}  // namespace

TokenizerParts read_sentencepiece(std::string_view bytes, const TokenizerSettings& settings, std::string_view where) {
  const SentencePieceModel model = read_sentencepiece_model(bytes, where);
  const std::string& name = settings.tokenizer_class;
  if (name.starts_with("T5")) return read_t5(model, settings, where);
  if (name.starts_with("Albert")) return read_albert(model, settings, where);
  if (!name.empty() && name != "PreTrainedTokenizer") {
    refuse_component("tokenizer_class for a SentencePiece model", name, "T5Tokenizer or AlbertTokenizer", where);
  }
  TokenizerParts parts = read_plain(model, where);
  apply_settings(parts, settings, where);
  return parts;
}

TokenizerParts read_marian(std::string_view source, std::string_view target, const Json& vocabulary,
                           const TokenizerSettings& settings, std::string_view where) {
  if (settings.separate_vocabs.value_or(false)) {
    refuse_component("Marian option", "separate_vocabs", "one vocab.json for both languages", where);
  }
  TokenizerParts parts;
  parts.tokens = tokens_from_json(vocabulary, where);
  const Vocabulary ids(parts.tokens);
  const TokenId unknown = ids.find(settings.named.unknown.empty() ? "<unk>" : settings.named.unknown);
  const TokenId eos = ids.find(settings.named.eos.empty() ? "</s>" : settings.named.eos);
  if (unknown < 0 || eos < 0) {
    throw Error(ErrorKind::Format, {.what = "the vocabulary lacks a special token",
                                    .where = std::string(where),
                                    .wanted = unknown < 0 ? "<unk>" : "</s>"});
  }
  const auto route = [&](std::string_view bytes, const char* name) {
    const std::string place = std::string(where) + ", " + name;
    const SentencePieceModel model = read_sentencepiece_model(bytes, place);
    const auto id_of = [&](size_t i) {
      const TokenId found = ids.find(model.pieces[i].text);
      return found < 0 ? unknown : found;
    };
    parts.decoder = sentencepiece_decoder(model);  // of the target, which is read last
    return sentencepiece_route(model, unknown, id_of, parts.tokens, place);
  };
  parts.route = route(source, "source.spm");
  parts.target_route = route(target, "target.spm");
  parts.decoder.steps.emplace_back(TrimDecoding{});
  apply_settings(parts, settings, where);
  for (const std::string& token : {parts.tokens[static_cast<size_t>(eos)], parts.tokens[static_cast<size_t>(unknown)],
                                   settings.named.pad.empty() ? std::string("<pad>") : settings.named.pad}) {
    add_special_token(parts, token);
  }
  for (size_t i = 0; i < parts.tokens.size(); ++i) {
    if (is_language_code(parts.tokens[i]))
      parts.added.push_back({.id = static_cast<TokenId>(i), .content = parts.tokens[i]});
  }
  parts.post.single = t5_template(eos, false);
  parts.post.pair = {{TemplateItem::Kind::First, 0, 0}, {TemplateItem::Kind::Second, 0, 0}, special_item(eos, 0)};
  return parts;
}

}  // namespace espalier
