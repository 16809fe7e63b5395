#include "model/layer_json.h"

#include "model/members.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 2> kNormPlaces = {"post", "pre"};
constexpr std::array<std::string_view, 2> kCells = {"lstm", "gru"};

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
  if (layer.recurrent) {
    const RecurrentSpec usual;
    Json spec = {{"cell", kCells.at(static_cast<size_t>(layer.recurrent->cell))}, {"width", layer.recurrent->width}};
    put(spec, "bidirectional", layer.recurrent->bidirectional, usual.bidirectional);
    return {{"recurrent", std::move(spec)}};
  }
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

RecurrentSpec recurrent_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  RecurrentSpec spec;
  spec.cell = members.choice<Cell>("cell", kCells);
  spec.width = members.size("width", 1);
  members.flag_if("bidirectional", spec.bidirectional);
  members.refuse_others();
  if (spec.num_gates() * spec.width < kMaxSize) return spec;
  throw Error(ErrorKind::Format, {"\"width\" is out of range", where, fmt::format("{}", spec.width),
                                  "a matrix of all gates below 2^31 rows", ""});
}

LayerSpec layer_from_json(const Json& json, const std::string& where) {
  Members members(json, where);
  LayerSpec layer;
  if (members.has("recurrent")) {
    layer.recurrent = recurrent_from_json(members.get<Json>("recurrent"), where + ", recurrent");
    members.refuse_others();
    return layer;
  }
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

}  // namespace

std::string_view to_string(Activation activation) { return kActivations.at(static_cast<size_t>(activation)); }

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

}  // namespace espalier
