#include "measure/evaluate.h"

#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

EncodedDataset random_data(size_t count) {
  Rng rng(11);
  EncodedDataset data;
  for (size_t i = 0; i < count; ++i) {
    EncodedExample example;
    example.encoding = random_encoding(rng, 3 + rng.below(40));
    data.examples.push_back(example);
  }
  return data;
}

TEST(Predict, RowsAreInTheOrderOfTheDataWhateverTheBatches) {
  const Engine engine(tiny_model());
  const EncodedDataset data = random_data(150);
  JobContext context;
  const Tensor all = predict(engine, data, context);
  ASSERT_EQ(all.shape(), (Shape{150, 2}));
  for (size_t i = 0; i < data.examples.size(); ++i) {
    const Tensor one = engine.run(pack({data.examples[i].encoding})).logits;
    for (size_t c = 0; c < 2; ++c) ASSERT_NEAR(all.values<float>()[2 * i + c], one.values<float>()[c], 1e-4) << i;
  }
}

TEST(Predict, StopsWhenAsked) {
  const Engine engine(tiny_model());
  JobContext context;
  context.cancel.cancel();
  EXPECT_THROW(predict(engine, random_data(4), context), Cancelled);
}

TEST(Predict, AModelWithoutAHeadForExamplesIsRefused) {
  Model model;
  model.architecture = tiny_architecture();
  model.architecture.head = {HeadKind::TokenClassification, 3, {}};
  model.architecture.has_pooler = false;
  Rng rng(1);
  for (const Slot& slot : slots_of(model.architecture)) {
    model.weights.add(
        slot.name,
        Dense{Tensor::from(slot.shape, std::vector<float>(static_cast<size_t>(num_elements(slot.shape)), 0.1f))});
  }
  const Engine engine(model);
  JobContext context;
  EXPECT_EQ(expect_error([&] { predict(engine, random_data(4), context); }).kind(), ErrorKind::Unsupported);
}

}  // namespace
}  // namespace espalier::test
