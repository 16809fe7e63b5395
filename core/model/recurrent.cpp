// How recurrent layers are put together: which width meets which, and what cannot be.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/architecture.h"

namespace espalier {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& where, const std::string& got,
                         const std::string& wanted) {
  throw Error(ErrorKind::Format, {what, where, got, wanted, ""});
}

bool answers_once(HeadKind kind) { return kind == HeadKind::Classification || kind == HeadKind::Regression; }

void check_head(const Architecture& a, const std::string& where) {
  const bool pools = a.head.pooling != Pooling::FirstToken;
  const std::string at = where + ", head";
  if (pools && (!a.is_recurrent() || a.has_decoder() || !answers_once(a.head.kind))) {
    refuse("\"pooling\" of last states has no meaning here", at, std::string(to_string(a.head.kind)),
           "a classification or regression head on recurrent layers without a decoder");
  }
  if (!a.is_recurrent()) return;
  if (answers_once(a.head.kind) && !pools) {
    refuse("a recurrent model answers from its last states", at, "pooling \"first_token\"",
           "pooling \"last_states\" or \"compared_states\"");
  }
  if (a.head.kind == HeadKind::None) {
    refuse("a recurrent model without a head gives nothing", at, "kind \"none\"", "a head");
  }
}

// A sequence is read a token at a time, so an embedding may not look at its neighbours or its place.
void check_embedding(const Architecture& a, Stack stack, const std::string& where) {
  const EmbeddingSpec& spec = embedding_spec(a, stack);
  if (spec.positions == PositionKind::None && !spec.trigram) return;
  refuse("recurrent layers read words without positions or neighbours",
         fmt::format("{}, {}", where, stack == Stack::Encoder ? "embedding" : "decoder, embedding"),
         spec.trigram ? "trigram" : "positions", "positions \"none\", no trigram");
}

// Widths of a stack's last layer against what reads it.
void check_widths(const Architecture& a, const std::string& where) {
  const std::vector<LayerSpec>& last = a.has_decoder() ? a.decoder : a.layers;
  const int64_t given = last.back().recurrent->output_width();
  const bool combines = a.has_decoder() && a.recurrent_decoder->attention.has_value();
  if (!combines && given != a.hidden_size) {
    refuse("the last layer does not give rows of the hidden size", where, fmt::format("{}", given),
           fmt::format("{}, both directions together", a.hidden_size));
  }
  if (!a.has_decoder()) return;
  if (a.recurrent_decoder->attention == AttentionScore::Dot && given != recurrent_memory_width(a)) {
    refuse("attention by dot products needs states of one width", where + ", recurrent_decoder",
           fmt::format("{} and {}", given, recurrent_memory_width(a)), "equal widths, or the score \"general\"");
  }
  if (a.recurrent_decoder->bridge) return;
  for (size_t i = 0; i < a.decoder.size(); ++i) {
    const RecurrentSpec& from = *a.layers.at(bridged_layer(a, i)).recurrent;
    const RecurrentSpec& to = *a.decoder[i].recurrent;
    if (from.output_width() == to.width && from.cell == to.cell) continue;
    refuse("the decoder cannot begin with the encoder's last states", fmt::format("{}, decoder, layer {}", where, i),
           fmt::format("widths {} and {}", from.output_width(), to.width), "equal widths and cells, or a bridge");
  }
}

void check_stack(const Architecture& a, Stack stack, const std::string& where) {
  const std::vector<LayerSpec>& layers = layer_specs(a, stack);
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string at = fmt::format("{}, {}, layer {}", where, to_string(stack), i);
    if (layers[i].recurrent.has_value() != a.is_recurrent()) {
      refuse("recurrent layers and others are mixed", at, "", "layers of one kind in the whole model");
    }
    if (!layers[i].recurrent) continue;
    if (stack == Stack::Decoder && layers[i].recurrent->bidirectional) {
      refuse("a decoder cannot read from the end", at, "bidirectional", "one direction");
    }
  }
}

}  // namespace

int64_t recurrent_input_width(const Architecture& a, Stack stack, size_t layer) {
  if (layer > 0) return layer_specs(a, stack).at(layer - 1).recurrent->output_width();
  const EmbeddingSpec& embedding = embedding_spec(a, stack);
  const int64_t words =
      embedding.projection == Projection::None ? embedding_word_width(embedding, a.hidden_size) : a.hidden_size;
  const bool fed = stack == Stack::Decoder && a.recurrent_decoder->attention && a.recurrent_decoder->input_feeding;
  return words + (fed ? a.hidden_size : 0);
}

int64_t recurrent_memory_width(const Architecture& a) { return a.layers.back().recurrent->output_width(); }

size_t bridged_layer(const Architecture& a, size_t decoder_layer) {
  return std::min(decoder_layer, a.layers.size() - 1);
}

int64_t head_input_width(const Architecture& a) {
  return a.head.pooling == Pooling::ComparedStates ? 4 * a.hidden_size : a.hidden_size;
}

void check_recurrent(const Architecture& a, const std::string& where) {
  check_stack(a, Stack::Encoder, where);
  check_stack(a, Stack::Decoder, where);
  check_head(a, where);
  if (a.recurrent_decoder.has_value() != (a.is_recurrent() && a.has_decoder())) {
    refuse("\"recurrent_decoder\" stands beside a recurrent decoder and nowhere else", where,
           a.recurrent_decoder ? "no such decoder" : "no such member", "both or none");
  }
  if (!a.is_recurrent()) return;
  if (a.has_pooler || a.final_norm) {
    refuse("a recurrent model has no pooler and no final norm", where, a.has_pooler ? "has_pooler" : "final_norm",
           "false");
  }
  if (a.head.kind == HeadKind::LanguageModel && !a.has_decoder() && !a.is_causal()) {
    refuse("a language model reads left to right", where, "a bidirectional layer", "one direction in every layer");
  }
  check_embedding(a, Stack::Encoder, where);
  if (a.has_decoder()) check_embedding(a, Stack::Decoder, where);
  check_widths(a, where);
}

}  // namespace espalier
