// Recurrent models against plain loops in double precision, against libtorch's own modules, and against themselves: in
// batches and alone, in one pass and in two, fused and not.

#include <torch/torch.h>

#include "engine/engine.h"
#include "network/network.h"
#include "tests/model/small_recurrent.h"
#include "tests/network/recurrent_loops.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using namespace espalier::test;

constexpr Cell kBothCells[] = {Cell::Lstm, Cell::Gru};
constexpr double kExact = 1e-11;

double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

NetworkOptions doubles(bool fused) { return {.placement = {.precision = Precision::Float64}, .fused = fused}; }

NetworkBatch batch_of(const std::vector<std::vector<TokenId>>& texts,
                      const std::vector<std::vector<int32_t>>& types = {}) {
  std::vector<Encoding> encodings(texts.size());
  std::vector<const Encoding*> pointers;
  for (size_t i = 0; i < texts.size(); ++i) {
    encodings[i].ids = texts[i];
    encodings[i].type_ids = types.empty() ? std::vector<int32_t>(texts[i].size(), 0) : types[i];
    pointers.push_back(&encodings[i]);
  }
  return make_network_batch(pointers, 0, "cpu");
}

void add_targets(NetworkBatch& batch, const std::vector<std::vector<TokenId>>& targets) {
  const NetworkBatch read = batch_of(targets);
  batch.decoder_input_ids = read.input_ids;
  batch.decoder_attention_mask = read.attention_mask;
}

at::Tensor tensor_of(const Row& row) { return at::tensor(row, at::kDouble); }
at::Tensor tensor_of(const Rows& rows) {
  std::vector<at::Tensor> all;
  for (const Row& row : rows) all.push_back(tensor_of(row));
  return at::stack(all);
}

const std::vector<std::vector<TokenId>> kTexts = {{3, 1, 4, 1, 5}, {9, 2}, {6, 5, 3}};
const std::vector<std::vector<TokenId>> kTargets = {{1, 2, 3}, {8, 7, 6, 5}, {4}};

// --- Known answers --------------------------------------------------------------------------------------------------

TEST(Recurrent, LanguageModelIsThePlainLoops) {
  for (const Cell cell : kBothCells) {
    const Model model = lively_model(recurrent_lm(cell));
    for (const bool fused : {true, false}) {
      Network network(model, doubles(fused));
      const at::Tensor logits = network.forward(batch_of(kTexts)).logits;
      for (size_t i = 0; i < kTexts.size(); ++i) {
        const auto length = static_cast<int64_t>(kTexts[i].size());
        const at::Tensor wanted = tensor_of(Loops(model).language_model(kTexts[i]));
        EXPECT_LT(difference(logits[static_cast<int64_t>(i)].narrow(0, 0, length), wanted), kExact);
      }
    }
  }
}

TEST(Recurrent, ClassifierReadsEachSequencesOwnEnds) {
  for (const Cell cell : kBothCells) {
    const Model model = lively_model(recurrent_classifier(cell, Pooling::LastStates));
    for (const bool fused : {true, false}) {
      Network network(model, doubles(fused));
      const at::Tensor logits = network.forward(batch_of(kTexts)).logits;
      for (size_t i = 0; i < kTexts.size(); ++i) {
        EXPECT_LT(difference(logits[static_cast<int64_t>(i)], tensor_of(Loops(model).classify(kTexts[i]))), kExact);
      }
    }
  }
}

TEST(Recurrent, PairsAreReadApart) {
  const std::vector<std::vector<TokenId>> pairs = {{1, 2, 3, 4, 5, 6}, {7, 8, 9}, {1, 1, 2, 10}};
  const std::vector<std::vector<int32_t>> types = {{0, 0, 1, 1, 1, 1}, {0, 0, 1}, {0, 0, 0, 1}};
  for (const Cell cell : kBothCells) {
    const Model model = lively_model(recurrent_classifier(cell, Pooling::ComparedStates));
    Network network(model, doubles(true));
    ForwardOptions options;
    options.hidden_states = true;
    const ForwardResult result = network.forward(batch_of(pairs, types), options);
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto cut = pairs[i].begin() + std::count(types[i].begin(), types[i].end(), 0);
      const std::vector<TokenId> first(pairs[i].begin(), cut), second(cut, pairs[i].end());
      const auto row = static_cast<int64_t>(i);
      EXPECT_LT(difference(result.logits[row], tensor_of(Loops(model).compare(first, second))), kExact);
      std::vector<Rows> last;
      const at::Tensor states = tensor_of(Loops(model).encode(second, last));
      EXPECT_LT(difference(result.hidden_states.back()[row].narrow(0, std::ssize(first), std::ssize(second)), states),
                kExact);
    }
  }
}

