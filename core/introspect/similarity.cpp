#include "introspect/similarity.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

constexpr double kNothing = 1e-30;  // what rounding leaves of a constant representation

// Two representations whose product is wanted: number i of a side with number j of a side.
struct Pair {
  int left = 0;
  size_t i = 0;
  int right = 0;
  size_t j = 0;
};

// The squared Frobenius norm of the centered sum.
double squared_norm(const at::Tensor& sum, const at::Tensor& x_sum, const at::Tensor& y_sum, double count) {
  return (sum - at::outer(x_sum, y_sum) / count).pow(2).sum().item<double>();
}

// A side of the comparison: its batch in double and the sums that centering needs. Values are shifted by the first
// batch's means so that large means cost no digits.
class Side {
 public:
  void take(const Representations& given) {
    batch_.clear();
    for (size_t i = 0; i < given.size(); ++i) {
      const at::Tensor values = to_torch(given[i]).to(at::kDouble);
      if (shifts_.size() <= i) {
        shifts_.push_back(values.mean(0));
        sums_.push_back(at::zeros_like(shifts_.back()));
      }
      batch_.push_back(values - shifts_[i]);
      sums_[i] = sums_[i] + batch_.back().sum(0);
    }
  }
  const at::Tensor& batch(size_t i) const { return batch_[i]; }
  const at::Tensor& sum(size_t i) const { return sums_[i]; }

 private:
  std::vector<at::Tensor> batch_, shifts_, sums_;
};

// The squared norms of as many pairs behind those done as fit, by one run of the stream.
void run_stream(const RepresentationStream& stream, const std::vector<Pair>& pairs, int64_t max_bytes,
                std::vector<double>& norms) {
  std::array<Side, 2> sides;
  std::vector<at::Tensor> sums;
  double count = 0;
  const auto plan = [&] {
    int64_t bytes = 0;
    for (size_t k = norms.size(); k < pairs.size(); ++k) {
      const int64_t rows = sides[static_cast<size_t>(pairs[k].left)].batch(pairs[k].i).size(1);
      const int64_t columns = sides[static_cast<size_t>(pairs[k].right)].batch(pairs[k].j).size(1);
      bytes += rows * columns * static_cast<int64_t>(sizeof(double));
      if (!sums.empty() && bytes > max_bytes) return;
      sums.push_back(at::zeros({rows, columns}, at::kDouble));
    }
  };
  stream([&](const Representations& first, const Representations& second) {
    sides[0].take(first);
    sides[1].take(second);
    if (sums.empty()) plan();
    count += static_cast<double>(sides[0].batch(0).size(0));
    for (size_t k = 0; k < sums.size(); ++k) {
      const Pair& pair = pairs[norms.size() + k];
      sums[k].addmm_(sides[static_cast<size_t>(pair.left)].batch(pair.i).t(),
                     sides[static_cast<size_t>(pair.right)].batch(pair.j));
    }
  });
  if (sums.empty()) return norms.resize(pairs.size(), 0);  // the stream was empty
  const size_t done = norms.size();
  for (size_t k = 0; k < sums.size(); ++k) {
    const Pair& pair = pairs[done + k];
    norms.push_back(squared_norm(sums[k], sides[static_cast<size_t>(pair.left)].sum(pair.i),
                                 sides[static_cast<size_t>(pair.right)].sum(pair.j), count));
  }
}

}  // namespace

std::vector<std::vector<double>> linear_cka(const RepresentationStream& stream, size_t first_count, size_t second_count,
                                            int64_t max_bytes) {
  return with_torch_errors("centered kernel alignment", [&] {
    const at::NoGradGuard no_grad;
    const bool alone = second_count == 0;
    const size_t columns = alone ? first_count : second_count;
    const int other = alone ? 0 : 1;
    std::vector<Pair> pairs;
    for (size_t i = 0; i < first_count; ++i) pairs.push_back({0, i, 0, i});
    for (size_t j = 0; j < second_count; ++j) pairs.push_back({1, j, 1, j});
    for (size_t i = 0; i < first_count; ++i) {
      for (size_t j = alone ? i + 1 : 0; j < columns; ++j) pairs.push_back({0, i, other, j});
    }
    std::vector<double> norms;
    while (norms.size() < pairs.size()) run_stream(stream, pairs, max_bytes, norms);
    std::vector<std::vector<double>> cka(first_count, std::vector<double>(columns, alone ? 1 : 0));
    for (size_t k = first_count + second_count; k < pairs.size(); ++k) {
      const auto [left, i, right, j] = pairs[k];
      // The squared norms of X'X and Y'Y: their roots are the norms.
      const double scale = std::sqrt(norms[i]) * std::sqrt(norms[alone ? j : first_count + j]);
      cka[i][j] = scale > kNothing ? std::clamp(norms[k] / scale, 0.0, 1.0) : 0;
      if (alone) cka[j][i] = cka[i][j];
    }
    return cka;
  });
}

}  // namespace espalier
