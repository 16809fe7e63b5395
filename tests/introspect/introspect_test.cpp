// Attention, importance and saliency on a small encoder with random weights.

#include "introspect/introspect.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "introspect/word_scores.h"
#include "network/network.h"
#include "tests/introspect/small_network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

// One token a word, ids by letter; words are split at spaces, offsets are exact.
class LetterTokenizer : public Tokenizer {
 public:
  Encoding encode(std::string_view text, const EncodeOptions& /*options*/) const override {
    Encoding encoding;
    const auto add = [&](TokenId id, size_t begin, size_t end, bool special) {
      encoding.ids.push_back(id);
      encoding.type_ids.push_back(0);
      encoding.offsets.emplace_back(static_cast<int32_t>(begin), static_cast<int32_t>(end));
      encoding.special.push_back(special);
    };
    add(1, 0, 0, true);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ' ') add(static_cast<TokenId>(text[i]), i, i + 1, false);
    }
    add(2, 0, 0, true);
    return encoding;
  }
  Encoding encode_pair(std::string_view a, std::string_view, const EncodeOptions& options) const override {
    return encode(a, options);
  }
  std::string decode(const std::vector<TokenId>&, bool) const override { return ""; }
  int64_t vocab_size() const override { return 200; }
  std::string token(TokenId id) const override { return id < 3 ? "[x]" : std::string(1, static_cast<char>(id)); }
  TokenId id(std::string_view token) const override { return static_cast<TokenId>(token[0]); }
  bool is_special(TokenId id) const override { return id < 3; }
  TokenId pad_id() const override { return 0; }
  TokenId mask_id() const override { return -1; }
  int64_t model_max_length() const override { return 0; }
};

