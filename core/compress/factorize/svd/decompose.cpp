#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "compress/factorize/svd/svd.h"
#include "network/network.h"

namespace espalier {
namespace {

// Above this many rows a square Gram matrix is much cheaper than the decomposition itself. Its eigenvalues are squares,
// so singular values below 1e-8 of the largest are noise: below what float32 weights resolve.
constexpr int64_t kTallRows = 8192;

// V^T with rows as singular directions and sigma, descending, of a matrix with more rows than columns.
std::pair<at::Tensor, at::Tensor> through_gram(const at::Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix.t().matmul(matrix));
  return {vectors.flip(1).t().contiguous(), values.flip(0).clamp_min(0).sqrt()};
}

std::vector<double> copied(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

}  // namespace

SingularValues singular_values(const Tensor& matrix, const CancelToken& cancel) {
  cancel.throw_if_cancelled();
  const at::NoGradGuard no_grad;
  const at::Tensor w = to_torch(matrix.to_float32()).to(at::kDouble);
  at::Tensor right, sigma;
  if (w.size(0) > kTallRows && w.size(0) > w.size(1)) {
    std::tie(right, sigma) = through_gram(w);
  } else {
    at::Tensor u;
    std::tie(u, sigma, right) = at::linalg_svd(w, /*full_matrices=*/false);
  }
  cancel.throw_if_cancelled();
  const at::Tensor largest = right.gather(1, right.abs().argmax(1, /*keepdim=*/true));
  right = right * at::where(largest < 0, -at::ones_like(largest), at::ones_like(largest));
  // U diag(sigma) as W V: exact for the directions that V spans, also where sigma is nearly zero.
  const at::Tensor left = w.matmul(right.t());
  SingularValues decomposition;
  decomposition.rows = w.size(0);
  decomposition.columns = w.size(1);
  decomposition.sigma = copied(sigma);
  decomposition.left = copied(left);
  decomposition.right = copied(right);
  return decomposition;
}

int64_t rank_for_energy(const std::vector<double>& sigma, double energy) {
  double total = 0;
  for (const double value : sigma) total += value * value;
  double sum = 0;
  for (size_t i = 0; i < sigma.size(); ++i) {
    sum += sigma[i] * sigma[i];
    if (sum >= energy * total) return static_cast<int64_t>(i) + 1;
  }
  return std::max<int64_t>(static_cast<int64_t>(sigma.size()), 1);
}

int64_t rank_for_ratio(int64_t rows, int64_t columns, double ratio) {
  const double most =
      ratio * static_cast<double>(rows) * static_cast<double>(columns) / static_cast<double>(rows + columns);
  return std::max<int64_t>(static_cast<int64_t>(std::floor(most)), 1);
}

bool rank_saves(int64_t rows, int64_t columns, int64_t rank) { return rank * (rows + columns) < rows * columns; }

LowRank truncate(const SingularValues& decomposition, int64_t rank, DType dtype) {
  const auto [rows, columns] = std::pair(decomposition.rows, decomposition.columns);
  const auto width = static_cast<int64_t>(decomposition.sigma.size());
  std::vector<float> left(static_cast<size_t>(rows * rank)), right(static_cast<size_t>(rank * columns));
  for (int64_t r = 0; r < rank; ++r) {
    const double root = std::sqrt(decomposition.sigma[static_cast<size_t>(r)]);
    for (int64_t row = 0; row < rows; ++row) {
      const double value = decomposition.left[static_cast<size_t>(row * width + r)];
      left[static_cast<size_t>(row * rank + r)] = static_cast<float>(root > 0 ? value / root : 0.0);
    }
    for (int64_t column = 0; column < columns; ++column) {
      const auto at = static_cast<size_t>(r * columns + column);
      right[at] = static_cast<float>(decomposition.right[at] * root);
    }
  }
  return {share(Dense{Tensor::from<float>({rows, rank}, std::move(left)).to(dtype)}),
          share(Dense{Tensor::from<float>({rank, columns}, std::move(right)).to(dtype)})};
}

}  // namespace espalier
