// Objectives of every kind of task: losses against numbers worked out by hand, and that each is learnt.

#include "train/objectives.h"

#include <ATen/ATen.h>

#include <cmath>

#include "tests/support/support.h"
#include "tests/train/train_support.h"
#include "train/objective.h"

namespace espalier {
namespace {

using test::same_weights;
using test::tiny_architecture;

Encoding encoding_of(std::vector<TokenId> ids) {
  Encoding encoding;
  encoding.type_ids.assign(ids.size(), 0);
  encoding.offsets.assign(ids.size(), {0, 0});
  encoding.special.assign(ids.size(), false);
  encoding.ids = std::move(ids);
  return encoding;
}

EncodedWords words_of(std::vector<TokenId> ids, std::vector<int32_t> labels) {
  EncodedWords words;
  words.encoding = encoding_of(std::move(ids));
  words.labels = std::move(labels);
  words.words.assign(words.labels.size(), 0);
  return words;
}

double loss_of(const Objective& objective, const at::Tensor& logits, const std::vector<int32_t>& examples,
               BatchFrame frame = {}) {
  const TrainingBatch batch = objective.batch(examples, frame, Rng(1));
  return task_loss(objective.rows(logits, batch), batch.targets).item<double>();
}

// -log softmax of two logits.
double nll_of_two(double chosen, double other) { return std::log1p(std::exp(other - chosen)); }

TrainOptions learning_options() {
  TrainOptions options;
  options.epochs = 30;
  options.batch_size = 16;
  options.learning_rate = 3e-3;
  options.dropout = 0;
  options.seed = 3;
  return options;
}

TrainReport learn(const Architecture& architecture, const Objective& objective, const TrainOptions& options) {
  JobContext context;
  return fine_tune(fresh_model(architecture, 5), objective, options, context).report;
}

Architecture causal_architecture() {
  Architecture a = tiny_architecture(HeadKind::LanguageModel, 200);
  for (LayerSpec& layer : a.layers) layer.attention.causal = true;
  a.head.bias = false;
  return a;
}

Architecture two_stacks() {
  Architecture a = tiny_architecture(HeadKind::LanguageModel, 200);
  a.layers.resize(2);
  a.decoder_embedding = a.embedding;
  a.decoder_embedding->type_vocab_size = 0;
  LayerSpec layer = a.layers.front();
  layer.cross = layer.attention;
  layer.attention.causal = true;
  a.decoder.assign(2, layer);
  a.generation = GenerationSpec{.eos = {2}, .decoder_start = 0, .max_length = 12};
  return a;
}

// --- Losses ---------------------------------------------------------------------------------------------------------

TEST(Objectives, TagsCountAtFirstTokensOnly) {
  EncodedWordDataset data;
  data.examples = {words_of({1, 5, 6, 2}, {-1, 0, -1, -1}), words_of({1, 7, 2}, {-1, 1, -1})};
  const auto objective = make_word_objective(data, data, {"A", "B"});
  at::Tensor logits = at::full({2, 4, 2}, 9.0F);
  logits[0][1] = at::tensor({2.0F, 1.0F});  // tag A
  logits[1][1] = at::tensor({0.5F, 0.0F});  // tag B
  EXPECT_NEAR(loss_of(*objective, logits, {0, 1}), (nll_of_two(2, 1) + nll_of_two(0, 0.5)) / 2, 1e-6);
}

TEST(Objectives, AnswersHaveAStartAndAnEndOverRealTokens) {
  QuestionSet set;
  Example example;
  example.answers = {{"x", 0}};
  set.dataset.examples = {example, example};
  QaWindow window;
  window.encoding = encoding_of({1, 5, 6});
  window.start = 1;
  window.end = 2;
  QaWindow shorter;
  shorter.example = 1;
  shorter.encoding = encoding_of({1, 5});
  set.windows = {window, shorter};  // the second without its answer: start and end at the first token
  const auto objective = make_answer_objective(set, set);
  at::Tensor logits = at::zeros({2, 3, 2});
  logits[0][1][0] = 1;
  logits[0][2][1] = 3;
  logits[1][2] = at::tensor({50.0F, 50.0F});  // padding
  logits[1][0][0] = 2;
  const double start = std::log(2 + std::exp(1.0)) - 1, end = std::log(2 + std::exp(3.0)) - 3;
  const double padded_start = nll_of_two(2, 0), padded_end = std::log(2.0);
  EXPECT_NEAR(loss_of(*objective, logits, {0, 1}), (start + end + padded_start + padded_end) / 4, 1e-5);
}

TEST(Objectives, ALanguageModelIsAskedForTheNextToken) {
  const auto objective = make_language_objective({encoding_of({3, 1, 0})}, {});
  at::Tensor logits = at::zeros({1, 3, 4});
  logits[0][0][1] = 2;     // right: 1 follows 3
  logits[0][1][3] = 1;     // wrong: 0 follows 1
  logits[0][2][0] = 1000;  // nothing follows
  const double right = std::log(3 + std::exp(2.0)) - 2, wrong = std::log(3 + std::exp(1.0));
  EXPECT_NEAR(loss_of(*objective, logits, {0}), (right + wrong) / 2, 1e-5);
}

TEST(Objectives, ATranslatorReadsTheTargetShifted) {
  EncodedTranslationDataset data;
  data.examples = {{encoding_of({4, 5}), encoding_of({1, 3, 2})}, {encoding_of({4}), encoding_of({3, 2})}};
  const auto objective = make_translation_objective(data, data);
  const BatchFrame frame{.pad_id = 0, .decoder_pad_id = 0, .decoder_start = 7};
  const TrainingBatch batch = objective->batch({0, 1}, frame, Rng(1));
  EXPECT_TRUE(batch.inputs.decoder_input_ids.equal(at::tensor({7, 1, 3, 7, 3, 0}, at::kLong).view({2, 3})));
  EXPECT_TRUE(batch.inputs.decoder_attention_mask.equal(at::tensor({1, 1, 1, 1, 1, 0}, at::kLong).view({2, 3})));
  EXPECT_EQ(batch.tokens, 8);
  at::Tensor logits = at::zeros({2, 3, 4});
  logits[0][0][1] = 2;
  logits[1][2][0] = 1000;  // padding
  const double right = std::log(3 + std::exp(2.0)) - 2;
  EXPECT_NEAR(loss_of(*objective, logits, {0, 1}, frame), (right + 4 * std::log(4.0)) / 5, 1e-5);
}

TEST(Objectives, LabelSmoothingSpreadsProbability) {
  LossTargets targets;
  targets.labels = at::tensor({0}, at::kLong);
  targets.label_smoothing = 0.2;
  const at::Tensor logits = at::tensor({2.0F, 1.0F}).unsqueeze(0);
  // 0.8 + 0.1 for the label, 0.1 for the other class.
  EXPECT_NEAR(task_loss(logits, targets).item<double>(), 0.9 * nll_of_two(2, 1) + 0.1 * nll_of_two(1, 2), 1e-6);
}

TEST(Objectives, MaskingIsAFunctionOfTheGeneratorAndAsksForTheShare) {
  MaskingRule rule{.share = 0.15, .mask_id = 4};
  for (TokenId id = 10; id < 110; ++id) rule.ordinary.push_back(id);
  std::vector<TokenId> ids;
  for (int i = 0; i < 20000; ++i) ids.push_back(10 + i % 100);
  Encoding block = encoding_of(ids);
  block.special[0] = true;
  Rng first(7), second(7);
  const MaskedEncoding masked = mask_tokens(block, rule, first);
  EXPECT_EQ(masked.encoding.ids, mask_tokens(block, rule, second).encoding.ids);
  double asked = 0, hidden = 0, kept = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (masked.targets[i] < 0) {
      EXPECT_EQ(masked.encoding.ids[i], ids[i]);
      continue;
    }
    EXPECT_EQ(masked.targets[i], ids[i]);
    ++asked;
    hidden += masked.encoding.ids[i] == rule.mask_id ? 1 : 0;
    kept += masked.encoding.ids[i] == ids[i] ? 1 : 0;
  }
  EXPECT_LT(masked.targets[0], 0);
  EXPECT_NEAR(asked / 20000, 0.15, 0.01);
  EXPECT_NEAR(hidden / asked, 0.8, 0.03);
  EXPECT_NEAR(kept / asked, 0.1, 0.03);
  // A short text is asked for one token at least.
  Rng third(1);
  const MaskedEncoding small = mask_tokens(encoding_of({10}), {.share = 1e-9, .mask_id = 4, .ordinary = {10}}, third);
  EXPECT_EQ(small.targets[0], 10);
}

// --- Learning -------------------------------------------------------------------------------------------------------

EncodedWordDataset parity_words(int64_t count, uint64_t seed) {
  Rng rng(seed);
  EncodedWordDataset data;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<TokenId> ids;
    std::vector<int32_t> labels;
    for (uint64_t w = 0; w < 3 + rng.below(6); ++w) {
      ids.push_back(static_cast<TokenId>(10 + rng.below(40)));
      labels.push_back(ids.back() % 2 == 0 ? 1 : 0);
    }
    data.examples.push_back(words_of(ids, labels));
  }
  return data;
}

