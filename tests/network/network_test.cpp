// Properties of the network that hold for any weights.

#include "network/network.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include "base/rng.h"
#include "network/modules.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

Architecture tiny_architecture(HeadKind head = HeadKind::Classification) {
  Architecture a;
  a.family = "bert";
  a.hidden_size = 32;
  a.embedding = {.vocab_size = 200, .max_positions = 20, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  for (int head_number = 0; head_number < 4; ++head_number) layer.attention.heads.emplace_back(head_number);
  layer.attention.head_dim = 8;
  layer.ffn.width = 64;
  a.layers.assign(4, layer);
  a.has_pooler = head == HeadKind::Classification;
  a.head = {.kind = head, .num_labels = head == HeadKind::MaskedLm ? a.embedding.vocab_size : 3, .labels = {}};
  return a;
}

// Weights large enough that every part of the network matters.
Model tiny_model(const Architecture& architecture, uint64_t seed = 1) {
  Model model;
  model.architecture = architecture;
  Rng rng(seed);
  for (const Slot& slot : slots_of(architecture)) {
    std::vector<float> values(static_cast<size_t>(num_elements(slot.shape)));
    for (float& value : values) {
      value = static_cast<float>((slot.kind == SlotKind::NormWeight ? 1.0 : 0.0) + 0.2 * rng.normal());
    }
    model.weights.add(slot.name, Dense{Tensor::from(slot.shape, std::move(values))});
  }
  if (architecture.head.kind == HeadKind::MaskedLm) model.weights.share("head.out.weight", "embeddings.word.weight");
  return model;
}

Encoding encoding_of(const std::vector<TokenId>& ids) {
  Encoding encoding;
  encoding.ids = ids;
  encoding.type_ids.assign(ids.size(), 0);
  encoding.offsets.assign(ids.size(), {0, 0});
  encoding.special.assign(ids.size(), false);
  return encoding;
}

const Encoding kLong = encoding_of({5, 17, 33, 150, 9, 61, 77, 2, 199});
const Encoding kShort = encoding_of({5, 44, 45, 2});

NetworkBatch padded_batch() { return make_network_batch({&kLong, &kShort}, 0, "cpu"); }

at::Tensor logits_of(const Model& model, const NetworkBatch& batch, NetworkOptions options = {}) {
  const at::NoGradGuard no_grad;
  return Network(model, std::move(options)).forward(batch).logits;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// Every form at once: a mask, factors whose left is quantized, codes, a half-precision table.
Model model_of_every_form(ActivationRange activations) {
  Model model = tiny_model(tiny_architecture());
  const auto values = [&](const std::string& slot) { return materialize(model.weight(slot)); };
  const std::string masked = "encoder.0.attention.q_proj.weight";
  std::vector<bool> keep(32 * 32);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i % 3 != 0;
  model.weights.replace(masked, make_masked(values(masked), keep));
  const Tensor left = select(values("encoder.1.ffn.in_proj.weight"), 1, {0, 1, 2, 3, 4});
  const Tensor right = select(values("encoder.1.attention.k_proj.weight"), 0, {0, 1, 2, 3, 4});
  model.weights.replace("encoder.1.ffn.in_proj.weight",
                        LowRank{share(quantize_symmetric(left, 8, true, activations)), share(Dense{right})});
  model.weights.replace("encoder.2.ffn.out_proj.weight",
                        quantize_symmetric(values("encoder.2.ffn.out_proj.weight"), 8, true, activations));
  model.weights.replace("embeddings.position.weight",
                        quantize_symmetric(values("embeddings.position.weight"), 4, false, ActivationRange::Float));
  model.weights.replace("embeddings.word.weight", Dense{values("embeddings.word.weight").to(DType::F16)});
  return model;
}

TEST(Network, GivesAnUntouchedModelBackToTheBit) {
  const Model model = model_of_every_form(ActivationRange::PerToken);
  const Model back = Network(model).to_model();
  EXPECT_EQ(back.architecture, model.architecture);
  ASSERT_EQ(back.weights.slots(), model.weights.slots());
  for (const std::string& slot : model.weights.slots()) {
    EXPECT_TRUE(bit_equal(back.weight(slot), model.weight(slot))) << slot << ": " << describe(back.weight(slot));
  }
}

TEST(Network, EveryFormMultipliesAsItsDenseMeaning) {
  const Model model = model_of_every_form(ActivationRange::Float);
  EXPECT_LE(largest_difference(logits_of(model, padded_batch()), logits_of(materialized(model), padded_batch())), 2e-5);
}

TEST(Network, EightBitInputsAreRoundedAsTheEngineRoundsThem) {
  const std::vector<float> x_values = {0.5F, -1.27F, 0.015F, 0.0F, 3.0F, 0.1F, -0.2F, 0.3F};
  const Tensor weight_values = Tensor::from({3, 4}, std::vector<float>{1, -2, 3, 4, 0.5F, 0.25F, 8, -8, 7, 7, 7, 7});
  const at::Tensor x = at::tensor(at::ArrayRef<float>(x_values)).view({1, 2, 4});
  const at::Tensor bias = at::tensor({0.1F, 0.2F, 0.3F});
  for (const ActivationRange range : {ActivationRange::PerToken, ActivationRange::PerSequence}) {
    const Weight weight = quantize_symmetric(weight_values, 8, true, range);
    const auto* quantized = weight.as<Quantized>();
    const auto codes = unpacked_codes(*quantized);
    const at::Tensor got = make_parametrization(weight, {})->linear(x, bias, {});
    for (int64_t token = 0; token < 2; ++token) {
      const double max_abs = range == ActivationRange::PerSequence ? 3.0 : (token == 0 ? 1.27F : 3.0);
      for (int64_t out = 0; out < 3; ++out) {
        int64_t sum = 0;
        for (int64_t in = 0; in < 4; ++in) {
          const auto scaled = static_cast<float>(x_values[static_cast<size_t>(token * 4 + in)] * (127.0 / max_abs));
          sum += std::lrint(scaled) * codes.values<int8_t>()[static_cast<size_t>(out * 4 + in)];
        }
        const double wanted =
            static_cast<double>(sum) * max_abs / 127 * quantized->scales.value_at(out) + bias[out].item<double>();
        EXPECT_NEAR((got[0][token][out].item<double>()), wanted, 1e-5 * std::max(1.0, std::abs(wanted)));
      }
    }
  }
}

TEST(Network, APaddedSequenceGivesWhatItGivesAlone) {
  for (const ActivationRange range :
       {ActivationRange::Float, ActivationRange::PerToken, ActivationRange::PerSequence}) {
    const Model model = model_of_every_form(range);
    const at::Tensor together = logits_of(model, padded_batch());
    const at::Tensor alone = logits_of(model, make_network_batch({&kShort}, 0, "cpu"));
    EXPECT_LE(largest_difference(together[1], alone[0]), 1e-4) << static_cast<int>(range);
  }
}

TEST(Network, LeavingOutUnusedRowsOfTheLastLayerChangesNothing) {
  const Model model = tiny_model(tiny_architecture());
  const at::NoGradGuard no_grad;
  Network network(model, {.placement = {.precision = Precision::Float64}});
  ForwardOptions all;
  all.hidden_states = true;
  EXPECT_LE(largest_difference(network.forward(padded_batch()).logits, network.forward(padded_batch(), all).logits),
            1e-13);
}

TEST(Network, SharedWeightsAreOneParameterWhoseGradientAddsUp) {
  Model apart = tiny_model(tiny_architecture());
  const std::vector<std::string> slots = {"encoder.0.ffn.in_proj.weight", "encoder.1.ffn.in_proj.weight",
                                          "encoder.2.ffn.in_proj.weight"};
  for (const std::string& slot : slots) apart.weights.replace(slot, apart.weight(slots[0]));
  Model shared = apart;
  for (const std::string& slot : slots) shared.weights.share(slot, slots[0]);

  const NetworkOptions options{.placement = {.precision = Precision::Float64}};
  Network many(apart, options);
  Network one(shared, options);
  EXPECT_EQ(one.parameters().size() + 2, many.parameters().size());
  many.forward(padded_batch()).logits.pow(2).sum().backward();
  one.forward(padded_batch()).logits.pow(2).sum().backward();
  at::Tensor sum = at::zeros({64, 32}, at::kDouble);
  for (const std::string& slot : slots) sum = sum + many.parameters().at(slot).grad();
  EXPECT_LE(largest_difference(one.parameters().at(slots[0]).grad(), sum), 1e-10);
}

TEST(Network, TheTiedTableOfAMaskedLmIsOneParameter) {
  Network network(tiny_model(tiny_architecture(HeadKind::MaskedLm)));
  EXPECT_FALSE(network.parameters().contains("head.out.weight"));
  network.forward(padded_batch()).logits.sum().backward();
  // Rows that no token of the batch has still get a gradient, from the output side.
  EXPECT_GT((network.parameters().at("embeddings.word.weight").grad()[111].abs().max().item<double>()), 0);
}

TEST(Network, AMaskStaysWhileValuesMove) {
  const std::string slot = "encoder.0.attention.q_proj.weight";
  Network network(model_of_every_form(ActivationRange::Float));
  at::Tensor values = network.parameters().at(slot);
  network.forward(padded_batch()).logits.sum().backward();
  EXPECT_EQ(values.grad().view(-1)[0].item<float>(), 0.F);  // element 0 is removed
  {
    const at::NoGradGuard no_grad;
    values.add_(1.0);
  }
  const Model after = network.to_model();
  const auto* masked = after.weight(slot).as<Masked>();
  ASSERT_NE(masked, nullptr);
  EXPECT_EQ(masked->values.value_at(0), 0.0);
  EXPECT_NE(masked->values.value_at(1), 0.0);
  EXPECT_TRUE(bit_equal(masked->mask, network.to_model().weight(slot).as<Masked>()->mask));
  EXPECT_LE(largest_difference(network.forward(padded_batch()).logits.detach(), logits_of(after, padded_batch())), 0);
}

TEST(Network, PartsOfAParametrizationAreNamedAndCodesAreFrozen) {
  const auto parameters = Network(model_of_every_form(ActivationRange::PerToken)).parameters();
  EXPECT_TRUE(parameters.contains("encoder.1.ffn.in_proj.weight#right"));
  EXPECT_FALSE(parameters.contains("encoder.1.ffn.in_proj.weight#left"));  // quantized
  EXPECT_FALSE(parameters.contains("encoder.2.ffn.out_proj.weight"));
}

TEST(Network, GradientsReachThroughRoundedInputs) {
  Network network(model_of_every_form(ActivationRange::PerToken));
  network.forward(padded_batch()).logits.sum().backward();
  EXPECT_GT((network.parameters().at("encoder.0.ffn.in_proj.weight").grad().abs().max().item<double>()), 0);
}

TEST(Network, AClosedHeadIsAHeadWithoutOutput) {
  Model model = tiny_model(tiny_architecture());
  std::vector<at::Tensor> gates(4, at::ones({4}));
  gates[2] = at::tensor({1.F, 0.F, 1.F, 1.F});
  ForwardOptions options;
  options.head_gates = &gates;
  const at::NoGradGuard no_grad;
  const at::Tensor gated = Network(model).forward(padded_batch(), options).logits;

  const std::string slot = "encoder.2.attention.out_proj.weight";
  at::Tensor columns = to_torch(materialize(model.weight(slot)));
  columns.narrow(1, 8, 8).zero_();
  model.weights.replace(slot, Dense{from_torch(columns)});
  EXPECT_LE(largest_difference(gated, logits_of(model, padded_batch())), 1e-6);
}

TEST(Network, GatesOfAnExampleOrATokenMultiplyAlike) {
  Network network(tiny_model(tiny_architecture()), {.placement = {.precision = Precision::Float64}});
  const auto with = [&](const at::Tensor& head_gate, const at::Tensor& unit_gate) {
    const std::vector<at::Tensor> heads(4, head_gate);
    const std::vector<at::Tensor> units(4, unit_gate);
    ForwardOptions options;
    options.head_gates = &heads;
    options.unit_gates = &units;
    return network.forward(padded_batch(), options).logits;
  };
  const at::NoGradGuard no_grad;
  const at::Tensor heads = at::rand({4}, at::kDouble);
  const at::Tensor units = at::rand({64}, at::kDouble);
  const at::Tensor plain = with(heads, units);
  EXPECT_LE(largest_difference(plain, with(heads.expand({2, 4}), units.expand({2, 64}))), 1e-13);
  EXPECT_LE(largest_difference(plain, with(heads.view({1, 4, 1}).expand({2, 4, 9}), units.expand({2, 9, 64}))), 1e-13);
}

TEST(Network, WordEmbeddingsMayBeReplaced) {
  Network network(tiny_model(tiny_architecture()));
  const at::NoGradGuard no_grad;
  const at::Tensor words = network.word_embeddings(padded_batch().input_ids);
  EXPECT_EQ(words.sizes(), (std::vector<int64_t>{2, 9, 32}));
  ForwardOptions options;
  options.word_embeddings = &words;
  EXPECT_EQ(largest_difference(network.forward(padded_batch(), options).logits, network.forward(padded_batch()).logits),
            0);
  const at::Tensor other = words * 1.5;
  options.word_embeddings = &other;
  EXPECT_GT(largest_difference(network.forward(padded_batch(), options).logits, network.forward(padded_batch()).logits),
            1e-3);
}

TEST(Network, DropoutFollowsItsSeedAndIsOffAtFirst) {
  const at::NoGradGuard no_grad;
  Network network(tiny_model(tiny_architecture()));
  const auto run = [&](uint64_t seed) {
    network.seed_dropout(seed);
    return network.forward(padded_batch()).logits;
  };
  const at::Tensor off = run(1);
  EXPECT_EQ(largest_difference(off, run(2)), 0);
  network.train(true);
  EXPECT_EQ(largest_difference(run(1), run(1)), 0);
  EXPECT_GT(largest_difference(run(1), run(2)), 1e-3);
  network.set_dropout(0, 0);
  EXPECT_LE(largest_difference(run(1), off), 1e-6);
}

TEST(Network, FusedLoopsAreTheSameFunctionAndGradient) {
  for (const double dropout : {0.0, 0.3}) {
    std::map<bool, at::Tensor> logits;
    std::map<bool, std::map<std::string, at::Tensor>> gradients;
    for (const bool fused : {false, true}) {
      NetworkOptions options;
      options.fused = fused;
      Network network(tiny_model(tiny_architecture(HeadKind::TokenClassification)), options);
      network.train(true);
      network.set_dropout(dropout, dropout);
      network.seed_dropout(5);
      const NetworkBatch batch = padded_batch();
      const at::Tensor result = network.forward(batch).logits * batch.attention_mask.unsqueeze(-1);
      result.pow(2).sum().backward();
      logits[fused] = result.detach();
      for (const auto& [name, parameter] : network.parameters()) gradients[fused][name] = parameter.grad();
    }
    EXPECT_LE(largest_difference(logits[true], logits[false]), 2e-5) << dropout;
    for (const auto& [name, wanted] : gradients[false]) {
      const double size = std::max(1.0, wanted.abs().max().item<double>());
      EXPECT_LE(largest_difference(gradients[true][name], wanted), 1e-4 * size) << name << " " << dropout;
    }
  }
}

TEST(Network, OnlyPlainOperationsHaveASecondDerivative) {
  const auto second_order = [](bool fused) {
    NetworkOptions options;
    options.fused = fused;
    Network network(tiny_model(tiny_architecture()), options);
    const at::Tensor weight = network.parameters().at("encoder.0.attention.q_proj.weight");
    const at::Tensor loss = network.forward(padded_batch()).logits.pow(2).sum();
    const at::Tensor gradient = torch::autograd::grad({loss}, {weight}, {}, true, true)[0];
    return torch::autograd::grad({gradient.pow(2).sum()}, {weight})[0].abs().max().item<double>();
  };
  EXPECT_GT(second_order(false), 0);
  EXPECT_EQ(test::expect_error([&] { second_order(true); }).kind(), ErrorKind::Unsupported);
}

TEST(Dropout, KeepsTheShareAndTheMean) {
  DropoutStream stream;
  stream.seed(7);
  const at::Tensor dropped = stream.apply(at::ones({1000, 1000}), 0.1);
  const double zeros = dropped.eq(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(zeros, 0.1, 5 * std::sqrt(0.09 / 1e6));
  EXPECT_NEAR(dropped.max().item<double>(), 1 / 0.9, 1e-6);
  // Neighbours along both axes are independent.
  const at::Tensor gone = dropped.eq(0).to(at::kDouble);
  const double along = (gone.narrow(1, 0, 999) * gone.narrow(1, 1, 999)).mean().item<double>();
  const double across = (gone.narrow(0, 0, 999) * gone.narrow(0, 1, 999)).mean().item<double>();
  EXPECT_NEAR(along, 0.01, 6e-4);
  EXPECT_NEAR(across, 0.01, 6e-4);
}

TEST(Network, ALayerWithoutHeadsOrUnitsStillRuns) {
  Architecture a = tiny_architecture();
  a.layers[1].attention.heads.clear();
  a.layers[2].ffn.width = 0;
  Network network(tiny_model(a));
  const at::Tensor logits = network.forward(padded_batch()).logits;
  EXPECT_TRUE(at::isfinite(logits).all().item<bool>());
  logits.sum().backward();
}

TEST(Network, PreNormDiffersFromPostNormAndRuns) {
  Architecture a = tiny_architecture();
  const at::Tensor post = logits_of(tiny_model(a), padded_batch());
  for (LayerSpec& layer : a.layers) layer.norm = NormPlacement::Pre;
  const at::Tensor pre = logits_of(tiny_model(a), padded_batch());
  EXPECT_GT(largest_difference(pre, post), 1e-3);
  EXPECT_TRUE(at::isfinite(pre).all().item<bool>());
}

TEST(Network, AParametrizationMayBeReplacedAndSeesTheCurrentValues) {
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  Network network(tiny_model(tiny_architecture()));
  {
    const at::NoGradGuard no_grad;
    network.parameters().at(slot).mul_(2.0);
  }
  const at::Tensor before = network.forward(padded_batch()).logits.detach();
  network.parametrize(slot, [](const Weight& weight) {
    const Tensor values = materialize(weight);
    std::vector<bool> keep(static_cast<size_t>(values.numel()), true);
    keep[3] = false;
    return make_parametrization(make_masked(values, keep), {});
  });
  EXPECT_GT(largest_difference(network.forward(padded_batch()).logits.detach(), before), 0);
  EXPECT_LT(largest_difference(network.forward(padded_batch()).logits.detach(), before), 0.1);
  EXPECT_NE(network.to_model().weight(slot).as<Masked>(), nullptr);
}

TEST(Network, ACancelledTokenStopsForwardAndBackward) {
  Network network(tiny_model(tiny_architecture()));
  CancelToken cancel;
  ForwardOptions options;
  options.cancel = &cancel;
  const at::Tensor loss = network.forward(padded_batch(), options).logits.sum();
  cancel.cancel();
  EXPECT_THROW(loss.backward(), Cancelled);
  EXPECT_THROW(network.forward(padded_batch(), options), Cancelled);
}

TEST(Network, BadInputIsNamed) {
  Network network(tiny_model(tiny_architecture()));
  const Encoding unknown = encoding_of({1, 200});
  const Encoding negative = encoding_of({1, -1});
  const Encoding too_long = encoding_of(std::vector<TokenId>(21, 1));
  Encoding third_type = encoding_of({1, 2});
  third_type.type_ids[1] = 2;
  for (const Encoding& encoding : {unknown, negative, too_long, third_type}) {
    const Error error = test::expect_error([&] { network.forward(make_network_batch({&encoding}, 0, "cpu")); });
    EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
    EXPECT_FALSE(error.parts().wanted.empty());
  }
  EXPECT_EQ(test::expect_error([] { make_network_batch({}, 0, "cpu"); }).kind(), ErrorKind::InvalidInput);
  const Model model = tiny_model(tiny_architecture());
  EXPECT_EQ(test::expect_error([&] { Network(model, {.placement = {.device = "abacus"}}); }).kind(),
            ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
