#include "model/weight_table.h"

#include "tests/support/support.h"

namespace espalier {
namespace {

Weight number(float value) { return Dense{Tensor::from<float>({1}, {value})}; }

double value(const WeightTable& table, const std::string& slot) { return materialize(table.at(slot)).value_at(0); }

TEST(WeightTable, SharedSlotsSeeOneWeight) {
  WeightTable table;
  table.add("a", number(1));
  table.add("c", number(3));
  table.share("b", "a");
  EXPECT_EQ(table.handle("a"), table.handle("b"));
  EXPECT_EQ(table.unique_slots(), (std::vector<std::string>{"a", "c"}));
  table.replace("b", number(2));
  EXPECT_EQ(value(table, "a"), 2);
  EXPECT_EQ(table.slots_of(table.handle("a")), (std::vector<std::string>{"a", "b"}));
  table.add("a", number(9));
  EXPECT_EQ(value(table, "b"), 2);
  EXPECT_EQ(value(table, "a"), 9);
}

TEST(WeightTable, AWeightGoesWithItsLastSlot) {
  WeightTable table;
  const WeightHandle handle = table.add("a", number(1));
  table.share("b", "a");
  table.remove("a");
  EXPECT_EQ(value(table, "b"), 1);
  table.share("b", "b");
  EXPECT_EQ(value(table, "b"), 1);
  table.remove("b");
  EXPECT_EQ(test::expect_error([&] { table.at(handle); }).kind(), ErrorKind::Internal);
  EXPECT_NE(std::string(test::expect_error([&] { table.at("b"); }).what()).find("b"), std::string::npos);
  table.remove("b");
  EXPECT_TRUE(table.slots().empty());
}

TEST(WeightTable, CopiesAreIndependent) {
  WeightTable table;
  table.add("a", number(1));
  WeightTable copy = table;
  copy.replace("a", number(5));
  EXPECT_EQ(value(table, "a"), 1);
  EXPECT_EQ(value(copy, "a"), 5);
}

}  // namespace
}  // namespace espalier