TEST(Learning, TagsOfWords) {
  const auto objective = make_word_objective(parity_words(160, 1), parity_words(60, 2), {"O", "B-X"});
  const TrainReport report = learn(tiny_architecture(HeadKind::None, 0), *objective, learning_options());
  EXPECT_EQ(report.dev_metric, "span F1");
  EXPECT_GT(report.best_dev_metric, 0.95);
}

std::vector<Encoding> counting_blocks(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<Encoding> blocks;
  for (int64_t i = 0; i < count; ++i) {
    const auto begin = static_cast<TokenId>(rng.below(12));
    std::vector<TokenId> ids;
    for (TokenId t = 0; t < 12; ++t) ids.push_back(10 + (begin + t) % 12);
    blocks.push_back(encoding_of(ids));
  }
  return blocks;
}

TEST(Learning, TheNextTokenAndThatLowerIsBetter) {
  std::vector<double> metrics;
  JobContext context;
  context.metric = [&](const std::string& series, double, double y) {
    if (series == "dev_metric") metrics.push_back(y);
  };
  const auto objective = make_language_objective(counting_blocks(160, 1), counting_blocks(20, 2));
  TrainOptions options = learning_options();
  options.epochs = 15;
  const TrainReport report = fine_tune(fresh_model(causal_architecture(), 5), *objective, options, context).report;
  EXPECT_EQ(report.dev_metric, "perplexity");
  EXPECT_GT(metrics.front(), 2);
  EXPECT_LT(report.best_dev_metric, 1.2);
  EXPECT_EQ(report.best_dev_metric, *std::min_element(metrics.begin(), metrics.end()));
}

