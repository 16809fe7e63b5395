// Architecture as JSON and back. Members that have their default are not written, so that a description has the same
// bytes as before a member was invented; a member that is not known is refused, since it may change the meaning.

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "model/architecture.h"
#include "model/layer_json.h"
#include "model/members.h"
#include "model/positions.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 3> kNormKinds = {"layer", "rms", "affine"};
constexpr std::array<std::string_view, 4> kPositions = {"learned", "sinusoidal", "sinusoidal_halves", "none"};
constexpr std::array<std::string_view, 3> kProjections = {"none", "words", "sum"};
constexpr std::array<std::string_view, 8> kHeads = {
    "none",      "classification", "regression",    "token_classification", "question_answering",
    "masked_lm", "language_model", "replaced_token"};
constexpr std::array<std::string_view, 3> kPoolings = {"first_token", "last_states", "compared_states"};
constexpr std::array<std::string_view, 2> kScores = {"dot", "general"};
constexpr std::array<std::string_view, 3> kEarlyStopping = {"false", "true", "never"};

// --- Embeddings, head, generation -----------------------------------------------------------------------------------

Json embedding_to_json(const EmbeddingSpec& spec) {
  const EmbeddingSpec usual;
  Json json = {{"vocab_size", spec.vocab_size},
               {"max_positions", spec.max_positions},
               {"type_vocab_size", spec.type_vocab_size},
               {"pad_token_id", spec.pad_token_id}};
  put(json, "width", spec.width, usual.width);
  put_choice(json, "projection", spec.projection, usual.projection, kProjections);
  put(json, "trigram", spec.trigram, usual.trigram);
  put_choice(json, "positions", spec.positions, usual.positions, kPositions);
  put(json, "position_offset", spec.position_offset, usual.position_offset);
  put(json, "skip_padding", spec.skip_padding, usual.skip_padding);
  put(json, "scale", spec.scale, usual.scale);
  put(json, "has_norm", spec.norm, usual.norm);
  put(json, "norm_epsilon", spec.norm_epsilon, usual.norm_epsilon);
  return json;
}

EmbeddingSpec embedding_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  EmbeddingSpec spec;
  spec.vocab_size = members.size("vocab_size", 1);
  spec.max_positions = members.size("max_positions", 1);
  spec.type_vocab_size = members.size("type_vocab_size", 0);
  spec.pad_token_id = members.size("pad_token_id", 0);
  members.size_if("width", 0, spec.width);
  members.choice_if("projection", kProjections, spec.projection);
  members.flag_if("trigram", spec.trigram);
  members.choice_if("positions", kPositions, spec.positions);
  members.size_if("position_offset", 0, spec.position_offset);
  members.flag_if("skip_padding", spec.skip_padding);
  members.real_if("scale", 1e-12, 1e12, spec.scale);
  members.flag_if("has_norm", spec.norm);
  members.real_if("norm_epsilon", 0, 1, spec.norm_epsilon);
  members.refuse_others();
  if (spec.pad_token_id >= spec.vocab_size) {
    throw Error(ErrorKind::Format,
                {"\"pad_token_id\" is not a row of the vocabulary", where, fmt::format("{}", spec.pad_token_id),
                 fmt::format("below {}", spec.vocab_size), ""});
  }
  if (spec.skip_padding && spec.position_offset < 1) {
    throw Error(ErrorKind::Format, {"\"skip_padding\" needs a row for padding", where, "position_offset 0",
                                    "a position_offset of 1 or more", ""});
  }
  const bool by_formula =
      spec.positions == PositionKind::Sinusoidal || spec.positions == PositionKind::SinusoidalHalves;
  if (by_formula && spec.max_positions + spec.position_offset > kMostFormulaPositions) {
    throw Error(ErrorKind::Format, {"\"max_positions\" is out of range", where, fmt::format("{}", spec.max_positions),
                                    fmt::format("at most {} positions by formula", kMostFormulaPositions), ""});
  }
  if (spec.positions != PositionKind::None && spec.max_positions + spec.position_offset >= kMaxSize) {
    throw Error(ErrorKind::Format, {"\"max_positions\" is out of range", where, fmt::format("{}", spec.max_positions),
                                    "a table below 2^31 rows", ""});
  }
  return spec;
}

