#include "base/runtime_environment.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace espalier {
namespace {

// Whether a block of 48 MB is mapped apart now; none where the allocator does not say.
std::optional<bool> large_block_is_mapped_apart() {
#ifdef __GLIBC__
  constexpr size_t kBytes = 48 << 20;
  const size_t before = mallinfo2().hblkhd;
  const std::unique_ptr<void, decltype(&std::free)> block(std::malloc(kBytes), &std::free);
  const struct mallinfo2 now = mallinfo2();
  if (block == nullptr || now.uordblks + now.hblkhd < kBytes) return {};  // another allocator stands in
  return now.hblkhd >= before + kBytes;
#else
  return {};
#endif
}

TEST(RuntimeEnvironment, LargeBlocksComeFromTheHeapWhileTheyAreKept) {
  if (!large_block_is_mapped_apart()) GTEST_SKIP() << "the allocator does not say where its blocks lie";
  EXPECT_TRUE(*large_block_is_mapped_apart());
  {
    const KeepLargeBlocks outer;
    { const KeepLargeBlocks inner; }
    EXPECT_FALSE(*large_block_is_mapped_apart());
  }
  EXPECT_TRUE(*large_block_is_mapped_apart());
}

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
