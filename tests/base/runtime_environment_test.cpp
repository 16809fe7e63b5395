#include "base/runtime_environment.h"

#include <gtest/gtest.h>

#include <cstring>

namespace espalier {
namespace {

TEST(RuntimeEnvironment, SetsOnlyWhatTheUserDidNot) {
  const auto nothing_set = missing_runtime_environment([](const char*) -> const char* { return nullptr; });
  ASSERT_FALSE(nothing_set.empty());
  EXPECT_EQ(nothing_set.back().first, "OMP_WAIT_POLICY");
  EXPECT_EQ(nothing_set.back().second, "passive");
  const auto all_set = missing_runtime_environment([](const char*) { return "x"; });
  EXPECT_TRUE(all_set.empty());
  const auto one_set = missing_runtime_environment(
      [](const char* name) -> const char* { return std::strcmp(name, "OMP_WAIT_POLICY") == 0 ? "active" : nullptr; });
  for (const auto& [name, value] : one_set) EXPECT_EQ(name, "OPENBLAS_CORETYPE");
}

}  // namespace
}  // namespace espalier