TEST(Attention, RowsSumToOne) {
  const Model model = tiny_model();
  const Encoding encoding = random_data(1).examples[0].encoding;
  const AttentionCapture capture = capture_attention(model, encoding);
  const auto n = static_cast<int64_t>(encoding.size());
  ASSERT_EQ(capture.layers.size(), 4U);
  EXPECT_EQ(capture.tokens.size(), encoding.size());
  EXPECT_EQ(capture.logits.size(), 3U);
  for (const Tensor& layer : capture.layers) {
    ASSERT_EQ(layer.shape(), (Shape{4, n, n}));
    for (int64_t row = 0; row < 4 * n; ++row) {
      double sum = 0;
      for (int64_t k = 0; k < n; ++k) {
        EXPECT_GE(layer.value_at(row * n + k), 0);
        sum += layer.value_at(row * n + k);
      }
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

// Loss of one example in double precision with one head's gate moved.
double loss_with_gate(Network& network, const EncodedExample& example, size_t layer, int64_t head, double gate) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gates(4, at::ones({4}, at::kDouble));
  gates[layer] = gates[layer].clone();
  gates[layer][head] = gate;
  ForwardOptions options;
  options.head_gates = &gates;
  const at::Tensor logits = network.forward(make_network_batch({&example.encoding}, 0, "cpu"), options).logits;
  return at::cross_entropy_loss(logits, at::tensor({example.label}, at::kLong)).item<double>();
}

TEST(HeadImportance, IsTheMeanMagnitudeOfTheGateGradient) {
  const Model model = tiny_model();
  const EncodedDataset data = random_data(6);
  ImportanceOptions options;
  options.normalize_layers = false;
  options.batch_size = 4;  // padded batches of several examples must not mix them
  JobContext context;
  const Importance importance = head_importance(model, data, options, context);
  EXPECT_EQ(importance.examples, 6);
  Network network(model, {.placement = {.precision = Precision::Float64}});
  constexpr double kStep = 1e-5;
  for (size_t layer = 0; layer < 4; ++layer) {
    for (int64_t head = 0; head < 4; ++head) {
      double mean = 0;
      for (const EncodedExample& example : data.examples) {
        mean += std::abs(loss_with_gate(network, example, layer, head, 1 + kStep) -
                         loss_with_gate(network, example, layer, head, 1 - kStep)) /
                (2 * kStep) / 6;
      }
      EXPECT_NEAR(importance.scores[layer][static_cast<size_t>(head)], mean, 1e-4 * std::max(1.0, mean))
          << layer << " " << head;
    }
  }
}

TEST(HeadImportance, AHeadThatNobodyReadsHasNone) {
  Model model = tiny_model();
  set_columns(model, "encoder.1.attention.out_proj.weight", 16, 8, 0);  // head 2 of layer 1
  JobContext context;
  for (const ImportanceAverage average : {ImportanceAverage::PerExample, ImportanceAverage::PerToken}) {
    ImportanceOptions options;
    options.average = average;
    const Importance importance = head_importance(model, random_data(5), options, context);
    EXPECT_EQ(importance.scores[1][2], 0.0);
    EXPECT_GT(importance.scores[1][1], 0.0);
    for (const std::vector<double>& layer : importance.scores) {
      double squares = 0;
      for (const double score : layer) squares += score * score;
      EXPECT_NEAR(squares, 1, 1e-9);
    }
  }
}

TEST(HeadImportance, TokensDoNotCancelEachOther) {
  // The magnitude of a sum over tokens is at most the sum of magnitudes.
  ImportanceOptions options;
  options.normalize_layers = false;
  JobContext context;
  const EncodedDataset one = random_data(1);
  const Importance by_example = head_importance(tiny_model(), one, options, context);
  options.average = ImportanceAverage::PerToken;
  const Importance by_token = head_importance(tiny_model(), one, options, context);
  const auto n = static_cast<double>(one.examples[0].encoding.size());
  bool differs = false;
  for (size_t layer = 0; layer < 4; ++layer) {
    const double divisor = layer < 3 ? n : 1;
    for (size_t head = 0; head < 4; ++head) {
      EXPECT_GE(by_token.scores[layer][head] * divisor, by_example.scores[layer][head] * (1 - 1e-5));
      differs |= by_token.scores[layer][head] * divisor > 1.01 * by_example.scores[layer][head];
    }
  }
  EXPECT_TRUE(differs);
  // Only the first token is read in the last layer.
  for (size_t head = 0; head < 4; ++head) {
    EXPECT_NEAR(by_token.scores[3][head], by_example.scores[3][head], 1e-6);
  }
}

TEST(UnitImportance, AUnitThatNobodyReadsHasNone) {
  Model model = tiny_model();
  set_columns(model, "encoder.2.ffn.out_proj.weight", 40, 1, 0);
  JobContext context;
  const Importance importance = unit_importance(model, random_data(5), {}, context);
  ASSERT_EQ(importance.scores.size(), 4U);
  ASSERT_EQ(importance.scores[2].size(), 64U);
  EXPECT_EQ(importance.scores[2][40], 0.0);
  EXPECT_GT(importance.scores[2][41], 0.0);
}

TEST(UnitImportance, EqualsTheGradientOfTheWeightsBehindTheUnit) {
  // A gate on a unit scales its column of the next weight, so both have one gradient: sum of column x gradient.
  const Model model = tiny_model();
  const EncodedDataset one = random_data(1);
  ImportanceOptions options;
  options.normalize_layers = false;
  JobContext context;
  const Importance importance = unit_importance(model, one, options, context);
  Network network(model);
  const EncodedExample& example = one.examples[0];
  at::cross_entropy_loss(network.forward(make_network_batch({&example.encoding}, 0, "cpu")).logits,
                         at::tensor({example.label}, at::kLong))
      .backward();
  for (size_t layer = 0; layer < 4; ++layer) {
    const at::Tensor weight = network.parameters().at("encoder." + std::to_string(layer) + ".ffn.out_proj.weight");
    const at::Tensor wanted = (weight.grad() * weight.detach()).sum(0).abs();
    for (int64_t unit = 0; unit < 64; ++unit) {
      EXPECT_NEAR(importance.scores[layer][static_cast<size_t>(unit)], wanted[unit].item<double>(), 2e-5);
    }
  }
}

TEST(Importance, RefusesWhatHasNoLossAndStopsWhenCancelled) {
  JobContext context;
  const auto kind_of = [&](const Model& model, const EncodedDataset& data) {
    return test::expect_error([&] { head_importance(model, data, {}, context); }).kind();
  };
  EncodedDataset unlabelled = random_data(3);
  unlabelled.examples[1].label = -1;
  EXPECT_EQ(kind_of(tiny_model(), unlabelled), ErrorKind::InvalidInput);
  EXPECT_EQ(kind_of(tiny_model(), {}), ErrorKind::InvalidInput);
  EXPECT_EQ(kind_of(tiny_model(HeadKind::TokenClassification), random_data(3)), ErrorKind::Unsupported);
  EXPECT_EQ(head_importance(tiny_model(HeadKind::Regression), unlabelled, {}, context).examples, 3);
  context.cancel.cancel();
  EXPECT_THROW(head_importance(tiny_model(), random_data(3), {}, context), Cancelled);
}

TEST(Saliency, IsTheFirstOrderEffectOfEachEmbedding) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("good film", {});
  const Saliency saliency = explain_tokens(model, tokenizer, encoding, {.label = 2});
  EXPECT_EQ(saliency.explained_label, 2);
  EXPECT_EQ(saliency.tokens[1], "g");
  ASSERT_EQ(saliency.scores.size(), encoding.size());
  double sum = 0;
  for (const double p : saliency.probabilities) sum += p;
  EXPECT_NEAR(sum, 1, 1e-9);

  Network network(model, {.placement = {.precision = Precision::Float64}});
  const at::NoGradGuard no_grad;
  const NetworkBatch batch = make_network_batch({&encoding}, 0, "cpu");
  const at::Tensor words = network.word_embeddings(batch.input_ids);
  for (size_t token = 0; token < encoding.size(); ++token) {
    const auto logit_with = [&](double scale) {
      at::Tensor changed = words.clone();
      changed.select(1, static_cast<int64_t>(token)).mul_(scale);
      ForwardOptions options;
      options.word_embeddings = &changed;
      return network.forward(batch, options).logits[0][2].item<double>();
    };
    const double slope = (logit_with(1 + 1e-5) - logit_with(1 - 1e-5)) / 2e-5;
    EXPECT_NEAR(saliency.scores[token], slope, 1e-4 * std::max(1.0, std::abs(slope)));
  }
}

TEST(Saliency, ExplainsThePredictionUnlessAsked) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("abc", {});
  const Saliency saliency = explain_tokens(model, tokenizer, encoding);
  const auto best = std::max_element(saliency.probabilities.begin(), saliency.probabilities.end());
  EXPECT_EQ(saliency.explained_label, best - saliency.probabilities.begin());
  EXPECT_EQ(test::expect_error([&] { explain_tokens(model, tokenizer, encoding, {.label = 3}); }).kind(),
            ErrorKind::InvalidInput);
}

