#include "model/weight.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/weight_bits.h"

namespace espalier {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// One row of the product of two factors, summed in double precision.
void multiply_row(std::span<const float> left, const Tensor& right, std::span<float> out, std::vector<double>& sums) {
  const auto columns = out.size();
  const auto values = right.values<float>();
  sums.assign(columns, 0.0);
  for (size_t k = 0; k < left.size(); ++k) {
    const double factor = left[k];
    const float* row = values.data() + k * columns;
    for (size_t j = 0; j < columns; ++j) sums[j] += factor * row[j];
  }
  for (size_t j = 0; j < columns; ++j) out[j] = static_cast<float>(sums[j]);
}

Tensor multiply(const Tensor& left, const Tensor& right) {
  const auto rows = static_cast<size_t>(left.size(0));
  const auto rank = static_cast<size_t>(left.size(1));
  const auto columns = static_cast<size_t>(right.size(1));
  std::vector<float> product(rows * columns);
  std::vector<double> sums;
  const auto factors = left.values<float>();
  for (size_t i = 0; i < rows; ++i) {
    multiply_row(factors.subspan(i * rank, rank), right, std::span(product).subspan(i * columns, columns), sums);
  }
  return Tensor::from({left.size(0), right.size(1)}, std::move(product));
}

Tensor dense_rows(const Tensor& values, int64_t begin, int64_t end) {
  const int64_t width = num_elements(values.shape()) / std::max<int64_t>(1, values.size(0));
  Shape shape = values.shape();
  shape[0] = end - begin;
  std::vector<float> rows(static_cast<size_t>((end - begin) * width));
  values.read_float32(begin * width, rows);
  return Tensor::from(std::move(shape), std::move(rows));
}

void check_rows(const Shape& shape, int64_t begin, int64_t end) {
  if (!shape.empty() && begin >= 0 && begin <= end && end <= shape[0]) return;
  throw Error(ErrorKind::Internal, {"rows outside the weight were asked for", to_string(shape),
                                    fmt::format("{} to {}", begin, end), "", ""});
}

int64_t zeros_in(const Tensor& values) {
  constexpr int64_t kBlock = 1 << 16;
  std::vector<float> block;
  int64_t zeros = 0;
  for (int64_t at = 0; at < values.numel(); at += kBlock) {
    block.resize(static_cast<size_t>(std::min(kBlock, values.numel() - at)));
    values.read_float32(at, block);
    zeros += std::count(block.begin(), block.end(), 0.0f);
  }
  return zeros;
}

}  // namespace

WeightPtr share(Weight weight) { return std::make_shared<const Weight>(std::move(weight)); }

Shape shape_of(const Weight& weight) {
  return std::visit(Overloaded{
                        [](const Dense& form) { return form.values.shape(); },
                        [](const Masked& form) { return form.values.shape(); },
                        [](const LowRank& form) {
                          return Shape{shape_of(*form.left)[0], shape_of(*form.right)[1]};
                        },
                        [](const Quantized& form) { return form.shape; },
                    },
                    weight.form());
}

std::string describe(const Weight& weight) {
  return std::visit(Overloaded{
                        [](const Dense& form) { return fmt::format("dense {}", to_string(form.values.dtype())); },
                        [&](const Masked&) { return fmt::format("masked {:.1f} % zeros", 100 * sparsity_of(weight)); },
                        [](const LowRank& form) {
                          return fmt::format("low rank {} ({}, {})", shape_of(*form.right)[0], describe(*form.left),
                                             describe(*form.right));
                        },
                        [](const Quantized& form) {
                          return fmt::format("{}-bit codes per {}", form.bits,
                                             form.scales.numel() == 1 ? "tensor" : "row");
                        },
                    },
                    weight.form());
}

Tensor materialize(const Weight& weight) {
  return std::visit(
      Overloaded{
          [](const Dense& form) { return form.values.to_float32(); },
          [](const Masked& form) { return form.values; },
          [](const LowRank& form) { return multiply(materialize(*form.left), materialize(*form.right)); },
          [](const Quantized& form) { return decoded_rows(form, 0, form.shape.empty() ? 0 : form.shape[0]); },
      },
      weight.form());
}

Tensor materialize_rows(const Weight& weight, int64_t begin, int64_t end) {
  check_rows(shape_of(weight), begin, end);
  return std::visit(Overloaded{
                        [&](const Dense& form) { return dense_rows(form.values, begin, end); },
                        [&](const Masked& form) { return dense_rows(form.values, begin, end); },
                        [&](const LowRank& form) {
                          return multiply(materialize_rows(*form.left, begin, end), materialize(*form.right));
                        },
                        [&](const Quantized& form) { return decoded_rows(form, begin, end); },
                    },
                    weight.form());
}

