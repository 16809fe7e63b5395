#pragma once
// A reader of foreign bytes as something to be fed damage: by the tests of this folder, which make their mutants
// themselves, and by libFuzzer (ESPALIER_FUZZ).

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"

namespace espalier::test {

struct FuzzTarget {
  std::string name;
  // Files that the reader accepts whole, small ones.
  std::function<std::vector<std::string>()> seeds;
  // One change of a file; what it becomes is mostly wrong but looks right enough to reach deep.
  std::function<std::string(const std::string& bytes, Rng& rng)> mutate;
  // Reads the bytes and everything that they give. Throws Error for what it refuses.
  std::function<void(const std::string& bytes)> read;
  // What every refusal must name: the file's place.
  std::string place;
  // Of 500 mutants so many are refused at least; were few refused, the reader would not be looking.
  int least_refused = 0;
};

FuzzTarget bundle_target();
FuzzTarget config_target();
FuzzTarget recipe_target();
FuzzTarget safetensors_target();
FuzzTarget tables_target();
FuzzTarget tokenizer_target();
FuzzTarget torch_target();

const std::vector<FuzzTarget>& fuzz_targets();

// Whether the reader refused the bytes, which it may. Throws std::logic_error when the refusal is no good one: an
// internal error, one that does not name the place, or no UTF-8; lets every other exception pass.
bool is_refused(const FuzzTarget& target, const std::string& bytes);

// Overwrites a file in place: thousands of mutants a second have no use for a flushed and renamed one.
void write_plainly(const std::filesystem::path& file, const std::string& bytes);

}  // namespace espalier::test
