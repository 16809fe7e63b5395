#include "engine/sparse_linear.h"

#include <fmt/format.h>

namespace espalier {

SparseLinear::SparseLinear(const kernels::Table& kernels, std::span<const float> w, int64_t depth, int64_t columns,
                           const SparseChoice& choice)
    : kernels_(kernels), choice_(choice), matrix_(w, depth, columns, choice.band) {}

void SparseLinear::run(Lane& lane, const float* x, int64_t, int64_t rows, const float* bias,
                       kernels::Activation activation, float* y) const {
  if (rows == 0 || columns() == 0) return;
  kernels_.multiply_sparse(matrix_.product(x, rows, bias, y, lane.scratch));
  if (activation != kernels::Activation::None) kernels_.bias_activation(y, rows, columns(), nullptr, activation);
}

std::string SparseLinear::describe() const {
  const std::string form = choice_.band == 1 ? "sparse rows" : fmt::format("sparse in bands of {} rows", choice_.band);
  return fmt::format("float32, {:.3g} % kept, {}, {}", 100 * choice_.density, form, kernels_.name);
}

}  // namespace espalier
