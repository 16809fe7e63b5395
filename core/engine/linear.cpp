#include "engine/linear.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/mapped_memory.h"
#include "engine/code_linear.h"
#include "engine/float_linear.h"
#include "engine/integer_linear.h"
#include "engine/sparse_linear.h"

namespace espalier {

namespace {

class LowRankLinear : public Linear {
 public:
  LowRankLinear(std::shared_ptr<const Linear> left, std::shared_ptr<const Linear> right)
      : left_(std::move(left)), right_(std::move(right)) {}

  void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
           kernels::Activation activation, float* y) const override {
    float* between = lane.factors;
    lane.factors += rows * right_->columns();
    right_->run(lane, x, first_row, rows, nullptr, kernels::Activation::None, between);
    left_->run(lane, between, first_row, rows, bias, activation, y);
    lane.factors = between;
  }

  int64_t depth() const override { return right_->depth(); }
  int64_t columns() const override { return left_->columns(); }
  int64_t resident_bytes() const override { return left_->resident_bytes() + right_->resident_bytes(); }
  std::string describe() const override {
    return fmt::format("low rank {} ({}; {})", right_->columns(), right_->describe(), left_->describe());
  }
  ProductCost cost() const override {
    const ProductCost left = left_->cost();
    const ProductCost right = right_->cost();
    return {left.float_macs + right.float_macs, left.int8_macs + right.int8_macs};
  }
  int64_t code_bytes() const override { return std::max(left_->code_bytes(), right_->code_bytes()); }
  int64_t factor_floats() const override {
    return right_->columns() + std::max(left_->factor_floats(), right_->factor_floats());
  }
  int64_t scratch_bytes() const override { return std::max(left_->scratch_bytes(), right_->scratch_bytes()); }
  bool needs_whole_sequences() const override {
    return left_->needs_whole_sequences() || right_->needs_whole_sequences();
  }

 private:
  std::shared_ptr<const Linear> left_;
  std::shared_ptr<const Linear> right_;
};

// One matrix of codes, or several with one input behind each other.
struct Codes {
  Tensor alone;                // as it is stored, when there is one
  std::vector<int8_t> joined;  // else
  std::vector<float> scales;   // (columns)

  std::span<const int8_t> values() const { return joined.empty() ? alone.values<int8_t>() : std::span(joined); }
};

Codes codes_of(const std::vector<const Weight*>& parts) {
  Codes codes;
  int64_t count = 0;
  for (const Weight* part : parts) count += num_elements(shape_of(*part));
  if (parts.size() > 1) codes.joined.reserve(static_cast<size_t>(count));
  for (const Weight* part : parts) {
    const auto& quantized = *part->as<Quantized>();
    codes.alone = unpacked_codes(quantized);
    if (parts.size() > 1) {
      const std::span<const int8_t> more = codes.alone.values<int8_t>();
      codes.joined.insert(codes.joined.end(), more.begin(), more.end());
    }
    const std::span<const float> scales = quantized.scales.values<float>();
    for (int64_t r = 0; r < quantized.shape[0]; ++r) {
      codes.scales.push_back(scales[scales.size() == 1 ? 0 : static_cast<size_t>(r)]);
    }
  }
  return codes;
}

// (columns, rows) of a (rows, columns) matrix.
template <typename T>
std::vector<T> turned(std::span<const T> values, int64_t rows, int64_t columns) {
  std::vector<T> result(values.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      result[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * columns + c)];
    }
  }
  return result;
}

SparseChoice choice_of(const Weight& weight) {
  const Tensor values = materialize(weight);
  return choose_product(values.values<float>(), values.size(1), values.size(0));
}

// A weight that is packed is hardly read again, and its pages would stand beside the packed form.
void release_pages(const Weight& weight) {
  const auto release = [](const Tensor& tensor) { release_mapped_pages(tensor.bytes().data(), tensor.bytes().size()); };
  if (const auto* dense = weight.as<Dense>()) release(dense->values);
  if (const auto* quantized = weight.as<Quantized>()) release(quantized->codes);
  if (const auto* low_rank = weight.as<LowRank>()) {
    release_pages(*low_rank->left);
    release_pages(*low_rank->right);
  }
}

// Whether weights with one input may be multiplied as one.
bool may_join(const Weight& a, const Weight& b) {
  if (a.as<LowRank>() || b.as<LowRank>()) return false;
  const auto* codes = a.as<Quantized>();
  const auto* others = b.as<Quantized>();
  if (codes && others) return codes->bits == others->bits && codes->activations == others->activations;
  return !codes && !others && choice_of(a).band == choice_of(b).band;
}