TEST(Recurrent, DecoderIsThePlainLoops) {
  const std::vector<RecurrentDecoderSpec> specs = {
      {.bridge = true},
      {.attention = AttentionScore::Dot},
      {.attention = AttentionScore::General, .input_feeding = false, .bridge = true},
      {.attention = std::nullopt, .bridge = false}};
  for (const Cell cell : kBothCells) {
    for (const RecurrentDecoderSpec& spec : specs) {
      const Model model = lively_model(recurrent_translator(cell, spec), 5);
      check_recurrent(model.architecture, "test");
      for (const bool fused : {true, false}) {
        Network network(model, doubles(fused));
        NetworkBatch batch = batch_of(kTexts);
        add_targets(batch, kTargets);
        const at::Tensor logits = network.forward(batch).logits;
        for (size_t i = 0; i < kTexts.size(); ++i) {
          const at::Tensor wanted = tensor_of(Loops(model).translate(kTexts[i], kTargets[i]));
          EXPECT_LT(difference(logits[static_cast<int64_t>(i)].narrow(0, 0, std::ssize(kTargets[i])), wanted), kExact);
        }
      }
    }
  }
}

template <typename Module, typename Options>
void expect_same_as_libtorch(Cell cell) {
  const Model model = lively_model(recurrent_classifier(cell, Pooling::LastStates), 3);
  Network network(model, doubles(true));
  const std::vector<LayerSpec>& layers = model.architecture.layers;
  ForwardOptions options;
  options.hidden_states = true;
  const NetworkBatch batch = batch_of({{1, 2, 3, 4}, {5, 6, 7, 8}});
  const ForwardResult result = network.forward(batch, options);
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < layers.size(); ++i) {
    Module module(
        Options(result.hidden_states[i].size(2), layers[i].recurrent->width).bidirectional(true).batch_first(true));
    module->to(torch::kDouble);
    for (auto& one : module->named_parameters()) {
      const bool reverse = one.key().find("reverse") != std::string::npos;
      const std::string slot = "encoder." + std::to_string(i) + ".recurrent." + (reverse ? "backward." : "") +
                               (one.key().find("_ih_") != std::string::npos ? "input." : "hidden.") +
                               (one.key().starts_with("weight") ? "weight" : "bias");
      one.value().copy_(to_torch(materialize(model.weights.at(slot))));
    }
    const at::Tensor rows = std::get<0>(module->forward(result.hidden_states[i]));
    EXPECT_LT(difference(rows, result.hidden_states[i + 1]), kExact);
  }
}

TEST(Recurrent, LayersAreThoseOfLibtorch) {
  expect_same_as_libtorch<torch::nn::LSTM, torch::nn::LSTMOptions>(Cell::Lstm);
  expect_same_as_libtorch<torch::nn::GRU, torch::nn::GRUOptions>(Cell::Gru);
}

// --- Properties -----------------------------------------------------------------------------------------------------

TEST(Recurrent, SwappedPairsGiveTheSameWhereTheHeadIsSymmetric) {
  Model model = lively_model(recurrent_classifier(Cell::Lstm, Pooling::ComparedStates));
  const Tensor weight = materialize(model.weights.at("head.dense.weight"));
  std::vector<float> values(weight.values<float>().begin(), weight.values<float>().end());
  const int64_t hidden = model.architecture.hidden_size;
  for (int64_t row = 0; row < weight.size(0); ++row) {
    for (int64_t j = 0; j < hidden; ++j) {
      values[static_cast<size_t>(row * 4 * hidden + hidden + j)] = values[static_cast<size_t>(row * 4 * hidden + j)];
    }
  }
  model.weights.add("head.dense.weight", Dense{Tensor::from(weight.shape(), std::move(values))});
  Network network(model, doubles(true));
  const at::Tensor logits =
      network.forward(batch_of({{1, 2, 3, 7, 8}, {7, 8, 1, 2, 3}}, {{0, 0, 0, 1, 1}, {0, 0, 1, 1, 1}})).logits;
  EXPECT_LT(difference(logits[0], logits[1]), kExact);
}

