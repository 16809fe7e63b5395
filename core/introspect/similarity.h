#pragma once
// How alike two representations of the same examples are: linear centered kernel alignment (Kornblith 2019, arXiv
// 1905.00414, equation 4): |Y'X|^2 / (|X'X| |Y'Y|) of centered columns, Frobenius norms. 1 for representations that
// differ by a rotation and a factor, whatever their widths.

#include <functional>
#include <memory>
#include <vector>

#include "base/job_context.h"
#include "base/tensor.h"

namespace espalier {

// One representation of n tokens: (n, width) F32.
using Representations = std::vector<Tensor>;

// Calls take(first, second) for every batch with the representations of the same tokens by two models; second is empty
// where there is one.
using RepresentationStream =
    std::function<void(const std::function<void(const Representations& first, const Representations& second)>& take)>;

// [i][j]: alignment of representation i of the first with j of the second, or of the first with itself where
// second_count is 0. Holds sums of products only, in double, and
// no more of them than `max_bytes` (at least one) at a time: the stream is run as often as that takes. A constant
// representation is like nothing but itself: 0.
std::vector<std::vector<double>> linear_cka(const RepresentationStream& stream, size_t first_count, size_t second_count,
                                            int64_t max_bytes = int64_t{1} << 29);

}  // namespace espalier