TEST(Saliency, IntegratedGradientsAddUpToTheChange) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("good film", {});
  const auto explain = [&](int64_t steps) {
    return explain_tokens(model, tokenizer, encoding,
                          {.method = SaliencyMethod::IntegratedGradients, .label = 1, .steps = steps});
  };
  const Saliency saliency = explain(512);
  // The change by hand: the logit of the text less that of the text with padding in place of its letters.
  Network network(model);
  Encoding empty = encoding;
  for (size_t i = 0; i < empty.size(); ++i) empty.ids[i] = empty.special[i] ? empty.ids[i] : 0;
  const auto logit_of = [&](const Encoding& of) {
    const at::NoGradGuard no_grad;
    return network.forward(make_network_batch({&of}, 0, "cpu")).logits[0][1].item<double>();
  };
  const double change = logit_of(encoding) - logit_of(empty);
  EXPECT_NEAR(*saliency.explained_change, change, 1e-5);
  double sum = 0;
  for (const double score : saliency.scores) sum += score;
  EXPECT_NEAR(sum, change, 2e-3 * std::max(1.0, std::abs(change)));
  EXPECT_NEAR(*saliency.completeness_error, std::abs(sum - change), 1e-5);
  EXPECT_EQ(saliency.scores.front(), 0);  // special tokens do not move
  EXPECT_LT(*saliency.completeness_error, *explain(2).completeness_error);
}

TEST(Saliency, OcclusionIsTheLossOfTheLogit) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("abc", {});
  const Saliency saliency =
      explain_tokens(model, tokenizer, encoding, {.method = SaliencyMethod::Occlusion, .label = 0});
  Network network(model);
  const at::NoGradGuard no_grad;
  const auto logit_of = [&](const Encoding& of) {
    return network.forward(make_network_batch({&of}, 0, "cpu")).logits[0][0].item<double>();
  };
  for (size_t i = 0; i < encoding.size(); ++i) {
    Encoding without = encoding;
    without.ids[i] = 0;  // the tokenizer has no mask: padding stands in
    EXPECT_NEAR(saliency.scores[i], logit_of(encoding) - logit_of(without), 1e-5);
  }
}

TEST(Saliency, SmoothGradWithoutNoiseIsTheGradient) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("good film", {});
  const Saliency plain = explain_tokens(model, tokenizer, encoding);
  const Saliency still = explain_tokens(model, tokenizer, encoding, {.method = SaliencyMethod::SmoothGrad, .noise = 0});
  SaliencyOptions noisy{.method = SaliencyMethod::SmoothGrad};
  const Saliency once = explain_tokens(model, tokenizer, encoding, noisy);
  const Saliency again = explain_tokens(model, tokenizer, encoding, noisy);
  EXPECT_EQ(once.scores, again.scores);
  for (size_t i = 0; i < encoding.size(); ++i) EXPECT_NEAR(still.scores[i], plain.scores[i], 1e-4);
  EXPECT_NE(once.scores, plain.scores);
}