Json head_to_json(const HeadSpec& head) {
  const HeadSpec usual;
  Json json = {{"kind", to_string(head.kind)}, {"num_labels", head.num_labels}, {"labels", head.labels}};
  put(json, "dense", head.dense, usual.dense);
  if (head.activation) json["activation"] = to_string(*head.activation);
  put(json, "width", head.width, usual.width);
  put(json, "wide", head.wide, usual.wide);
  put(json, "bias", head.bias, usual.bias);
  put(json, "scale", head.scale, usual.scale);
  put_choice(json, "pooling", head.pooling, usual.pooling, kPoolings);
  return json;
}

HeadSpec head_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  HeadSpec head;
  head.kind = members.choice<HeadKind>("kind", kHeads);
  head.num_labels = members.size("num_labels", head.kind == HeadKind::None ? 0 : 1);
  head.labels = members.get<std::vector<std::string>>("labels");
  members.flag_if("dense", head.dense);
  if (members.has("activation")) head.activation = members.choice<Activation>("activation", kActivations);
  members.size_if("width", 0, head.width);
  members.flag_if("wide", head.wide);
  members.flag_if("bias", head.bias);
  members.real_if("scale", 1e-12, 1e12, head.scale);
  members.choice_if("pooling", kPoolings, head.pooling);
  members.refuse_others();
  if (!head.labels.empty() && std::ssize(head.labels) != head.num_labels) {
    throw Error(ErrorKind::Format,
                {"\"labels\" does not name every label", where, fmt::format("{} names", head.labels.size()),
                 fmt::format("{} names", head.num_labels), ""});
  }
  return head;
}

Json recurrent_decoder_to_json(const RecurrentDecoderSpec& spec) {
  const RecurrentDecoderSpec usual;
  Json json = {{"attention", spec.attention ? Json(kScores.at(static_cast<size_t>(*spec.attention))) : Json("none")}};
  put(json, "input_feeding", spec.input_feeding, usual.input_feeding);
  put(json, "bridge", spec.bridge, usual.bridge);
  return json;
}

RecurrentDecoderSpec recurrent_decoder_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  RecurrentDecoderSpec spec;
  if (members.get<Json>("attention") == "none") {
    spec.attention.reset();
  } else {
    spec.attention = members.choice<AttentionScore>("attention", kScores);
  }
  members.flag_if("input_feeding", spec.input_feeding);
  members.flag_if("bridge", spec.bridge);
  members.refuse_others();
  return spec;
}

Json generation_to_json(const GenerationSpec& spec) {
  const GenerationSpec usual;
  Json json = Json::object();
  put(json, "bos", spec.bos, usual.bos);
  put(json, "eos", spec.eos, usual.eos);
  put(json, "pad", spec.pad, usual.pad);
  put(json, "decoder_start", spec.decoder_start, usual.decoder_start);
  put(json, "forced_bos", spec.forced_bos, usual.forced_bos);
  put(json, "forced_eos", spec.forced_eos, usual.forced_eos);
  put(json, "max_length", spec.max_length, usual.max_length);
  put(json, "min_length", spec.min_length, usual.min_length);
  put(json, "beams", spec.beams, usual.beams);
  put(json, "length_penalty", spec.length_penalty, usual.length_penalty);
  put(json, "early_stopping", spec.early_stopping, usual.early_stopping);
  put(json, "no_repeat_ngram", spec.no_repeat_ngram, usual.no_repeat_ngram);
  put(json, "repetition_penalty", spec.repetition_penalty, usual.repetition_penalty);
  put(json, "bad_words", spec.bad_words, usual.bad_words);
  return json;
}