int64_t num_parameters(const Weight& weight) {
  return std::visit(Overloaded{
                        [](const Dense& form) { return form.values.numel(); },
                        [](const Masked& form) { return count_ones(form.mask); },
                        [](const LowRank& form) { return num_parameters(*form.left) + num_parameters(*form.right); },
                        [](const Quantized& form) { return num_elements(form.shape); },
                    },
                    weight.form());
}

int64_t stored_bytes(const Weight& weight) {
  const auto bytes = [](const Tensor& tensor) { return static_cast<int64_t>(tensor.bytes().size()); };
  return std::visit(Overloaded{
                        [&](const Dense& form) { return bytes(form.values); },
                        [&](const Masked& form) {
                          return bytes(form.mask) +
                                 count_ones(form.mask) * static_cast<int64_t>(size_of(form.values.dtype()));
                        },
                        [](const LowRank& form) { return stored_bytes(*form.left) + stored_bytes(*form.right); },
                        [&](const Quantized& form) { return bytes(form.codes) + bytes(form.scales); },
                    },
                    weight.form());
}

int64_t macs_per_row(const Weight& weight) {
  if (shape_of(weight).size() != 2) return 0;
  if (const auto* low_rank = weight.as<LowRank>()) {
    return macs_per_row(*low_rank->left) + macs_per_row(*low_rank->right);
  }
  return num_parameters(weight);
}

double sparsity_of(const Weight& weight) {
  return std::visit(
      Overloaded{
          [](const Dense& form) {
            const int64_t count = form.values.numel();
            return count == 0 ? 0.0 : static_cast<double>(zeros_in(form.values)) / static_cast<double>(count);
          },
          [](const Masked& form) {
            const int64_t count = form.values.numel();
            return count == 0 ? 0.0 : 1.0 - static_cast<double>(count_ones(form.mask)) / static_cast<double>(count);
          },
          [](const LowRank& form) {
            // Of the scalars that are stored: the product itself has no zeros of its own.
            const double left = static_cast<double>(num_elements(shape_of(*form.left)));
            const double right = static_cast<double>(num_elements(shape_of(*form.right)));
            const double zeros = sparsity_of(*form.left) * left + sparsity_of(*form.right) * right;
            return left + right == 0 ? 0.0 : zeros / (left + right);
          },
          [](const Quantized& form) {
            const Tensor codes = unpacked_codes(form);
            const auto values = codes.values<int8_t>();
            if (values.empty()) return 0.0;
            const auto zeros = std::count(values.begin(), values.end(), int8_t{0});
            return static_cast<double>(zeros) / static_cast<double>(values.size());
          },
      },
      weight.form());
}

Weight select(const Weight& weight, int64_t axis, const std::vector<int64_t>& keep) {
  return std::visit(
      Overloaded{
          [&](const Dense& form) { return Weight(Dense{select(form.values, axis, keep)}); },
          [&](const Masked& form) {
            const std::vector<bool> flags = keep_flags(form);
            const Tensor as_bytes = Tensor::from(form.values.shape(), std::vector<uint8_t>(flags.begin(), flags.end()));
            const Tensor kept = select(as_bytes, axis, keep);
            const auto chosen = kept.values<uint8_t>();
            return make_masked(select(form.values, axis, keep), std::vector<bool>(chosen.begin(), chosen.end()));
          },
          [&](const LowRank& form) {
            if (axis == 0) return Weight(LowRank{share(select(*form.left, 0, keep)), form.right});
            return Weight(LowRank{form.left, share(select(*form.right, 1, keep))});
          },
          [&](const Quantized& form) { return Weight(select_quantized(form, axis, keep)); },
      },
      weight.form());
}

bool bit_equal(const Weight& a, const Weight& b) {
  if (a.form().index() != b.form().index()) return false;
  return std::visit(Overloaded{
                        [&](const Dense& form) { return bit_equal(form.values, b.as<Dense>()->values); },
                        [&](const Masked& form) {
                          const auto* other = b.as<Masked>();
                          return bit_equal(form.values, other->values) && bit_equal(form.mask, other->mask);
                        },
                        [&](const LowRank& form) {
                          const auto* other = b.as<LowRank>();
                          return bit_equal(*form.left, *other->left) && bit_equal(*form.right, *other->right);
                        },
                        [&](const Quantized& form) {
                          const auto* other = b.as<Quantized>();
                          return form.shape == other->shape && form.bits == other->bits &&
                                 form.activations == other->activations && bit_equal(form.codes, other->codes) &&
                                 bit_equal(form.scales, other->scales);
                        },
                    },
                    a.form());
}

}  // namespace espalier
