// Architecture as JSON and back. Members that have their default are not written, so that a description has the same
// bytes as before a member was invented; a member that is not known is refused, since it may change the meaning.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "base/error.h"
#include "model/architecture.h"
#include "model/positions.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 5> kActivations = {"gelu", "gelu_tanh", "relu", "silu", "tanh"};
constexpr std::array<std::string_view, 2> kNormPlaces = {"post", "pre"};
constexpr std::array<std::string_view, 3> kNormKinds = {"layer", "rms", "affine"};
constexpr std::array<std::string_view, 4> kPositions = {"learned", "sinusoidal", "sinusoidal_halves", "none"};
constexpr std::array<std::string_view, 3> kProjections = {"none", "words", "sum"};
constexpr std::array<std::string_view, 8> kHeads = {
    "none",      "classification", "regression",    "token_classification", "question_answering",
    "masked_lm", "language_model", "replaced_token"};
constexpr std::array<std::string_view, 3> kEarlyStopping = {"false", "true", "never"};

constexpr int64_t kMaxSize = int64_t{1} << 31;

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Reads the members of one object and refuses those that nobody read.
class Members {
 public:
  Members(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}
  const std::string& where() const { return where_; }

  template <typename T>
  T get(const char* key) {
    known_.insert(key);
    return json_get<T>(json_, key, where_);
  }
  bool has(const char* key) {
    known_.insert(key);
    return json_.contains(key);
  }
  int64_t size(const char* key, int64_t least) {
    const Json value = get<Json>(key);
    if (value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() < kMaxSize) {
      return value.get<int64_t>();
    }
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), where_, text_of(value),
                                    fmt::format("a whole number from {} to 2^31 - 1", least), ""});
  }
  double real(const char* key, double low, double high) {
    const auto value = get<double>(key);
    if (std::isfinite(value) && value >= low && value <= high) return value;
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), where_, fmt::format("{}", value),
                                    fmt::format("{} to {}", low, high), ""});
  }
  template <typename Enum, size_t N>
  Enum choice(const char* key, const std::array<std::string_view, N>& names) {
    const auto name = get<std::string>(key);
    for (size_t i = 0; i < N; ++i) {
      if (names[i] == name) return static_cast<Enum>(i);
    }
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is not known", key), where_, name,
                                    fmt::format("one of {}", fmt::join(names, ", ")), ""});
  }
  // The same when the member is there; `value` keeps what it has when it is not.
  void size_if(const char* key, int64_t least, int64_t& value) {
    if (has(key)) value = size(key, least);
  }
  void real_if(const char* key, double low, double high, double& value) {
    if (has(key)) value = real(key, low, high);
  }
  void flag_if(const char* key, bool& value) {
    if (has(key)) value = get<bool>(key);
  }
  template <typename Enum, size_t N>
  void choice_if(const char* key, const std::array<std::string_view, N>& names, Enum& value) {
    if (has(key)) value = choice<Enum>(key, names);
  }

  void refuse_others() const {
    for (const auto& [key, value] : json_.items()) {
      if (known_.contains(key)) continue;
      throw Error(ErrorKind::Unsupported,
                  {fmt::format("\"{}\" is not a member that this program knows", key), where_, text_of(value),
                   "the members of an architecture", "Open it with a newer Espalier."});
    }
  }

 private:
  const Json& json_;
  std::string where_;
  std::set<std::string> known_;
};

// Adds members that differ from their default.
template <typename T>
void put(Json& json, const char* key, const T& value, const T& usual) {
  if (value != usual) json[key] = value;
}
template <typename Enum, size_t N>
void put_choice(Json& json, const char* key, Enum value, Enum usual, const std::array<std::string_view, N>& names) {
  if (value != usual) json[key] = names.at(static_cast<size_t>(value));
}

// --- Layers ---------------------------------------------------------------------------------------------------------

// The members of attention, which stand in the layer itself for self-attention.
void put_attention(Json& json, const AttentionSpec& spec) {
  const AttentionSpec usual;
  Json heads = Json::array();
  for (const HeadIndex head : spec.heads) heads.push_back(head.value);
  json["heads"] = std::move(heads);
  json["head_dim"] = spec.head_dim;
  put(json, "score_scale", spec.scale, usual.scale);
  put(json, "causal", spec.causal, usual.causal);
  if (!spec.relative) return;
  json["relative_bias"] = {{"buckets", spec.relative->buckets},
                           {"max_distance", spec.relative->max_distance},
                           {"heads", spec.relative->heads}};
}

std::vector<HeadIndex> heads_from(Members& members) {
  std::vector<HeadIndex> listed;
  const Json heads = members.get<Json>("heads");
  if (!heads.is_array() || heads.empty()) {
    throw Error(ErrorKind::Format,
                {"\"heads\" is not a list of heads", members.where(), text_of(heads), "at least one head", ""});
  }
  int64_t previous = -1;
  for (const Json& head : heads) {
    const bool ascends = head.is_number_integer() && head.get<int64_t>() > previous && head.get<int64_t>() < kMaxSize;
    if (!ascends) {
      throw Error(ErrorKind::Format, {"\"heads\" is not ascending", members.where(), text_of(heads),
                                      "different whole numbers, ascending", ""});
    }
    previous = head.get<int64_t>();
    listed.emplace_back(previous);
  }
  return listed;
}

