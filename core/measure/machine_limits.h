#pragma once
// What the processor reaches at best, measured, and how near to it a product comes: the roofline of S. Williams, A.
// Waterman and D. Patterson, "Roofline: an insightful visual performance model", CACM 52(4), 2009.

#include <cstdint>

#include "base/cancel.h"
#include "engine/pass_profile.h"

namespace espalier {

// Of `threads` together. 1 multiply-accumulate = 2 operations.
struct MachineLimits {
  int threads = 1;
  double float_gops = 0;     // 10^9 operations a second of float32 products
  double int8_gops = 0;      // of products of codes
  double bfloat16_gops = 0;  // of the products of attention in bfloat16; 0 where the engine has none
  double read_gb_s = 0;      // 10^9 bytes a second read again and again out of `read_bytes`
  int64_t read_bytes = 0;    // what the reading went over: caches are faster than memory
};

// Measures for about a second. The products are square ones, the better of oneDNN's and the engine's own; those in
// bfloat16 attention of wide heads to few keys. `read_bytes` should be what a pass reads of weights, at least 1 MB is
// taken. Throws Cancelled.
MachineLimits measure_limits(int threads, int64_t read_bytes, const CancelToken& cancel = {});
// The part of reading alone.
double measure_read_gb_s(int threads, int64_t read_bytes, const CancelToken& cancel = {});

// What a part of a pass could take at best and what bounds it there. Weights alone count as memory: what is between two
// parts stays in caches.
struct Roofline {
  double limit_ms = 0;      // 0: nothing is multiplied, and no limit is known
  double ops_per_byte = 0;  // operations by bytes of weights; 0 without weights
  bool memory_bound = false;
};
Roofline roofline(const PassPart& part, const PartTime& time, const MachineLimits& limits);

}  // namespace espalier