MaskingRule counting_rule() {
  MaskingRule rule{.mask_id = 4};
  for (TokenId id = 10; id < 22; ++id) rule.ordinary.push_back(id);
  return rule;
}

TEST(Learning, MaskedTokens) {
  const auto objective = make_masked_objective(counting_blocks(160, 1), counting_blocks(20, 2), counting_rule());
  TrainOptions options = learning_options();
  options.epochs = 60;
  const TrainReport report = learn(tiny_architecture(HeadKind::None, 0), *objective, options);
  EXPECT_EQ(report.dev_metric, "masked perplexity");
  EXPECT_LT(report.best_dev_metric, 2.5);  // 12 without a model
}

TEST(Learning, MaskedTokensGoOnToTheSameBits) {
  const test::TempDir folder;
  const auto objective = make_masked_objective(counting_blocks(80, 1), counting_blocks(10, 2), counting_rule());
  TrainOptions options = learning_options();
  options.epochs = 3;
  options.dropout = 0.1;
  options.schedule = Schedule::InverseSqrt;
  options.warmup_steps = 4;
  const Model model = fresh_model(tiny_architecture(HeadKind::None, 0), 5);
  JobContext whole_context;
  const TrainResult whole = fine_tune(model, *objective, options, whole_context);
  options.checkpoint_folder = folder.path() / "checkpoint";
  options.checkpoint_seconds = 0;
  for (const double stop_after : {3.0, 8.0}) {
    JobContext context;
    context.metric = [&](const std::string& series, double step, double) {
      if (series == "loss" && step >= stop_after) context.cancel.cancel();
    };
    EXPECT_THROW(fine_tune(model, *objective, options, context), Cancelled);
  }
  JobContext context;
  const TrainResult continued = fine_tune(model, *objective, options, context);
  EXPECT_TRUE(continued.report.resumed);
  EXPECT_TRUE(same_weights(continued.model, whole.model));
  EXPECT_EQ(continued.report.best_dev_metric, whole.report.best_dev_metric);
}