AttentionSpec attention_from(Members& members) {
  AttentionSpec spec;
  spec.heads = heads_from(members);
  spec.head_dim = members.size("head_dim", 1);
  members.real_if("score_scale", 1e-12, 1e12, spec.scale);
  members.flag_if("causal", spec.causal);
  if (members.has("relative_bias")) {
    const Json json = members.get<Json>("relative_bias");
    Members relative(json, members.where() + ", relative_bias");
    RelativeBiasSpec bias;
    bias.buckets = relative.size("buckets", 4);
    bias.max_distance = relative.size("max_distance", 1);
    bias.heads = relative.size("heads", 1);
    relative.refuse_others();
    if (spec.heads.back().value >= bias.heads || bias.max_distance <= bias.buckets / (spec.causal ? 2 : 4)) {
      throw Error(ErrorKind::Format, {"\"relative_bias\" does not fit the layer", members.where(), text_of(json),
                                      "a column for every head and a distance beyond the first half of buckets", ""});
    }
    spec.relative = bias;
  }
  if (spec.width() >= kMaxSize) {
    throw Error(ErrorKind::Format,
                {"the heads are too wide", members.where(), fmt::format("{}", spec.width()), "a width below 2^31", ""});
  }
  return spec;
}

void put_feed_forward(Json& json, const FeedForwardSpec& spec) {
  const FeedForwardSpec usual;
  json["ffn_width"] = spec.width;
  json["activation"] = to_string(spec.activation);
  put(json, "gated", spec.gated, usual.gated);
  put(json, "ffn_norm_epsilon", spec.norm_epsilon, usual.norm_epsilon);
}

FeedForwardSpec feed_forward_from(Members& members) {
  FeedForwardSpec spec;
  spec.width = members.size("ffn_width", 1);
  spec.activation = members.choice<Activation>("activation", kActivations);
  members.flag_if("gated", spec.gated);
  members.real_if("ffn_norm_epsilon", 0, 1, spec.norm_epsilon);
  return spec;
}

Json layer_to_json(const LayerSpec& layer) {
  Json json = {{"norm", kNormPlaces.at(static_cast<size_t>(layer.norm))}};
  put_attention(json, layer.attention);
  put_feed_forward(json, layer.ffn);
  if (layer.cross) put_attention(json["cross_attention"], *layer.cross);
  for (const FeedForwardSpec& spec : layer.stacked) {
    Json one;
    put_feed_forward(one, spec);
    json["stacked_ffn"].push_back(std::move(one));
  }
  if (layer.bottleneck) {
    json["bottleneck"] = {{"width", layer.bottleneck->width},
                          {"shared", layer.bottleneck->shared},
                          {"attention", layer.bottleneck->attention}};
  }
  return json;
}

LayerSpec layer_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  LayerSpec layer;
  layer.attention = attention_from(members);
  layer.ffn = feed_forward_from(members);
  layer.norm = members.choice<NormPlacement>("norm", kNormPlaces);
  if (members.has("cross_attention")) {
    const Json cross_json = members.get<Json>("cross_attention");
    Members cross(cross_json, where + ", cross_attention");
    layer.cross = attention_from(cross);
    cross.refuse_others();
  }
  if (members.has("stacked_ffn")) {
    const Json list = members.get<Json>("stacked_ffn");
    if (!list.is_array()) throw Error(ErrorKind::Format, {"\"stacked_ffn\" is not a list", where, "", "a list", ""});
    for (const Json& one : list) {
      Members stacked(one, where + ", stacked_ffn");
      layer.stacked.push_back(feed_forward_from(stacked));
      stacked.refuse_others();
    }
  }
  if (members.has("bottleneck")) {
    const Json narrow_json = members.get<Json>("bottleneck");
    Members narrow(narrow_json, where + ", bottleneck");
    BottleneckSpec bottleneck;
    bottleneck.width = narrow.size("width", 1);
    narrow.flag_if("shared", bottleneck.shared);
    narrow.flag_if("attention", bottleneck.attention);
    narrow.refuse_others();
    layer.bottleneck = bottleneck;
  }
  members.refuse_others();
  return layer;
}

Json layers_to_json(const std::vector<LayerSpec>& layers) {
  Json list = Json::array();
  for (const LayerSpec& layer : layers) list.push_back(layer_to_json(layer));
  return list;
}

std::vector<LayerSpec> layers_from_json(const Json& list, const std::string& where) {
  if (!list.is_array()) throw Error(ErrorKind::Format, {"\"layers\" is not a list", where, "", "a list", ""});
  std::vector<LayerSpec> layers;
  for (size_t i = 0; i < list.size(); ++i) {
    layers.push_back(layer_from_json(list[i], fmt::format("{}, layer {}", where, i)));
  }
  return layers;
}

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
  members.refuse_others();
  if (!head.labels.empty() && std::ssize(head.labels) != head.num_labels) {
    throw Error(ErrorKind::Format,
                {"\"labels\" does not name every label", where, fmt::format("{} names", head.labels.size()),
                 fmt::format("{} names", head.num_labels), ""});
  }
  return head;
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

std::string_view to_string(Activation activation) { return kActivations.at(static_cast<size_t>(activation)); }
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
  members.refuse_others();
  return a;
}

}  // namespace espalier