GenerationSpec generation_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  GenerationSpec spec;
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, int64_t*>>{{"bos", &spec.bos},
                                                               {"pad", &spec.pad},
                                                               {"decoder_start", &spec.decoder_start},
                                                               {"forced_bos", &spec.forced_bos},
                                                               {"forced_eos", &spec.forced_eos}}) {
    members.size_if(key, -1, *value);
  }
  if (members.has("eos")) spec.eos = members.get<std::vector<int64_t>>("eos");
  members.size_if("max_length", 1, spec.max_length);
  members.size_if("min_length", 0, spec.min_length);
  members.size_if("beams", 1, spec.beams);
  members.real_if("length_penalty", -100, 100, spec.length_penalty);
  if (members.has("early_stopping")) {
    spec.early_stopping = kEarlyStopping.at(members.choice<size_t>("early_stopping", kEarlyStopping));
  }
  members.size_if("no_repeat_ngram", 0, spec.no_repeat_ngram);
  members.real_if("repetition_penalty", 1e-6, 1e6, spec.repetition_penalty);
  if (members.has("bad_words")) spec.bad_words = members.get<std::vector<std::vector<int64_t>>>("bad_words");
  members.refuse_others();
  return spec;
}

}  // namespace

std::string_view to_string(HeadKind kind) { return kHeads.at(static_cast<size_t>(kind)); }

Json to_json(const Architecture& a) {
  const Architecture usual;
  Json json = {{"family", a.family},
               {"hidden_size", a.hidden_size},
               {"norm_epsilon", a.norm_epsilon},
               {"hidden_dropout", a.hidden_dropout},
               {"attention_dropout", a.attention_dropout},
               {"embedding", embedding_to_json(a.embedding)},
               {"layers", layers_to_json(a.layers)},
               {"has_pooler", a.has_pooler},
               {"head", head_to_json(a.head)}};
  put_choice(json, "norm_kind", a.norm_kind, usual.norm_kind, kNormKinds);
  put(json, "biases", a.biases, usual.biases);
  put(json, "final_norm", a.final_norm, usual.final_norm);
  if (a.has_decoder()) {
    json["decoder"] = {{"embedding", embedding_to_json(a.decoder_embedding.value())},
                       {"layers", layers_to_json(a.decoder)}};
  }
  if (a.recurrent_decoder) json["recurrent_decoder"] = recurrent_decoder_to_json(*a.recurrent_decoder);
  if (a.generation) json["generation"] = generation_to_json(*a.generation);
  return json;
}

Architecture architecture_from_json(const Json& json, std::string_view where) {
  const std::string base(where);
  Members members(json, base);
  Architecture a;
  a.family = members.get<std::string>("family");
  a.hidden_size = members.size("hidden_size", 1);
  a.norm_epsilon = members.real("norm_epsilon", 0, 1);
  a.hidden_dropout = members.real("hidden_dropout", 0, 1);
  a.attention_dropout = members.real("attention_dropout", 0, 1);
  a.embedding = embedding_from_json(members.get<Json>("embedding"), base + ", embedding");
  a.layers = layers_from_json(members.get<Json>("layers"), base);
  a.has_pooler = members.get<bool>("has_pooler");
  a.head = head_from_json(members.get<Json>("head"), base + ", head");
  members.choice_if("norm_kind", kNormKinds, a.norm_kind);
  members.flag_if("biases", a.biases);
  members.flag_if("final_norm", a.final_norm);
  if (members.has("decoder")) {
    const Json decoder_json = members.get<Json>("decoder");
    Members decoder(decoder_json, base + ", decoder");
    a.decoder_embedding = embedding_from_json(decoder.get<Json>("embedding"), base + ", decoder, embedding");
    a.decoder = layers_from_json(decoder.get<Json>("layers"), base + ", decoder");
    decoder.refuse_others();
    if (a.decoder.empty()) {
      throw Error(ErrorKind::Format, {"the decoder has no layers", base + ", decoder", "", "one layer or more", ""});
    }
  }
  if (members.has("generation")) {
    a.generation = generation_from_json(members.get<Json>("generation"), base + ", generation");
  }
  if (members.has("recurrent_decoder")) {
    a.recurrent_decoder =
        recurrent_decoder_from_json(members.get<Json>("recurrent_decoder"), base + ", recurrent_decoder");
  }
  members.refuse_others();
  check_recurrent(a, base);
  return a;
}

}  // namespace espalier