EncodedTranslationDataset counting_pairs(int64_t count, uint64_t seed) {
  Rng rng(seed);
  EncodedTranslationDataset data;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<TokenId> source, target;
    for (uint64_t t = 0; t < 2 + rng.below(4); ++t) {
      source.push_back(static_cast<TokenId>(10 + rng.below(8)));
      target.push_back(source.back() + 20);
    }
    target.push_back(2);
    data.examples.push_back({encoding_of(source), encoding_of(target)});
  }
  return data;
}

TEST(Learning, Translations) {
  const auto objective = make_translation_objective(counting_pairs(320, 1), counting_pairs(40, 2));
  TrainOptions options = learning_options();
  options.epochs = 40;
  options.schedule = Schedule::InverseSqrt;
  options.warmup_steps = 50;
  const TrainReport report = learn(two_stacks(), *objective, options);
  EXPECT_EQ(report.dev_metric, "perplexity of the target");
  EXPECT_LT(report.best_dev_metric, 1.5);
}

TEST(Learning, TheInverseSquareRootFallsBehindTheWarmUp) {
  std::vector<double> rates;
  JobContext context;
  context.metric = [&](const std::string& series, double, double y) {
    if (series == "learning_rate") rates.push_back(y);
  };
  TrainOptions options = learning_options();
  options.epochs = 2;
  options.schedule = Schedule::InverseSqrt;
  options.warmup_steps = 4;
  const auto objective = make_language_objective(counting_blocks(160, 1), {});
  fine_tune(fresh_model(causal_architecture(), 5), *objective, options, context);
  ASSERT_EQ(rates.size(), 20U);
  EXPECT_DOUBLE_EQ(rates[0], options.learning_rate / 4);
  EXPECT_DOUBLE_EQ(rates[3], options.learning_rate);
  EXPECT_DOUBLE_EQ(rates[15], options.learning_rate / 2);  // step 16: sqrt(4 / 16)
}

TEST(Learning, FromATeacherOfTokens) {
  TrainOptions options = learning_options();
  JobContext context;
  const auto objective = make_language_objective(counting_blocks(160, 1), counting_blocks(20, 2));
  const Model teacher = fine_tune(fresh_model(causal_architecture(), 5), *objective, options, context).model;
  options.teacher = &teacher;
  options.distill_alpha = 1;
  const TrainResult student = fine_tune(fresh_model(causal_architecture(), 6), *objective, options, context);
  EXPECT_LT(student.report.best_dev_metric, 1.3);
}

// --- Heads ----------------------------------------------------------------------------------------------------------

