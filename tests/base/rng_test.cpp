#include "base/rng.h"

#include <cmath>
#include <numeric>

#include "tests/support/support.h"

namespace espalier {
namespace {

// xoshiro256** from the state {1, 2, 3, 4}, as the authors' reference code gives it.
TEST(Rng, AgreesWithTheReferenceSequence) {
  Rng rng(0);
  rng.set_state({1, 2, 3, 4, 0});
  const std::vector<uint64_t> wanted = {11520, 0, 1509978240, 1215971899390074240u};
  for (const uint64_t value : wanted) EXPECT_EQ(rng.next(), value);
}

// splitmix64 of seed 0 begins with these words.
TEST(Rng, SeedsThroughSplitmix) {
  EXPECT_EQ(Rng(0).state()[0], 0xE220A8397B1DCDAFu);
  EXPECT_EQ(Rng(0).state()[1], 0x6E789E6AA1B965F4u);
}

TEST(Rng, SameSeedSameNumbersOtherSeedOthers) {
  Rng a(7), b(7), c(8);
  const uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Rng, StateResumesExactly) {
  Rng a(3);
  a.normal();
  Rng b(99);
  b.set_state(a.state());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(a.fork("x").next(), b.fork("x").next());
  EXPECT_EQ(test::expect_error([&] { b.set_state({1, 2}); }).kind(), ErrorKind::Format);
}

TEST(Rng, ForksDependOnSeedAndPurposeOnly) {
  Rng a(5);
  const uint64_t before = a.fork("data").next();
  a.next();
  EXPECT_EQ(a.fork("data").next(), before);
  EXPECT_NE(a.fork("init").next(), before);
  EXPECT_NE(Rng(6).fork("data").next(), before);
}

TEST(Rng, BelowIsUniform) {
  Rng rng(1);
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 70'000; ++i) ++counts[rng.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_EQ(rng.below(1), 0u);
  EXPECT_EQ(test::expect_error([&] { rng.below(0); }).kind(), ErrorKind::Internal);
}

TEST(Rng, NormalHasMeanZeroAndVarianceOne) {
  Rng rng(2);
  double sum = 0, squares = 0, fourth = 0;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(fourth / kCount, 3, 0.1);
}

TEST(Rng, ShuffleKeepsEveryElement) {
  Rng rng(4);
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  const auto sorted = values;
  rng.shuffle(values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

}  // namespace
}  // namespace espalier
