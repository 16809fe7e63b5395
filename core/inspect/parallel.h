#pragma once
#include <cstdint>
#include <functional>

#include "base/cancel.h"

namespace espalier {

// Runs body(block) for every block in [0, blocks), on as many threads as the machine has (at most eight), in no order.
// The first exception is thrown again here, after all threads have ended. Checks `cancel` before every block.
void for_each_block(int64_t blocks, const CancelToken& cancel, const std::function<void(int64_t block)>& body);

// Rows a block so that a block holds about 64 Ki values: it stays in the second-level cache.
inline int64_t rows_per_block(int64_t cols) { return cols >= 65536 ? 1 : 65536 / cols; }

}  // namespace espalier
