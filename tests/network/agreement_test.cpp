// Network and engine compute the same function for architectures of every kind: sizes, depths, activations, norms,
// positions and heads that no reference file has.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "base/json.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "network/network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

constexpr double kTolerance = 1e-4;  // of max(1, largest value)

AttentionSpec heads_of(int64_t count, int64_t size) {
  AttentionSpec spec;
  for (int64_t head = 0; head < count; ++head) spec.heads.emplace_back(head);
  spec.head_dim = size;
  return spec;
}

LayerSpec layer_of(int64_t heads, int64_t head_dim, int64_t ffn, Activation activation) {
  LayerSpec layer;
  layer.attention = heads_of(heads, head_dim);
  layer.ffn.width = ffn;
  layer.ffn.activation = activation;
  return layer;
}

Architecture encoder_of(const std::vector<LayerSpec>& layers, int64_t hidden) {
  Architecture a;
  a.family = "made for a test";
  a.hidden_size = hidden;
  a.embedding = {.vocab_size = 90, .max_positions = 40, .type_vocab_size = 2, .pad_token_id = 0};
  a.layers = layers;
  a.head = {.kind = HeadKind::TokenClassification, .num_labels = 5};
  return a;
}

// Vaswani 2017: fixed positions, scaled embeddings, the norm behind each block, one table of words.
Architecture vaswani(size_t encoder, size_t decoder, NormPlacement norm) {
  LayerSpec layer = layer_of(4, 6, 40, Activation::Relu);
  layer.norm = norm;
  Architecture a = encoder_of(std::vector<LayerSpec>(encoder, layer), 24);
  a.embedding.type_vocab_size = 0;
  a.embedding.positions = PositionKind::Sinusoidal;
  a.embedding.scale = std::sqrt(24.0);
  a.embedding.norm = false;
  a.final_norm = norm == NormPlacement::Pre;
  a.decoder_embedding = a.embedding;
  layer.cross = layer.attention;
  layer.attention.causal = true;
  a.decoder.assign(decoder, layer);
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 90, .bias = false};
  return a;
}

Architecture gated_t5() {
  LayerSpec layer = layer_of(3, 10, 33, Activation::GeluTanh);
  layer.norm = NormPlacement::Pre;
  layer.attention.scale = 1;
  layer.attention.relative = RelativeBiasSpec{.buckets = 8, .max_distance = 20, .heads = 3};
  layer.ffn.gated = true;
  Architecture a = encoder_of({layer, layer}, 25);
  a.embedding.type_vocab_size = 0;
  a.embedding.positions = PositionKind::None;
  a.embedding.max_positions = kAnyLength;
  a.embedding.norm = false;
  a.norm_kind = NormKind::Rms;
  a.biases = false;
  a.final_norm = true;
  a.decoder_embedding = a.embedding;
  a.decoder_embedding->vocab_size = 70;
  layer.cross = heads_of(2, 7);
  layer.cross->scale = 1;
  layer.attention.causal = true;
  a.decoder = {layer, layer, layer};
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 70, .bias = false, .scale = 0.2};
  return a;
}

Architecture mobile(const BottleneckSpec& bottleneck, NormKind norm) {
  LayerSpec layer = layer_of(2, bottleneck.width / 2, 30, Activation::Silu);
  layer.stacked.assign(2, layer.ffn);
  layer.ffn.norm_epsilon = 1e-3;
  layer.bottleneck = bottleneck;
  Architecture a = encoder_of({layer, layer}, 28);
  a.norm_kind = norm;
  a.embedding.width = 9;
  a.embedding.trigram = true;
  a.embedding.projection = Projection::Words;
  a.embedding.norm_epsilon = 1e-3;
  a.head = {.kind = HeadKind::MaskedLm, .num_labels = 90, .wide = true};
  return a;
}

Architecture roberta_like() {
  Architecture a = encoder_of({layer_of(3, 8, 50, Activation::Gelu), layer_of(2, 8, 20, Activation::Tanh)}, 30);
  a.embedding.skip_padding = true;
  a.embedding.pad_token_id = 3;
  a.embedding.position_offset = 4;
  a.embedding.width = 17;
  a.embedding.projection = Projection::Sum;
  a.head = {
      .kind = HeadKind::Classification, .num_labels = 4, .dense = true, .activation = Activation::Relu, .width = 11};
  return a;
}

Architecture gpt_like() {
  LayerSpec layer = layer_of(3, 9, 44, Activation::GeluTanh);
  layer.norm = NormPlacement::Pre;
  layer.attention.causal = true;
  Architecture a = encoder_of({layer, layer, layer}, 27);
  a.layers[1].attention.scale = 0.1;
  a.layers[2].attention.heads.erase(a.layers[2].attention.heads.begin());
  a.embedding.type_vocab_size = 0;
  a.embedding.norm = false;
  a.final_norm = true;
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 90, .bias = false};
  return a;
}

