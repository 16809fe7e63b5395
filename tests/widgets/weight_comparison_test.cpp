#include <gtest/gtest.h>

#include <cmath>

#include "inspect/matrix.h"
#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/models/weight_comparison.h"

namespace espalier {
namespace {

constexpr char kQuery[] = "encoder.1.attention.q_proj.weight";
constexpr char kOut[] = "encoder.1.attention.out_proj.weight";

// The small model without head 1 of its second layer.
Model withoutAHead() {
  Model model = test::smallModel();
  std::vector<HeadIndex>& heads = model.architecture.layers[1].attention.heads;
  heads.erase(heads.begin() + 1);
  std::vector<int64_t> keep;
  for (int64_t unit = 0; unit < 16; ++unit) {
    if (unit / 4 != 1) keep.push_back(unit);
  }
  for (const char* module : {"q_proj", "k_proj", "v_proj"}) {
    const std::string path = std::string("encoder.1.attention.") + module;
    model.weights.add(path + ".weight", select(model.weight(path + ".weight"), 0, keep));
    model.weights.add(path + ".bias", select(model.weight(path + ".bias"), 0, keep));
  }
  model.weights.replace(kOut, select(model.weight(kOut), 1, keep));
  validate(model, "test");
  return model;
}

TEST(WeightComparison, OfAQuantizedWeightIsItsRounding) {
  const Model before = test::smallModel();
  Model after = before;
  after.weights.add(kOut, quantize_symmetric(materialize(before.weight(kOut)), 4, true, ActivationRange::PerToken));
  const WeightComparison comparison = compareWeight(before, after, kOut, {});
  ASSERT_TRUE(comparison.difference);
  const Matrix first(share(before.weight(kOut))), second(share(after.weight(kOut))), changed(comparison.difference);
  double squares = 0, all = 0;
  for (int64_t r = 0; r < first.rows(); ++r) {
    for (int64_t c = 0; c < first.cols(); ++c) {
      EXPECT_FLOAT_EQ(static_cast<float>(changed.value(r, c)),
                      static_cast<float>(second.value(r, c)) - static_cast<float>(first.value(r, c)));
      squares += std::pow(changed.value(r, c), 2);
      all += std::pow(first.value(r, c), 2);
    }
  }
  EXPECT_NEAR(comparison.relativeError, std::sqrt(squares / all), 1e-9);
  EXPECT_GT(comparison.relativeError, 0);
  EXPECT_TRUE(comparison.note.isEmpty());
}

TEST(WeightComparison, RemovedHeadsComeBackAsZeros) {
  const Model before = test::smallModel(), after = withoutAHead();
  for (const char* slot : {kQuery, kOut, "encoder.1.attention.q_proj.bias"}) {
    SCOPED_TRACE(slot);
    const WeightComparison comparison = compareWeight(before, after, slot, {});
    ASSERT_TRUE(comparison.difference) << comparison.note.toStdString();
    EXPECT_EQ(shape_of(*comparison.after), shape_of(before.weight(slot)));
    const Matrix first(share(before.weight(slot))), second(comparison.after);
    const bool byRows = slot == std::string_view(kQuery);
    for (int64_t r = 0; r < first.rows(); ++r) {
      for (int64_t c = 0; c < first.cols(); ++c) {
        const bool removed = (byRows ? r : c) / 4 == 1;
        EXPECT_EQ(second.value(r, c), removed ? 0 : first.value(r, c)) << r << ", " << c;
      }
    }
    EXPECT_TRUE(comparison.note.startsWith("1 removed head")) << comparison.note.toStdString();
  }
}

TEST(WeightComparison, SaysWhyThereIsNoDifference) {
  const Model before = test::smallModel();
  Model after = before;
  after.architecture.layers[0].ffn.width = 8;
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  after.weights.replace(slot, select(before.weight(slot), 0, {0, 1, 2, 3, 4, 5, 6, 7}));
  const WeightComparison comparison = compareWeight(before, after, slot, {});
  EXPECT_FALSE(comparison.difference);
  EXPECT_TRUE(comparison.after);
  EXPECT_TRUE(comparison.note.contains(QStringLiteral("32 × 16"))) << comparison.note.toStdString();
  EXPECT_TRUE(std::isnan(comparison.relativeError));
  after.weights.remove(slot);
  EXPECT_EQ(test::expect_error([&] { compareWeight(before, after, slot, {}); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
