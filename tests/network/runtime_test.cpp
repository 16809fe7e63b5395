// What is measured on the engine and what on libtorch.

#include "network/runtime.h"
#include "engine/engine.h"
#include "measure/evaluate.h"
#include "network/network_runner.h"
#include "tests/model/small_models.h"
#include "tests/model/small_recurrent.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using namespace espalier::test;

EncodedDataset some_data() {
  EncodedDataset data;
  Rng rng(5);
  for (int i = 0; i < 9; ++i) {
    EncodedExample example;
    for (uint64_t t = 2 + rng.below(7); t > 0; --t) {
      example.encoding.ids.push_back(static_cast<TokenId>(1 + rng.below(10)));
      example.encoding.type_ids.push_back(0);
    }
    data.examples.push_back(std::move(example));
  }
  return data;
}

TEST(Runtime, TransformersAreMeasuredOnTheEngine) {
  Architecture a = bert_architecture(2, 8, 12, 2, 20, 12);
  a.head = {HeadKind::Classification, 3, {}};
  const Model model = random_model(a);
  Runtime runtime(model, 1);
  EXPECT_TRUE(runtime_notes(a).empty());
  EXPECT_EQ(runtime.measure_latency({.sequence_length = 4}).kernels, kernel_info().instruction_set);
}

TEST(Runtime, RecurrentModelsAreMeasuredOnLibtorchAndTheLedgerSaysSo) {
  const Model model = lively_model(recurrent_classifier(Cell::Lstm, Pooling::LastStates));
  const EncodedDataset data = some_data();
  JobContext context;
  const std::unique_ptr<Runner> runner = make_network_runner(model);
  const Tensor logits = predict(*runner, data, context);
  ASSERT_EQ(logits.shape(), (Shape{9, 3}));
  // Each alone.
  for (int64_t i = 0; i < 9; ++i) {
    const Tensor one = runner->logits({&data.examples[static_cast<size_t>(i)].encoding}, {});
    for (int64_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(one.values<float>()[static_cast<size_t>(j)], logits.values<float>()[static_cast<size_t>(i * 3 + j)],
                  1e-5);
    }
  }
  ASSERT_EQ(runtime_notes(model.architecture).size(), 1U);
  EXPECT_NE(runtime_notes(model.architecture)[0].find("libtorch"), std::string::npos);
  Runtime runtime(model, 1), other(model, 1);
  const std::vector<Latency> pair = Runtime::measure_latency_pair(runtime, other, {.sequence_length = 6});
  EXPECT_EQ(pair[1].kernels, "libtorch");
  EXPECT_GT(pair[1].p50_ms, 0);
}

TEST(NetworkRunner, ModelsWithoutAnAnswerASequenceAreRefused) {
  JobContext context;
  const std::unique_ptr<Runner> runner = make_network_runner(lively_model(recurrent_lm(Cell::Gru)));
  EXPECT_EQ(expect_error([&] { predict(*runner, some_data(), context); }).kind(), ErrorKind::Unsupported);
}

}  // namespace
}  // namespace espalier
