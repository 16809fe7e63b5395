// One target as libFuzzer runs it. ESPALIER_FUZZ_TARGET is the target's name.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tests/fuzz/target.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace espalier::test {
namespace {

const FuzzTarget& target() {
  static const FuzzTarget& found =
      *std::find_if(fuzz_targets().begin(), fuzz_targets().end(),
                    [](const FuzzTarget& candidate) { return candidate.name == ESPALIER_FUZZ_TARGET; });
  return found;
}

}  // namespace
}  // namespace espalier::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace espalier::test;
  static_cast<void>(is_refused(target(), std::string(reinterpret_cast<const char*>(data), size)));
  return 0;
}

// Starts from the target's own good files, so that no corpus has to be kept; then every other change is libFuzzer's.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  using namespace espalier::test;
  static const std::vector<std::string> seeds = target().seeds();
  espalier::Rng rng(seed);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size <= 1 || rng.below(1000) == 0) {
    bytes = rng.pick(seeds);
  } else if (rng.below(2) == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  } else {
    bytes = target().mutate(bytes, rng);
  }
  const size_t count = std::min(bytes.size(), max_size);
  std::memcpy(data, bytes.data(), count);
  return count;
}
