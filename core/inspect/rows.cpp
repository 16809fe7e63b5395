#include "inspect/rows.h"

#include <algorithm>
#include <vector>

namespace espalier {

void for_each_rows(const Matrix& matrix, int64_t block_rows, const CancelToken& cancel,
                   const std::function<void(int64_t, std::span<const float>, int64_t, int64_t)>& body) {
  for_each_block((matrix.rows() + block_rows - 1) / block_rows, cancel, [&](int64_t block) {
    const int64_t begin = block * block_rows;
    const int64_t end = std::min(matrix.rows(), begin + block_rows);
    thread_local std::vector<float> buffer;
    buffer.resize(static_cast<size_t>((end - begin) * matrix.cols()));
    matrix.read_rows(begin, end, buffer);
    body(block, buffer, begin, end);
  });
}

}  // namespace espalier