TEST(TaskHead, EveryKindHasOneAndShapesThatCannotCarryItAreNamed) {
  Task task;
  task.labels = {"O", "B-X"};
  const Model encoder = fresh_model(tiny_architecture(HeadKind::Classification, 2), 5);
  const Model causal = fresh_model(causal_architecture(), 5), translator = fresh_model(two_stacks(), 5);
  const auto head_of = [&](const Model& model, TaskKind kind) {
    task.kind = kind;
    const Model headed = with_task_head(model, task, 1);
    validate(headed, "headed");
    return headed;
  };
  EXPECT_EQ(head_of(encoder, TaskKind::TokenClassification).architecture.head.kind, HeadKind::TokenClassification);
  EXPECT_FALSE(head_of(encoder, TaskKind::QuestionAnswering).architecture.has_pooler);
  const Model masked = head_of(encoder, TaskKind::LanguageModelling);
  EXPECT_EQ(masked.architecture.head.kind, HeadKind::MaskedLm);
  EXPECT_EQ(masked.weights.handle("head.out.weight"), masked.weights.handle("embeddings.word.weight"));
  EXPECT_TRUE(same_weights(head_of(causal, TaskKind::LanguageModelling), causal));
  EXPECT_TRUE(same_weights(head_of(translator, TaskKind::Translation), translator));
  const auto refusal = [&](const Model& model, TaskKind kind) {
    const Error error = test::expect_error([&] { head_of(model, kind); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    return std::string(error.what());
  };
  EXPECT_NE(refusal(causal, TaskKind::Classification).find("language modelling"), std::string::npos);
  EXPECT_NE(refusal(translator, TaskKind::QuestionAnswering).find("translation"), std::string::npos);
  EXPECT_NE(refusal(translator, TaskKind::LanguageModelling).find("translation"), std::string::npos);
  EXPECT_NE(refusal(encoder, TaskKind::Translation).find("decoder"), std::string::npos);
}

TEST(TaskHead, EveryFamilyOfTheOracleCarriesWhatItCan) {
  ESPALIER_REQUIRE_SHARED();
  Task task;
  task.labels = {"O", "B-X"};
  const auto folder = test::shared_dir() / "oracle" / "models";
  for (const char* name :
       {"bert-tiny-shape", "roberta-tiny", "distilbert-tiny", "albert-tiny", "electra-tiny", "mobilebert-tiny"}) {
    for (const TaskKind kind : {TaskKind::Classification, TaskKind::Regression, TaskKind::TokenClassification,
                                TaskKind::QuestionAnswering, TaskKind::LanguageModelling}) {
      task.kind = kind;
      validate(with_task_head(open_model(folder / name), task, 1), name);
    }
  }
  task.kind = TaskKind::LanguageModelling;
  validate(with_task_head(open_model(folder / "gpt2-tiny"), task, 1), "gpt2-tiny");
  task.kind = TaskKind::Translation;
  for (const char* name : {"bart-tiny", "marian-tiny", "t5-tiny"}) {
    validate(with_task_head(open_model(folder / name), task, 1), name);
  }
}

TEST(Objectives, WhatHasNoGoldAnswerIsRefused) {
  EncodedWordDataset words;
  words.examples = {words_of({1, 2}, {-1, -1})};
  EXPECT_EQ(test::expect_error([&] { make_word_objective(words, {}, {"A", "B"}); }).kind(), ErrorKind::InvalidInput);
  QuestionSet questions;
  questions.dataset.examples.resize(1);
  questions.windows.resize(1);
  EXPECT_EQ(test::expect_error([&] { make_answer_objective(questions, {}); }).kind(), ErrorKind::InvalidInput);
  EncodedTranslationDataset pairs;
  pairs.examples = {{encoding_of({1}), {}}};
  EXPECT_EQ(test::expect_error([&] { make_translation_objective(pairs, {}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { make_language_objective({}, {}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