TEST(Recurrent, TwoPassesAreOne) {
  for (const Cell cell : kBothCells) {
    Network words(lively_model(recurrent_lm(cell)), doubles(true));
    const at::Tensor whole = words.forward(batch_of({{1, 2, 3, 4, 5}})).logits;
    const ForwardResult begin = words.forward(batch_of({{1, 2}}));
    ForwardOptions options;
    options.recurrent_state = &begin.recurrent_state;
    EXPECT_LT(difference(words.forward(batch_of({{3, 4, 5}}), options).logits, whole.narrow(1, 2, 3)), kExact);

    Network translator(lively_model(recurrent_translator(cell)), doubles(true));
    NetworkBatch all = batch_of({kTexts[0]}), first = all, second = all;
    add_targets(all, {{1, 2, 3, 4}});
    add_targets(first, {{1, 2, 3}});
    add_targets(second, {{4}});
    const ForwardResult half = translator.forward(first);
    options.recurrent_state = &half.recurrent_state;
    EXPECT_LT(difference(translator.forward(second, options).logits, translator.forward(all).logits.narrow(1, 3, 1)),
              kExact);
  }
}

// A scalar of the logits that treats every one differently.
at::Tensor probe_loss(const at::Tensor& logits, const at::Tensor& mask) {
  const at::Tensor weights = at::arange(logits.numel(), logits.options()).sin().view(logits.sizes());
  const at::Tensor kept =
      mask.defined() && logits.dim() == 3 ? mask.unsqueeze(-1).to(logits.scalar_type()) : at::ones_like(logits);
  return (logits * weights * kept).sum();
}

std::vector<std::pair<Architecture, NetworkBatch>> gradient_cases() {
  std::vector<std::pair<Architecture, NetworkBatch>> cases;
  for (const Cell cell : kBothCells) {
    cases.emplace_back(recurrent_lm(cell), batch_of(kTexts));
    cases.emplace_back(recurrent_classifier(cell, Pooling::LastStates), batch_of(kTexts));
    cases.emplace_back(recurrent_classifier(cell, Pooling::ComparedStates),
                       batch_of({{1, 2, 3, 4}, {7, 8, 9}}, {{0, 1, 1, 1}, {0, 0, 1}}));
    NetworkBatch pairs = batch_of(kTexts);
    add_targets(pairs, kTargets);
    cases.emplace_back(recurrent_translator(cell), pairs);
    cases.emplace_back(recurrent_translator(cell, {.attention = AttentionScore::Dot, .input_feeding = false}), pairs);
  }
  return cases;
}

TEST(Recurrent, FusedGradientsAreThoseOfPlainOperationsAndOfDifferences) {
  for (const auto& [architecture, batch] : gradient_cases()) {
    const Model model = lively_model(architecture, 9);
    Network fused(model, doubles(true)), plain(model, doubles(false));
    const at::Tensor mask = architecture.has_decoder() ? batch.decoder_attention_mask : batch.attention_mask;
    probe_loss(fused.forward(batch).logits, mask).backward();
    probe_loss(plain.forward(batch).logits, mask).backward();
    const auto own = fused.parameters();
    for (const auto& [slot, parameter] : plain.parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << slot;
      EXPECT_LT(difference(own.at(slot).grad(), parameter.grad()), 1e-10) << slot;
      // Central differences at one element of each.
      const torch::NoGradGuard no_grad;
      at::Tensor element = own.at(slot).view({-1})[own.at(slot).numel() / 2];
      constexpr double kStep = 1e-5;
      const double before = element.item<double>();
      element.fill_(before + kStep);
      const double above = probe_loss(fused.forward(batch).logits, mask).item<double>();
      element.fill_(before - kStep);
      const double below = probe_loss(fused.forward(batch).logits, mask).item<double>();
      element.fill_(before);
      EXPECT_NEAR((above - below) / (2 * kStep),
                  own.at(slot).grad().view({-1})[own.at(slot).numel() / 2].item<double>(), 1e-6)
          << slot;
    }
  }
}

