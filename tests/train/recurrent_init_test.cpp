// Fresh recurrent models, and a training step on them.

#include <cmath>

#include "tests/model/small_recurrent.h"
#include "tests/support/support.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

using namespace espalier::test;

std::vector<float> values_at(const Model& model, const std::string& slot) {
  const Tensor values = materialize(model.weights.at(slot));
  return {values.values<float>().begin(), values.values<float>().end()};
}

TEST(RecurrentInit, ForgetGatesBeginOpenAndTheRestIsUniform) {
  const Model model = fresh_model(recurrent_lm(Cell::Lstm), 3);
  const std::vector<float> input = values_at(model, "encoder.0.recurrent.input.bias");
  const std::vector<float> hidden = values_at(model, "encoder.0.recurrent.hidden.bias");
  for (size_t j = 7; j < 14; ++j) EXPECT_EQ(input[j] + hidden[j], 1.F);
  const float bound = 1 / std::sqrt(7.F);
  float most = 0;
  for (const float value : values_at(model, "encoder.0.recurrent.hidden.weight"))
    most = std::max(most, std::abs(value));
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.9F * bound);
  for (const float value : values_at(model, "embeddings.word.weight")) EXPECT_LE(std::abs(value), 0.1F);
  // Words and output of one shape are one weight, behind the projection.
  EXPECT_EQ(model.weights.handle("head.out.weight"), model.weights.handle("embeddings.word.weight"));
  const std::vector<float> gates = values_at(fresh_model(recurrent_lm(Cell::Gru), 3), "encoder.0.recurrent.input.bias");
  EXPECT_LT(gates[7], 1.F);
}

TEST(RecurrentInit, TaskHeadKeepsTheDesign) {
  const Model model = fresh_model(recurrent_classifier(Cell::Lstm, Pooling::ComparedStates), 3);
  Task task;
  task.kind = TaskKind::Classification;
  task.labels = {"a", "b"};
  const Model headed = with_task_head(model, task, 4);
  EXPECT_EQ(headed.architecture.head.pooling, Pooling::ComparedStates);
  EXPECT_EQ(headed.architecture.head.num_labels, 2);
  EXPECT_EQ(headed.architecture.head.width, 8);
  validate(headed, "test");
  const Model of_words = with_task_head(fresh_model(recurrent_lm(Cell::Lstm), 3), task, 4);
  EXPECT_EQ(of_words.architecture.head.pooling, Pooling::LastStates);
  validate(of_words, "test");
}

// The label is the first token's; reading in both directions, the last states know it.
TEST(RecurrentInit, ClassifierLearnsTheFirstToken) {
  EncodedDataset data;
  Rng rng(1);
  for (int i = 0; i < 120; ++i) {
    EncodedExample example;
    example.label = i % 2;
    example.encoding.ids = {static_cast<TokenId>(1 + i % 2)};
    for (uint64_t t = rng.below(6) + 1; t > 0; --t) {
      example.encoding.ids.push_back(static_cast<TokenId>(3 + rng.below(8)));
    }
    example.encoding.type_ids.assign(example.encoding.ids.size(), 0);
    data.examples.push_back(std::move(example));
  }
  Architecture architecture = recurrent_classifier(Cell::Lstm, Pooling::LastStates);
  architecture.head.num_labels = 2;
  TrainOptions options;
  options.epochs = 8;
  options.batch_size = 8;
  options.learning_rate = 1e-2;
  JobContext context;
  const TrainResult result = fine_tune(fresh_model(architecture, 2), data, data, options, context);
  EXPECT_GT(result.report.best_dev_metric, 0.95);
}

}  // namespace
}  // namespace espalier
