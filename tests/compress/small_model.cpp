#include "tests/compress/small_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "base/rng.h"
#include "train/fine_tune.h"

namespace espalier::test {

Architecture small_architecture() {
  Architecture architecture;
  architecture.family = "bert";
  architecture.hidden_size = 32;
  architecture.embedding = {.vocab_size = 200, .max_positions = 32, .type_vocab_size = 2, .pad_token_id = 0};
  LayerSpec layer;
  layer.attention.head_dim = 8;
  for (int64_t head = 0; head < 4; ++head) layer.attention.heads.emplace_back(head);
  layer.ffn.width = 64;
  architecture.layers.assign(4, layer);
  architecture.has_pooler = true;
  architecture.head = {.kind = HeadKind::Classification, .num_labels = 2, .labels = {"ten", "eleven"}};
  return architecture;
}

EncodedDataset majority_task(size_t examples, uint64_t seed) {
  Rng rng(seed);
  EncodedDataset dataset;
  for (size_t i = 0; i < examples; ++i) {
    EncodedExample example;
    Encoding& encoding = example.encoding;
    const auto length = static_cast<size_t>(6 + rng.below(11));
    encoding.ids = {1};
    int balance = 0;
    while (encoding.ids.size() < length) {
      const uint64_t draw = rng.below(3);
      const auto other = static_cast<TokenId>(20 + rng.below(180));
      encoding.ids.push_back(draw == 0 ? 10 : draw == 1 ? 11 : other);
      balance += draw == 0 ? -1 : draw == 1 ? 1 : 0;
    }
    if (balance == 0) {
      balance = rng.chance(0.5) ? 1 : -1;
      encoding.ids.back() = balance > 0 ? 11 : 10;
      balance = 0;
      for (const TokenId id : encoding.ids) balance += id == 11 ? 1 : id == 10 ? -1 : 0;
    }
    encoding.type_ids.assign(encoding.ids.size(), 0);
    encoding.offsets.assign(encoding.ids.size(), {0, 0});
    encoding.special.assign(encoding.ids.size(), false);
    example.label = balance > 0 ? 1 : 0;
    dataset.examples.push_back(std::move(example));
  }
  return dataset;
}

const EncodedDataset& small_train() {
  static const EncodedDataset dataset = majority_task(512, 1);
  return dataset;
}

const EncodedDataset& small_dev() {
  static const EncodedDataset dataset = majority_task(128, 2);
  return dataset;
}

const Model& small_model() {
  static const Model model = [] {
    TrainOptions options;
    options.epochs = 6;
    options.learning_rate = 3e-3;
    options.evaluations_per_epoch = 0;
    options.keep_best = false;
    options.dropout = 0;
    JobContext context;
    return fine_tune(fresh_model(small_architecture(), 11), small_train(), small_dev(), options, context).model;
  }();
  return model;
}

Resources small_resources() {
  Resources resources;
  resources.train = &small_train();
  resources.dev = &small_dev();
  resources.teacher = &small_model();
  return resources;
}

Tensor engine_logits(const Model& model, size_t examples) {
  std::vector<Encoding> encodings;
  for (size_t i = 0; i < examples; ++i) encodings.push_back(small_dev().examples[i].encoding);
  return Engine(model).run(pack(encodings)).logits;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const auto x = a.values<float>(), y = b.values<float>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(x[i]) - y[i]));
  return largest;
}

std::vector<float> values_of(const Model& model, const std::string& slot) {
  const Tensor values = materialize(model.weights.at(slot));
  const auto span = values.values<float>();
  return {span.begin(), span.end()};
}

Weight dense(Shape shape, std::vector<float> values) {
  return Dense{Tensor::from<float>(std::move(shape), std::move(values))};
}

std::vector<float> normal_values(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

Step step_of(const std::string& method, Json settings) {
  Step step;
  step.method = method;
  step.settings = std::move(settings);
  return step;
}

MethodResult apply_step(const Model& model, const Step& step, uint64_t seed) {
  JobContext context;
  return method(step.method).apply(model, step, small_resources(), seed, context);
}

std::string issues_of(const Model& model, const Step& step) {
  const Resources resources = small_resources();
  std::string text;
  for (const Issue& issue : check_step(model, step, &resources)) text += issue.key + ": " + issue.message + "\n";
  return text;
}

}  // namespace espalier::test