TEST(Recurrent, EveryFormOfWeightStandsAtTheMatrices) {
  const Model dense = lively_model(recurrent_lm(Cell::Lstm));
  const NetworkBatch batch = batch_of(kTexts);
  const std::string slot = "encoder.0.recurrent.hidden.weight";  // (28, 7)
  const Tensor values = materialize(dense.weights.at(slot));
  Rng rng(3);
  std::vector<bool> keep(static_cast<size_t>(num_elements(values.shape())));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = rng.chance(0.5);
  std::vector<float> identity(49, 0.F);
  for (size_t i = 0; i < 7; ++i) identity[i * 8] = 1;
  for (const Weight& form : std::initializer_list<Weight>{
           make_masked(values, keep),
           LowRank{share(Dense{values}), share(Dense{Tensor::from({7, 7}, std::move(identity))})},
           quantize_symmetric(values, 8, true, ActivationRange::Float)}) {
    Model model = dense;
    model.weights.add(slot, form);
    Network network(model, doubles(true)), plain(materialized(model), doubles(false));
    const at::Tensor logits = network.forward(batch).logits;
    // Codes times scales are rounded to float32 in one and not in the other.
    EXPECT_LT(difference(logits, plain.forward(batch).logits), 1e-7);
    const Model back = network.to_model();
    EXPECT_TRUE(bit_equal(back.weights.at(slot), model.weights.at(slot)));
    logits.sum().backward();
    if (model.weights.at(slot).as<Masked>() == nullptr) continue;
    const at::Tensor gradient = network.parameters().at(slot).grad().view({-1});
    for (size_t i = 0; i < keep.size(); ++i) {
      if (keep[i]) continue;
      EXPECT_EQ(gradient[static_cast<int64_t>(i)].item<double>(), 0);
    }
  }
  // Codes at the inputs too: the path of single steps, near the real one.
  Model coarse = dense;
  coarse.weights.add(slot, quantize_symmetric(values, 8, true, ActivationRange::PerToken));
  Network network(coarse), plain(dense);
  EXPECT_LT(difference(network.forward(batch).logits, plain.forward(batch).logits), 0.1);
}

TEST(Recurrent, TiedWordsAreOneParameter) {
  Model model = lively_model(recurrent_lm(Cell::Lstm));
  model.weights.share("head.out.weight", "embeddings.word.weight");
  Network network(model);
  EXPECT_FALSE(network.parameters().contains("head.out.weight"));
  const Model back = network.to_model();
  EXPECT_EQ(back.weights.handle("head.out.weight"), back.weights.handle("embeddings.word.weight"));
  Network again(back);
  EXPECT_EQ(difference(network.forward(batch_of(kTexts)).logits, again.forward(batch_of(kTexts)).logits), 0);
}

TEST(Recurrent, DropoutIsThatOfTheSeed) {
  for (const Architecture& shape : {recurrent_lm(Cell::Lstm), recurrent_translator(Cell::Gru)}) {
    Network network(lively_model(shape));
    NetworkBatch batch = batch_of(kTexts);
    if (shape.has_decoder()) add_targets(batch, kTargets);
    const at::Tensor still = network.forward(batch).logits;
    network.train(true);
    network.set_dropout(0, 0);
    EXPECT_EQ(difference(network.forward(batch).logits, still), 0);
    network.set_dropout(0.5, 0);
    network.seed_dropout(4);
    const at::Tensor once = network.forward(batch).logits;
    EXPECT_GT(difference(once, still), 1e-3);
    network.seed_dropout(4);
    EXPECT_EQ(difference(network.forward(batch).logits, once), 0);
  }
}

