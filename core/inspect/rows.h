#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "inspect/matrix.h"
#include "inspect/parallel.h"

namespace espalier {

// Runs body(block, values, begin, end) for every block of `block_rows` rows, in parallel: values are rows [begin, end),
// row-major, and gone when it returns. Throws Cancelled.
void for_each_rows(
    const Matrix& matrix, int64_t block_rows, const CancelToken& cancel,
    const std::function<void(int64_t block, std::span<const float> values, int64_t begin, int64_t end)>& body);

}  // namespace espalier
