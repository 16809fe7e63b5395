#pragma once
// Whole registers and what is left behind them; include after a vector.h.

namespace {

// Calls body(offset, count) for whole registers and once for what is left.
template <typename Body>
inline void for_registers(int64_t columns, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) body(c, kLanes);
  if (c < columns) body(c, columns - c);
}

inline Floats load_some(const float* from, int64_t count) {
  return count == kLanes ? load(from) : load_first(from, count);
}
inline void store_some(float* to, Floats x, int64_t count) {
  if (count == kLanes) {
    store(to, x);
  } else {
    store_first(to, x, count);
  }
}

// Calls body.operator()<rows>() for rows of 1..R.
template <int R, typename Body>
inline void with_rows(int64_t rows, Body body) {
  if constexpr (R > 1) {
    if (rows < R) return with_rows<R - 1>(rows, body);
  }
  body.template operator()<R>();
}

}  // namespace
