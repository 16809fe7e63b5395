// Every place for a weight that an architecture has.

#include <fmt/format.h>

#include "model/architecture.h"

namespace espalier {
namespace {

// Where the slots that are added next belong.
struct Region {
  Part part = Part::Embeddings;
  std::optional<LayerIndex> layer = {};
  Stack stack = Stack::Encoder;
};

// Collects slots in the order of the forward pass.
class SlotList {
 public:
  SlotList(NormKind norm_kind, bool biases) : norm_kind_(norm_kind), biases_(biases) {}

  void add(const std::string& name, SlotKind kind, const Region& region, const std::string& module, Shape shape) {
    slots_.push_back({name, kind, region.part, region.layer, module, std::move(shape), region.stack});
  }
  void linear(const std::string& path, const Region& region, int64_t out, int64_t in, bool bias) {
    const std::string module = path.substr(path.rfind('.') + 1);
    add(path + ".weight", SlotKind::Linear, region, module, {out, in});
    if (bias) add(path + ".bias", SlotKind::Bias, region, module, {out});
  }
  // A linear of a layer.
  void linear(const std::string& path, const Region& region, int64_t out, int64_t in) {
    linear(path, region, out, in, biases_);
  }
  void norm(const std::string& path, const Region& region, int64_t size, NormKind kind) {
    add(path + ".weight", SlotKind::NormWeight, region, "norm", {size});
    if (kind != NormKind::Rms) add(path + ".bias", SlotKind::NormBias, region, "norm", {size});
  }
  void norm(const std::string& path, const Region& region, int64_t size) { norm(path, region, size, norm_kind_); }
  std::vector<Slot> take() { return std::move(slots_); }