std::vector<WeightHandle> handles_of(const WeightTable& weights, const std::vector<std::string>& slots) {
  std::vector<WeightHandle> handles;
  handles.reserve(slots.size());
  for (const std::string& slot : slots) handles.push_back(weights.handle(slot));
  return handles;
}

}  // namespace

void fill_with_bias(int64_t rows, int64_t columns, const float* bias, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    if (bias) {
      std::copy_n(bias, columns, y + r * columns);
    } else {
      std::fill_n(y + r * columns, columns, 0.0F);
    }
  }
}

std::shared_ptr<const Linear> LinearFactory::single(const WeightTable& weights, const std::string& slot) {
  return joined(weights, {slot});
}

void LinearFactory::adopt(const WeightTable& weights, const std::vector<std::string>& slots,
                          std::shared_ptr<const Linear> linear) {
  made_[handles_of(weights, slots)] = std::move(linear);
}

std::shared_ptr<const Linear> LinearFactory::joined(const WeightTable& weights, const std::vector<std::string>& slots) {
  const std::vector<WeightHandle> handles = handles_of(weights, slots);
  if (const auto found = made_.find(handles); found != made_.end()) return found->second;
  std::vector<const Weight*> parts;
  for (const std::string& slot : slots) {
    parts.push_back(&weights.at(slot));
    if (parts.size() > 1 && !may_join(*parts.front(), *parts.back())) return nullptr;
  }
  auto made = make(parts);
  for (const Weight* part : parts) release_pages(*part);
  return made_[handles] = std::move(made);
}

std::shared_ptr<const Linear> LinearFactory::make(const std::vector<const Weight*>& parts) {
  const Weight& first = *parts.front();
  if (const auto* low_rank = first.as<LowRank>()) {
    return std::make_shared<LowRankLinear>(make({low_rank->left.get()}), make({low_rank->right.get()}));
  }
  const int64_t depth = shape_of(first)[1];
  if (const auto* quantized = first.as<Quantized>()) {
    Codes codes = codes_of(parts);
    if (quantized->activations == ActivationRange::Float) {
      return std::make_shared<CodeLinear>(kernels_, codes.values(), depth, std::move(codes.scales), quantized->bits);
    }
    onednn::Packer* packer = use_library_ && !kernels_.multiply_int8 ? &packer_ : nullptr;
    return std::make_shared<IntegerLinear>(kernels_, packer, codes.values(), depth, std::move(codes.scales),
                                           quantized->bits, quantized->activations);
  }
  return make_float(parts);
}

std::shared_ptr<const Linear> LinearFactory::make_float(const std::vector<const Weight*>& parts) {
  Tensor values = materialize(*parts.front());
  if (parts.size() > 1) {
    std::vector<float> floats;
    int64_t columns = 0;
    for (const Weight* part : parts) {
      const Tensor more = materialize(*part);
      columns += more.size(0);
      floats.insert(floats.end(), more.values<float>().begin(), more.values<float>().end());
    }
    values = Tensor::from(Shape{columns, values.size(1)}, std::move(floats));
  }
  return product_of(values,
                    std::any_of(parts.begin(), parts.end(), [](const Weight* part) { return part->as<Masked>(); }));
}

std::shared_ptr<const Linear> LinearFactory::product_of(const Tensor& w, bool masked) {
  const SparseChoice choice = choose_product(w.values<float>(), w.size(1), w.size(0));
  if (choice.band > 0) {
    return std::make_shared<SparseLinear>(kernels_, w.values<float>(), w.size(1), w.size(0), choice);
  }
  return std::make_shared<FloatLinear>(
      kernels_, use_library_ ? &packer_ : nullptr, w,
      masked ? fmt::format("float32, masked ({:.3g} % kept: dense is faster)", 100 * choice.density) : "float32");
}

std::shared_ptr<const Linear> LinearFactory::transposed(const Weight& right) {
  const int64_t depth = shape_of(right)[0];
  const int64_t columns = shape_of(right)[1];
  if (const auto* quantized = right.as<Quantized>()) {
    const Tensor codes = unpacked_codes(*quantized);
    return std::make_shared<CodeLinear>(kernels_, turned(codes.values<int8_t>(), depth, columns), depth,
                                        std::vector<float>(static_cast<size_t>(columns), 1.0F), quantized->bits);
  }
  const Tensor values = materialize(right);
  return product_of(Tensor::from(Shape{columns, depth}, turned(values.values<float>(), depth, columns)),
                    right.as<Masked>() != nullptr);
}

}  // namespace espalier
