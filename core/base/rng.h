#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier {

// xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64. The same seed gives the same numbers on every
// platform, which the standard library's distributions do not promise.
class Rng {
 public:
  explicit Rng(uint64_t seed);

  uint64_t next();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double uniform();
  // Standard normal.
  double normal();
  bool chance(double probability) { return uniform() < probability; }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  // An independent generator for one named purpose: it depends on the seed and the name only, so that adding a draw in
  // one place changes no other.
  Rng fork(std::string_view purpose) const;

  // The whole state (five words), for checkpoints. set_state throws Format when the count is wrong.
  std::vector<uint64_t> state() const;
  void set_state(const std::vector<uint64_t>& state);

 private:
  uint64_t seed_;
  uint64_t s_[4];
};

}  // namespace espalier
