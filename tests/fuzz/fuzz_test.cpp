// Foreign bytes never crash or hang a reader: five hundred mutants of good files for each, with a fixed seed.

#include "tests/fuzz/target.h"
#include "tests/support/support.h"

namespace espalier::test {

void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

class Fuzz : public testing::TestWithParam<FuzzTarget> {};

TEST_P(Fuzz, GoodFilesAreRead) {
  const std::vector<std::string> seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  for (const std::string& seed : seeds) EXPECT_NO_THROW(GetParam().read(seed)) << seed.substr(0, 200);
}

TEST_P(Fuzz, DamagedFilesAreRefusedByNameOrReadWhole) {
  const FuzzTarget& target = GetParam();
  const std::vector<std::string> seeds = target.seeds();
  Rng rng(20240601);
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::string bytes = rng.pick(seeds);
    for (uint64_t times = 1 + rng.below(3); times > 0; --times) bytes = target.mutate(bytes, rng);
    try {
      refused += is_refused(target, bytes) ? 1 : 0;
    } catch (const std::exception& defect) {
      ADD_FAILURE() << "mutant " << round << ": " << defect.what();
    }
  }
  EXPECT_GE(refused, target.least_refused);
  RecordProperty("refused", refused);
}

INSTANTIATE_TEST_SUITE_P(Readers, Fuzz, testing::ValuesIn(fuzz_targets()),
                         [](const auto& target) { return target.param.name; });

}  // namespace
}  // namespace espalier::test
