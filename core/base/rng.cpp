#include "base/rng.h"

#include <bit>
#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

uint64_t splitmix64(uint64_t& state) {
  state += 0x9E3779B97F4A7C15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Natural logarithm from exact operations only: libraries differ in the last bit of theirs.
double portable_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // [0.5, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);  // |s| < 0.172
  const double square = s * s;
  double sum = 0;
  for (int k = 25; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * s * sum + exponent * 0.69314718055994530942;
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t state = seed;
  for (uint64_t& word : s_) word = splitmix64(state);
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(s_[1] * 5, 7) * 9;
  const uint64_t t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = std::rotl(s_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  if (bound == 0) throw Error(ErrorKind::Internal, "a random number below 0 was asked for");
  // The first 2^64 mod bound values would make low results more likely.
  const uint64_t uneven = (0 - bound) % bound;
  uint64_t value = next();
  while (value < uneven) value = next();
  return value % bound;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double Rng::normal() {
  // Marsaglia's polar method; the second value is thrown away so that the state is the whole state.
  while (true) {
    const double u = 2 * uniform() - 1;
    const double v = 2 * uniform() - 1;
    const double square = u * u + v * v;
    if (square > 0 && square < 1) return u * std::sqrt(-2 * portable_log(square) / square);
  }
}

Rng Rng::fork(std::string_view purpose) const {
  uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (const char c : purpose) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  uint64_t mixed = seed_;
  const uint64_t from_seed = splitmix64(mixed);
  return Rng(from_seed ^ std::rotl(hash, 23));
}

std::vector<uint64_t> Rng::state() const { return {s_[0], s_[1], s_[2], s_[3], seed_}; }

void Rng::set_state(const std::vector<uint64_t>& state) {
  if (state.size() != 5) {
    throw Error(ErrorKind::Format, {"the state of a random number generator is damaged", "",
                                    std::to_string(state.size()) + " words", "5 words", ""});
  }
  for (size_t i = 0; i < 4; ++i) s_[i] = state[i];
  seed_ = state[4];
}

}  // namespace espalier