 private:
  NormKind norm_kind_;
  bool biases_;
  std::vector<Slot> slots_;
};

void add_embedding(SlotList& slots, const EmbeddingSpec& spec, Stack stack, int64_t hidden) {
  const Region region{.part = Part::Embeddings, .stack = stack};
  const std::string path = std::string(embeddings_of(stack)) + ".";
  const auto table = [&](const std::string& module, int64_t rows, int64_t width) {
    slots.add(path + module + ".weight", SlotKind::Embedding, region, module, {rows, width});
  };
  const int64_t words = embedding_word_width(spec, hidden);
  const int64_t sum = embedding_sum_width(spec, hidden);
  table("word", spec.vocab_size, words);
  if (spec.projection == Projection::Words) {
    slots.linear(path + "project", region, hidden, (spec.trigram ? 3 : 1) * words, true);
  }
  if (spec.positions == PositionKind::Learned) table("position", spec.max_positions + spec.position_offset, sum);
  if (spec.type_vocab_size > 0) table("type", spec.type_vocab_size, sum);
  if (spec.norm) slots.norm(path + "norm", region, sum);
  if (spec.projection == Projection::Sum) slots.linear(path + "project", region, hidden, sum, true);
}

// Inputs: what q and k read, what v reads; `inner`: the width of the residual sum.
void add_attention(SlotList& slots, const AttentionSpec& spec, const std::string& path, const Region& region,
                   int64_t query_in, int64_t key_in, int64_t value_in, int64_t inner) {
  slots.linear(path + "q_proj", region, spec.width(), query_in);
  slots.linear(path + "k_proj", region, spec.width(), key_in);
  slots.linear(path + "v_proj", region, spec.width(), value_in);
  if (spec.relative) {
    slots.add(path + "relative_bias.weight", SlotKind::Embedding, region, "relative_bias",
              {spec.relative->buckets, spec.relative->heads});
  }
  slots.linear(path + "out_proj", region, inner, spec.width());
  slots.norm(path + "norm", region, inner);
}

void add_feed_forward(SlotList& slots, const FeedForwardSpec& spec, const std::string& path, const Region& region,
                      int64_t inner) {
  slots.linear(path + "in_proj", region, spec.width, inner);
  if (spec.gated) slots.linear(path + "up_proj", region, spec.width, inner);
  slots.linear(path + "out_proj", region, inner, spec.width);
  slots.norm(path + "norm", region, inner);
}

void add_layer(SlotList& slots, const LayerSpec& layer, LayerIndex index, Stack stack, int64_t hidden) {
  const std::string at = fmt::format("{}.{}.", to_string(stack), index.value);
  const Region attention{Part::Attention, index, stack};
  const Region ffn{Part::FeedForward, index, stack};
  int64_t inner = hidden, query_in = hidden, value_in = hidden;
  if (layer.bottleneck) {
    const BottleneckSpec& bottleneck = *layer.bottleneck;
    inner = bottleneck.width;
    const bool narrow = bottleneck.attention || bottleneck.shared;
    query_in = narrow ? inner : hidden;
    value_in = bottleneck.attention ? inner : hidden;
    slots.linear(at + "bottleneck.input", attention, inner, hidden);
    slots.norm(at + "bottleneck.input.norm", attention, inner);
    if (bottleneck.shared) {
      slots.linear(at + "bottleneck.attention", attention, inner, hidden);
      slots.norm(at + "bottleneck.attention.norm", attention, inner);
    }
  }
  add_attention(slots, layer.attention, at + "attention.", attention, query_in, query_in, value_in, inner);
  if (layer.cross) {
    const Region cross{Part::CrossAttention, index, stack};
    add_attention(slots, *layer.cross, at + "cross_attention.", cross, inner, hidden, hidden, inner);
  }
  for (size_t i = 0; i < layer.stacked.size(); ++i) {
    add_feed_forward(slots, layer.stacked[i], fmt::format("{}ffn.{}.", at, i), ffn, inner);
  }
  add_feed_forward(slots, layer.ffn, at + "ffn.", ffn, inner);
  if (layer.bottleneck) {
    slots.linear(at + "bottleneck.output", ffn, hidden, inner);
    slots.norm(at + "bottleneck.output.norm", ffn, hidden);
  }
}

void add_recurrent(SlotList& slots, const Architecture& a, const RecurrentSpec& spec, size_t index, Stack stack) {
  const Region region{Part::Recurrent, LayerIndex(static_cast<int64_t>(index)), stack};
  const std::string at = fmt::format("{}.{}.", to_string(stack), index);
  const int64_t gates = spec.num_gates() * spec.width;
  for (const char* direction : {"recurrent.", "recurrent.backward."}) {
    slots.linear(at + direction + "input", region, gates, recurrent_input_width(a, stack, index));
    slots.linear(at + direction + "hidden", region, gates, spec.width);
    if (!spec.bidirectional) break;
  }
  if (stack != Stack::Decoder || !a.recurrent_decoder->bridge) return;
  const int64_t from = a.layers.at(bridged_layer(a, index)).recurrent->output_width();
  slots.linear(at + "bridge.hidden", region, spec.width, from);
  if (spec.cell == Cell::Lstm) slots.linear(at + "bridge.cell", region, spec.width, from);
}

// Luong 2015, equations 5 and 8; no biases.
void add_recurrent_attention(SlotList& slots, const Architecture& a) {
  const Region region{Part::CrossAttention, {}, Stack::Decoder};
  const int64_t state = a.decoder.back().recurrent->output_width();
  const int64_t memory = recurrent_memory_width(a);
  if (a.recurrent_decoder->attention == AttentionScore::General) {
    slots.linear("decoder.attention.score", region, state, memory, false);
  }
  slots.linear("decoder.attention.combine", region, a.hidden_size, memory + state, false);
}

void add_stack(SlotList& slots, const Architecture& a, Stack stack) {
  add_embedding(slots, embedding_spec(a, stack), stack, a.hidden_size);
  const std::vector<LayerSpec>& layers = layer_specs(a, stack);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].recurrent) {
      add_recurrent(slots, a, *layers[i].recurrent, i, stack);
      continue;
    }
    add_layer(slots, layers[i], LayerIndex(static_cast<int64_t>(i)), stack, a.hidden_size);
  }
  if (stack == Stack::Decoder && a.recurrent_decoder && a.recurrent_decoder->attention) {
    add_recurrent_attention(slots, a);
  }
  if (a.final_norm && !layers.empty()) {
    const Region region{Part::FeedForward, {}, stack};
    slots.norm(std::string(to_string(stack)) + ".norm", region, a.hidden_size);
  }
}

void add_head(SlotList& slots, const Architecture& a) {
  const HeadSpec& head = a.head;
  if (head.kind == HeadKind::None) return;
  const Region region{.part = Part::Head};
  const bool masked_lm = head.kind == HeadKind::MaskedLm;
  const bool dense = head.dense || masked_lm;
  const int64_t inputs = head_input_width(a);
  const int64_t width = !dense ? inputs : head.width > 0 ? head.width : a.hidden_size;
  if (dense) slots.linear("head.dense", region, width, inputs, true);
  if (masked_lm) slots.norm("head.norm", region, width, NormKind::Layer);
  const int64_t read = head.wide ? embedding_word_width(a.embedding, a.hidden_size) : width;
  slots.linear("head.out", region, head.num_labels, read, head.bias);
  if (head.wide && read < width) slots.linear("head.extra", region, head.num_labels, width - read, false);
}

}  // namespace

std::vector<Slot> slots_of(const Architecture& a) {
  SlotList slots(a.norm_kind, a.biases);
  add_stack(slots, a, Stack::Encoder);
  if (a.has_decoder()) add_stack(slots, a, Stack::Decoder);
  if (a.has_pooler) slots.linear("pooler.dense", {.part = Part::Pooler}, a.hidden_size, a.hidden_size, true);
  add_head(slots, a);
  return slots.take();
}

std::string layer_slot(LayerIndex layer, std::string_view module_path, std::string_view leaf) {
  return fmt::format("encoder.{}.{}.{}", layer.value, module_path, leaf);
}

}  // namespace espalier