struct Named {
  const char* name;
  Architecture architecture;
};

std::vector<Named> architectures() {
  LayerSpec pre = layer_of(3, 8, 31, Activation::Silu);
  pre.norm = NormPlacement::Pre;
  Architecture pre_encoder = encoder_of({pre, pre}, 24);
  pre_encoder.final_norm = true;
  pre_encoder.has_pooler = true;
  pre_encoder.head = {.kind = HeadKind::Regression, .num_labels = 1};
  Architecture pruned = gated_t5();
  pruned.layers[0].attention.heads = {HeadIndex(2)};
  pruned.layers[1].attention.heads = {HeadIndex(0), HeadIndex(2)};
  return {{"PreNormEncoder", pre_encoder},
          {"Roberta", roberta_like()},
          {"MobileShared", mobile({.width = 12, .shared = true, .attention = false}, NormKind::Affine)},
          {"MobileApart", mobile({.width = 12, .shared = false, .attention = false}, NormKind::Layer)},
          {"MobileAttention", mobile({.width = 14, .shared = true, .attention = true}, NormKind::Affine)},
          {"Gpt", gpt_like()},
          {"Vaswani", vaswani(2, 2, NormPlacement::Post)},
          {"VaswaniDeepDecoder", vaswani(1, 3, NormPlacement::Pre)},
          {"GatedT5", gated_t5()},
          {"PrunedT5", pruned}};
}

Model filled(const Architecture& architecture) {
  Model model;
  model.architecture = architecture;
  Rng rng(5);
  for (const Slot& slot : slots_of(architecture)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    const double spread = slot.kind == SlotKind::Linear ? 1 / std::sqrt(static_cast<double>(slot.shape[1])) : 0.3;
    for (float& value : values) {
      value = static_cast<float>((slot.kind == SlotKind::NormWeight ? 1 : 0) + spread * rng.normal());
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  return model;
}

// Sequences of one length each, alone in their batch, so that padding plays no part.
std::vector<TokenId> random_ids(int64_t count, int64_t vocab, uint64_t seed) {
  Rng rng(seed);
  std::vector<TokenId> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab))));
  return ids;
}

at::Tensor as_tensor(const std::vector<TokenId>& ids) {
  const std::vector<int64_t> wide(ids.begin(), ids.end());
  return at::tensor(wide, at::kLong).unsqueeze(0);
}

