// Multiply-accumulates of recurrent models by hand.

#include <gtest/gtest.h>

#include "measure/cost.h"
#include "tests/model/small_recurrent.h"

namespace espalier {
namespace {

using namespace espalier::test;

TEST(RecurrentCost, EveryTokenIsOneStep) {
  const Model lm = lively_model(recurrent_lm(Cell::Lstm));
  const int64_t step = 4 * 7 * (5 + 7) + 4 * 6 * (7 + 6) + 5 * 6 + 11 * 5;
  EXPECT_EQ(count_macs(lm, 1), step);
  EXPECT_EQ(count_macs(lm, 20), 20 * step);
  EXPECT_EQ(count_layer_macs(lm, LayerIndex(1), 20), 20 * 4 * 6 * (7 + 6));
}

TEST(RecurrentCost, BridgesOnceAndAttentionForEveryPair) {
  const Model model = lively_model(recurrent_translator(Cell::Gru));
  const int64_t encoder = 2 * 3 * 4 * (5 + 4) + 2 * 3 * 4 * (8 + 4);
  const int64_t decoder = 3 * 5 * (4 + 6 + 5) + 3 * 5 * (5 + 5) + 5 * 8 + 6 * 13 + 9 * 6;
  const int64_t bridges = 2 * 5 * 8;
  const int64_t pair = 5 + 8;
  EXPECT_EQ(count_macs(model, 10), 10 * (encoder + decoder) + bridges + 100 * pair);
}

TEST(RecurrentCost, ProbeOfPairsHasTwoTexts) {
  const Model model = lively_model(recurrent_classifier(Cell::Lstm, Pooling::ComparedStates));
  const PackedBatch batch = probe_batch(model, {.batch_size = 2, .sequence_length = 8});
  EXPECT_EQ(batch.type_ids, (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1}));
}

}  // namespace
}  // namespace espalier