TEST(Recurrent, CancellationComesOutOfBothPasses) {
  for (const auto& [architecture, batch] : gradient_cases()) {
    Network network(lively_model(architecture));
    const CancelToken token;
    ForwardOptions options;
    options.cancel = &token;
    const at::Tensor loss = network.forward(batch, options).logits.sum();
    token.cancel();
    EXPECT_THROW(loss.backward(), Cancelled);
    EXPECT_THROW(network.forward(batch, options), Cancelled);
  }
}

// --- Writing --------------------------------------------------------------------------------------------------------

GenerationSpec spec_of(int64_t beams, int64_t length) {
  GenerationSpec spec;
  spec.decoder_start = 1;
  spec.beams = beams;
  spec.max_length = length;
  return spec;
}

// log-probabilities of what follows, by a whole pass.
at::Tensor following(Network& network, const std::vector<TokenId>& source, const std::vector<TokenId>& written) {
  NetworkBatch batch = batch_of({source.empty() ? written : source});
  if (!source.empty()) batch.decoder_input_ids = batch_of({written}).input_ids;
  const at::Tensor logits = network.forward(batch).logits;
  return at::log_softmax(logits.select(1, logits.size(1) - 1).squeeze(0), -1);
}

TEST(Recurrent, GreedyTakesTheBestTokenOfWholePasses) {
  for (const Cell cell : kBothCells) {
    Network words(lively_model(recurrent_lm(cell))), translator(lively_model(recurrent_translator(cell)));
    std::vector<TokenId> wanted = {2, 7};
    while (wanted.size() < 7) {
      wanted.push_back(static_cast<TokenId>(following(words, {}, wanted).argmax().item<int64_t>()));
    }
    EXPECT_EQ(words.generate({2, 7}, spec_of(1, 7)), wanted);
    wanted = {1};
    while (wanted.size() < 6) {
      wanted.push_back(static_cast<TokenId>(following(translator, kTexts[0], wanted).argmax().item<int64_t>()));
    }
    EXPECT_EQ(translator.generate(kTexts[0], spec_of(1, 6)), wanted);
  }
}

TEST(Recurrent, WideBeamFindsTheBestOfAllSequences) {
  for (const Cell cell : kBothCells) {
    Network network(lively_model(recurrent_translator(cell), 21));
    constexpr int64_t kVocab = 9;
    // As many beams as tokens: every first token goes on, so sequences of two written tokens are all looked at.
    double best = -1e9;
    std::vector<TokenId> wanted;
    const at::Tensor first = following(network, kTexts[1], {1});
    for (TokenId a = 0; a < kVocab; ++a) {
      const at::Tensor second = following(network, kTexts[1], {1, a});
      for (TokenId b = 0; b < kVocab; ++b) {
        const double score = first[a].item<double>() + second[b].item<double>();
        if (score <= best) continue;
        best = score;
        wanted = {1, a, b};
      }
    }
    EXPECT_EQ(network.generate(kTexts[1], spec_of(kVocab, 3)), wanted);
  }
}

// --- Errors ---------------------------------------------------------------------------------------------------------

TEST(Recurrent, WhatCannotBeIsRefused) {
  const Model model = lively_model(recurrent_classifier(Cell::Lstm, Pooling::ComparedStates));
  Network network(model);
  EXPECT_EQ(expect_error([&] { network.forward(batch_of({{1, 2}})); }).kind(), ErrorKind::InvalidInput);
  const NetworkBatch pair = batch_of({{1, 2}}, {{0, 1}});
  const std::vector<at::Tensor> gates(2, at::ones({1}));
  ForwardOptions options;
  options.head_gates = &gates;
  EXPECT_EQ(expect_error([&] { network.forward(pair, options); }).kind(), ErrorKind::Unsupported);
  const RecurrentState state;
  ForwardOptions from_state;
  from_state.recurrent_state = &state;
  EXPECT_EQ(expect_error([&] { network.forward(pair, from_state); }).kind(), ErrorKind::InvalidInput);
  const Error refused = expect_error([&] { Engine engine(model); });
  EXPECT_EQ(refused.kind(), ErrorKind::Unsupported);
  EXPECT_NE(std::string(refused.what()).find("recurrent"), std::string::npos);
}

}  // namespace
}  // namespace espalier
