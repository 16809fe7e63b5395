#include "measure/model_size.h"

#include "base/json.h"
#include "measure/flops.h"
#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

int64_t layer_parameters(const TinyShape& shape) {
  const int64_t d = shape.hidden, i = shape.ffn;
  return 4 * (d * d + d) + 2 * d * i + i + d + 4 * d;
}

TEST(ModelSize, TyingTwoLayersStoresOneAndComputesTwo) {
  const TinyShape shape;
  Model model = tiny_model();
  const ModelSize before = size_of_model(model);
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer != LayerIndex(1)) continue;
    std::string first = slot.name;
    first.replace(first.find(".1."), 3, ".0.");
    model.weights.share(slot.name, first);
  }
  const ModelSize tied = size_of_model(model);
  EXPECT_EQ(before.stored_parameters - tied.stored_parameters, layer_parameters(shape));
  EXPECT_EQ(before.stored_bytes - tied.stored_bytes, 4 * layer_parameters(shape));
  EXPECT_EQ(tied.logical_parameters, before.logical_parameters);
  EXPECT_EQ(tied.logical_bytes, 4 * tied.logical_parameters);
}

TEST(ModelSize, FormsStoreWhatTheyHold) {
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  Model model = tiny_model();
  const ModelSize dense = size_of_model(model);
  const Shape shape = shape_of(model.weight(slot));
  const int64_t n = num_elements(shape);
  model.weights.replace(slot, quantize_symmetric(materialize(model.weight(slot)), 4, true, ActivationRange::Float));
  const ModelSize quantized = size_of_model(model);
  // Half a byte a code and a float32 scale a row, for 4 bytes a value.
  EXPECT_EQ(dense.stored_bytes - quantized.stored_bytes, 4 * n - (n / 2 + 4 * shape[0]));
  EXPECT_EQ(quantized.logical_bytes, dense.logical_bytes);
}

TEST(ModelSize, CsrCountsValuesIndicesAndRowPointers) {
  EXPECT_EQ(csr_bytes(768, 1000), 1000 * 8 + 769 * 4);
  EXPECT_EQ(csr_bytes(3, 5, {2, 2, 8}), 5 * 4 + 4 * 8);
  EXPECT_EQ(csr_bytes(4, 0), 20);
}

TEST(Flops, ElementwisePartByTheElueCounter) {
  const TinyShape shape;
  const Model model = tiny_model();
  const int64_t s = 10;
  const FlopCount count = count_flops(model, s);
  EXPECT_EQ(count.norm, (1 + 2 * shape.layers) * 2 * s * shape.hidden);
  EXPECT_EQ(count.scale, shape.layers * shape.heads * s * s);
  EXPECT_EQ(count.softmax, count.scale);
  EXPECT_EQ(count.elue_flops(), 2 * count.macs + count.norm + 2 * count.scale);
  EXPECT_EQ(to_json(count).at("matmul_flops"), 2 * count.macs);
}

}  // namespace
}  // namespace espalier::test