TEST(Saliency, RolloutIsAShareAndGradientANorm) {
  const Model model = tiny_model();
  const LetterTokenizer tokenizer;
  const Encoding encoding = tokenizer.encode("good film", {});
  const Saliency rollout = explain_tokens(model, tokenizer, encoding, {.method = SaliencyMethod::Rollout});
  double sum = 0;
  for (const double score : rollout.scores) {
    EXPECT_GE(score, 0);
    sum += score;
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_GE(rollout.scores[0], std::pow(0.5, 4));  // half of every layer is the token itself
  const Saliency gradient = explain_tokens(model, tokenizer, encoding, {.method = SaliencyMethod::Gradient});
  for (const double score : gradient.scores) EXPECT_GT(score, 0);
}

TEST(Saliency, MethodsHaveNamesAndAreRefusedWithTheList) {
  for (const SaliencyMethod method : saliency_methods()) EXPECT_EQ(saliency_method_from(to_string(method)), method);
  const Error error = test::expect_error([] { saliency_method_from("magic"); });
  EXPECT_NE(std::string(error.what()).find("occlusion"), std::string::npos);
  const LetterTokenizer tokenizer;
  EXPECT_EQ(test::expect_error([&] {
              explain_tokens(tiny_model(), tokenizer, tokenizer.encode("a", {}), {.steps = 0});
            }).kind(),
            ErrorKind::InvalidInput);
}

TEST(Words, EvidenceIsAWordAndTheRestIsSplitAtSpacesAndPunctuation) {
  Example example;
  example.text = "\xC3\xA9t\xC3\xA9 not bad, ok";  // code points: été=0-3, not bad=4-11, comma=11, ok=13-15
  example.evidence = {{4, 11}};
  Encoding encoding;
  encoding.offsets = {{0, 0}, {0, 1}, {1, 3}, {4, 7}, {8, 11}, {11, 12}, {13, 15}, {0, 0}};
  encoding.ids.assign(8, 5);
  encoding.type_ids.assign(8, 0);
  encoding.special = {true, false, false, false, false, false, false, true};
  const std::vector<WordScore> words = score_words(example, encoding, {100, 1, 2, 4, 8, 16, 32, 100});
  ASSERT_EQ(words.size(), 4U);
  EXPECT_TRUE(words[0].known);
  EXPECT_EQ(words[0].score, 12);
  EXPECT_EQ(words[1].score, 3);
  EXPECT_EQ(words[2].score, 16);
  EXPECT_EQ(words[3].score, 32);
  EXPECT_FALSE(words[3].known);
}

TEST(Words, AgreementHasKnownAnswers) {
  const auto agreement = agreement_of({{.score = -5, .known = true},
                                       {.score = 1, .known = false},
                                       {.score = 3, .known = true},
                                       {.score = 4, .known = false}});
  ASSERT_TRUE(agreement.has_value());
  EXPECT_DOUBLE_EQ(agreement->precision_at_k, 0.5);  // the two largest are -5 and 4
  EXPECT_DOUBLE_EQ(agreement->chance, 0.5);
  EXPECT_DOUBLE_EQ(agreement->auc, 0.75);
  const auto flat =
      agreement_of({{.score = 1, .known = true}, {.score = 1, .known = false}, {.score = 1, .known = false}});
  EXPECT_DOUBLE_EQ(flat->precision_at_k, 1.0 / 3);
  EXPECT_DOUBLE_EQ(flat->auc, 0.5);
  EXPECT_FALSE(agreement_of({{.score = 1, .known = true}}).has_value());
  EXPECT_FALSE(agreement_of({{.score = 1, .known = false}}).has_value());
}

TEST(SaliencyScore, FindsAPlantedWord) {
  // Nothing attends, nothing is normalized away by chance: letters other than 'z' have a tiny embedding, so that the
  // planted word carries the logit.
  Model model = tiny_model();
  at::Tensor words = to_torch(materialize(model.weight("embeddings.word.weight")));
  const at::Tensor planted = words[static_cast<int64_t>('z')].clone() * 5;
  words.mul_(0.01);
  words[static_cast<int64_t>('z')] = planted;
  model.weights.replace("embeddings.word.weight", Dense{from_torch(words)});
  Dataset data;
  for (const char* text : {"a z b c d", "z k l m n", "q r s t z"}) {
    Example example;
    example.text = text;
    const auto at = static_cast<int32_t>(example.text.find('z'));
    example.evidence = {{at, at + 1}};
    data.examples.push_back(example);
  }
  data.examples.push_back({.text = "a b", .pair = "", .has_pair = false, .label = 0, .score = 0, .evidence = {}});
  JobContext context;
  const SaliencyScore score = score_saliency(model, LetterTokenizer(), data, 10, {}, context);
  EXPECT_EQ(score.examples, 3);
  EXPECT_DOUBLE_EQ(score.precision_at_k.value, 1);
  EXPECT_DOUBLE_EQ(score.auc.value, 1);
  EXPECT_NEAR(score.chance, 0.2, 1e-12);
}

}  // namespace
}  // namespace espalier