PackedBatch as_batch(const std::vector<std::vector<TokenId>>& sequences, bool types) {
  PackedBatch batch;
  batch.starts = {0};
  for (const std::vector<TokenId>& ids : sequences) {
    for (size_t i = 0; i < ids.size(); ++i) {
      batch.ids.push_back(ids[i]);
      batch.type_ids.push_back(types && 2 * i > ids.size() ? 1 : 0);
    }
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  return batch;
}

double error_of(const at::Tensor& wanted, const Tensor& got, int64_t first_row, int64_t rows) {
  const at::Tensor flat = wanted.reshape({rows, -1}).contiguous();
  const int64_t width = flat.size(1);
  const auto values = got.values<float>();
  double scale = 1, most = 0;
  for (int64_t i = 0; i < rows * width; ++i) {
    const double a = flat.data_ptr<float>()[i], b = values[static_cast<size_t>(first_row * width + i)];
    if (!std::isfinite(b)) return INFINITY;
    scale = std::max(scale, std::fabs(a));
    most = std::max(most, std::fabs(a - b));
  }
  return most / scale;
}

class Agreement : public testing::TestWithParam<Named> {};

TEST_P(Agreement, NetworkAndEngineGiveTheSameNumbers) {
  const Model model = filled(GetParam().architecture);
  const Architecture& a = model.architecture;
  const at::NoGradGuard no_grad;
  Network network(model);
  const std::vector<std::vector<TokenId>> sources = {random_ids(1, 90, 1), random_ids(23, 90, 2), random_ids(9, 90, 3)};
  std::vector<std::vector<TokenId>> targets;
  if (a.has_decoder()) {
    const int64_t vocab = a.decoder_embedding->vocab_size;
    targets = {random_ids(4, vocab, 4), random_ids(1, vocab, 5), random_ids(17, vocab, 6)};
  }
  const PackedBatch batch = as_batch(sources, a.embedding.type_vocab_size > 0);
  const PackedBatch read = as_batch(targets, false);
  for (const KernelSet set : {KernelSet::Best, KernelSet::Reference}) {
    for (const int threads : {1, 2}) {
      const Engine engine(model, {threads, set});
      const EngineRequest request{.hidden_states = true, .attentions = true};
      const EngineOutput output = a.has_decoder() ? engine.run(batch, read, request) : engine.run(batch, request);
      const EngineOutput plain = a.has_decoder() ? engine.run(batch, read) : engine.run(batch);
      for (size_t b = 0; b < sources.size(); ++b) {
        SCOPED_TRACE(b);
        NetworkBatch one;
        one.input_ids = as_tensor(sources[b]);
        one.token_type_ids = at::zeros_like(one.input_ids);
        for (int64_t i = 0; i < one.input_ids.size(1); ++i) {
          one.token_type_ids[0][i] = batch.type_ids[static_cast<size_t>(batch.starts[b] + i)];
        }
        one.attention_mask = at::ones_like(one.input_ids);
        if (a.has_decoder()) one.decoder_input_ids = as_tensor(targets[b]);
        ForwardOptions options;
        options.hidden_states = true;
        options.attentions = true;
        const ForwardResult wanted = network.forward(one, options);
        const int64_t n = one.input_ids.size(1), start = batch.starts[b];
        for (size_t l = 0; l < wanted.hidden_states.size(); ++l) {
          EXPECT_LE(error_of(wanted.hidden_states[l], output.hidden_states[l], start, n), kTolerance) << l;
        }
        for (size_t l = 0; l < wanted.attentions.size(); ++l) {
          const int64_t lines = a.layers[l].attention.num_heads() * n;
          EXPECT_LE(error_of(wanted.attentions[l], output.attentions[l][b], 0, lines), kTolerance) << l;
        }
        const bool by_token = wanted.logits.dim() == 3;
        const auto row = static_cast<int64_t>(b);
        const PackedBatch& written = a.has_decoder() ? read : batch;
        const int64_t first = by_token ? written.starts[b] : row;
        const int64_t rows = by_token ? written.starts[b + 1] - written.starts[b] : 1;
        EXPECT_LE(error_of(wanted.logits, output.logits, first, rows), kTolerance);
        EXPECT_LE(error_of(wanted.logits, plain.logits, first, rows), kTolerance);
        for (size_t l = 0; l < wanted.decoder_hidden_states.size(); ++l) {
          const at::Tensor& state = wanted.decoder_hidden_states[l];
          EXPECT_LE(error_of(state, output.decoder_hidden_states[l], read.starts[b], rows), kTolerance) << l;
        }
        for (size_t l = 0; l < wanted.cross_attentions.size(); ++l) {
          const int64_t lines = a.decoder[l].cross->num_heads() * rows;
          EXPECT_LE(error_of(wanted.cross_attentions[l], output.cross_attentions[l][b], 0, lines), kTolerance) << l;
        }
      }
    }
  }
}

TEST_P(Agreement, ThreadsDoNotDisturbEachOther) {
  const Architecture& a = GetParam().architecture;
  const Model model = filled(a);
  const PackedBatch batch =
      as_batch({random_ids(1, 90, 1), random_ids(23, 90, 2), random_ids(9, 90, 3)}, a.embedding.type_vocab_size > 0);
  PackedBatch read;
  if (a.has_decoder()) {
    const int64_t vocab = a.decoder_embedding->vocab_size;
    read = as_batch({random_ids(4, vocab, 4), random_ids(1, vocab, 5), random_ids(17, vocab, 6)}, false);
  }
  const Engine one(model, {1, KernelSet::Best}), two(model, {2, KernelSet::Best});
  const auto run = [&](const Engine& engine) {
    return a.has_decoder() ? engine.run(batch, read).logits : engine.run(batch).logits;
  };
  const Tensor wanted = run(one);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(bit_equal(run(two), wanted)) << "run " << i;
}

TEST_P(Agreement, SurvivesTheWayThroughJson) {
  const Architecture& a = GetParam().architecture;
  EXPECT_EQ(architecture_from_json(to_json(a), "x"), a);
}

TEST_P(Agreement, GeneratedTextDoesNotDependOnTheCache) {
  const Architecture& a = GetParam().architecture;
  if (a.head.kind != HeadKind::LanguageModel) GTEST_SKIP() << "writes no text";
  const Model model = filled(a);
  Network network(model);
  const Engine engine(model);
  GenerationSpec spec;
  spec.decoder_start = 2;
  spec.eos = {7, 11};
  spec.max_length = 19;
  spec.no_repeat_ngram = 2;
  spec.bad_words = {{5}, {6, 8}};
  for (const int64_t beams : {1, 3}) {
    spec.beams = beams;
    const std::vector<std::vector<TokenId>> sources = {random_ids(3, 90, 8), random_ids(11, 90, 9)};
    const auto written = engine.generate(as_batch(sources, false), spec);
    for (size_t b = 0; b < sources.size(); ++b) {
      EXPECT_EQ(written[b], network.generate(sources[b], spec)) << beams << " beams, sequence " << b;
      EXPECT_GT(written[b].size(), a.has_decoder() ? 1U : sources[b].size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Agreement, testing::ValuesIn(architectures()),
                         [](const testing::TestParamInfo<Named>& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace espalier
