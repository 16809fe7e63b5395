#include "model/architecture.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier {
namespace {

constexpr std::array<std::string_view, 7> kParts = {"embeddings", "attention",       "ffn",      "pooler",
                                                    "head",       "cross_attention", "recurrent"};

}  // namespace

std::string_view to_string(Part part) { return kParts.at(static_cast<size_t>(part)); }
std::string_view to_string(Stack stack) { return stack == Stack::Encoder ? "encoder" : "decoder"; }

std::string_view embeddings_of(Stack stack) { return stack == Stack::Encoder ? "embeddings" : "decoder_embeddings"; }

double AttentionSpec::score_scale() const { return scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(head_dim)); }

bool Architecture::is_causal() const {
  if (has_decoder() || layers.empty()) return false;
  if (!is_recurrent()) return layers.front().attention.causal;
  return std::ranges::none_of(layers, [](const LayerSpec& layer) { return layer.recurrent->bidirectional; });
}

Activation head_activation(const Architecture& a) {
  if (a.head.activation) return *a.head.activation;
  if (a.is_recurrent()) return Activation::Tanh;
  return a.layers.empty() ? Activation::Gelu : a.layers.front().ffn.activation;
}

const EmbeddingSpec& embedding_spec(const Architecture& a, Stack stack) {
  return stack == Stack::Encoder ? a.embedding : a.decoder_embedding.value();
}

const std::vector<LayerSpec>& layer_specs(const Architecture& a, Stack stack) {
  return stack == Stack::Encoder ? a.layers : a.decoder;
}

int64_t embedding_word_width(const EmbeddingSpec& spec, int64_t hidden_size) {
  return spec.width > 0 ? spec.width : hidden_size;
}

int64_t embedding_sum_width(const EmbeddingSpec& spec, int64_t hidden_size) {
  return spec.projection == Projection::Words ? hidden_size : embedding_word_width(spec, hidden_size);
}

}  // namespace espalier
