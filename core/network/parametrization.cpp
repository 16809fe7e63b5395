// The natural parametrization of each stored form of a weight.

#include "network/parametrization.h"

#include <ATen/ATen.h>

#include "base/error.h"
#include "network/integer_product.h"
#include "network/linear_product.h"
#include "network/network.h"
#include "network/scalar_type.h"

namespace espalier {
namespace {

at::Tensor place(const at::Tensor& tensor, const ParametrizationOptions& options) {
  return tensor.to(at::Device(options.placement.device), scalar_type_of(options.placement));
}

// The plain float32 tensor of a parameter.
Tensor plain_float32(const at::Tensor& values) { return from_torch(values.detach().to(at::kFloat)); }

class DenseParametrization : public Parametrization {
 public:
  DenseParametrization(const Weight& weight, const ParametrizationOptions& options)
      : original_(weight),
        values_(place(to_torch(weight.as<Dense>()->values), options).requires_grad_(true)),
        sparse_rows_(options.sparse_rows) {}

  at::Tensor effective() override { return values_; }
  at::Tensor rows(const at::Tensor& ids) override { return at::embedding(values_, ids, -1, false, sparse_rows_); }
  std::map<std::string, at::Tensor> parameters() override { return {{"values", values_}}; }
  Weight finish() override {
    const Tensor& before = original_.as<Dense>()->values;
    const Tensor now = values_.scalar_type() == at::kDouble && before.dtype() == DType::F64 ? from_torch(values_)
                                                                                            : plain_float32(values_);
    // An untouched half-precision weight stays one: rounding it up to float32 would double its bytes for nothing.
    if (bit_equal(now.to_float32(), before.to_float32())) return original_;
    return Dense{now};
  }

 private:
  Weight original_;
  at::Tensor values_;
  bool sparse_rows_;
};

class MaskedParametrization : public Parametrization {
 public:
  MaskedParametrization(const Weight& weight, const ParametrizationOptions& options)
      : original_(weight), values_(place(to_torch(weight.as<Masked>()->values), options).requires_grad_(true)) {
    const std::vector<bool> keep = keep_flags(*weight.as<Masked>());
    at::Tensor mask = at::empty(values_.sizes(), at::kFloat);
    std::copy(keep.begin(), keep.end(), mask.data_ptr<float>());
    mask_ = place(mask, options);
  }

  at::Tensor effective() override { return values_ * mask_; }
  std::map<std::string, at::Tensor> parameters() override { return {{"values", values_}}; }
  Weight finish() override {
    const Tensor now = plain_float32(values_.detach() * mask_);
    if (bit_equal(now, original_.as<Masked>()->values)) return original_;
    return Masked{now, original_.as<Masked>()->mask};
  }

 private:
  Weight original_;
  at::Tensor values_;
  at::Tensor mask_;
};

class LowRankParametrization : public Parametrization {
 public:
  LowRankParametrization(const Weight& weight, const ParametrizationOptions& options)
      : left_(make_parametrization(*weight.as<LowRank>()->left, options)),
        right_(make_parametrization(*weight.as<LowRank>()->right, options)) {}

  at::Tensor effective() override { return at::matmul(left_->effective(), right_->effective()); }
  std::map<std::string, at::Tensor> parameters() override {
    std::map<std::string, at::Tensor> all;
    add(all, "left", *left_);
    add(all, "right", *right_);
    return all;
  }
  Weight finish() override { return LowRank{share(left_->finish()), share(right_->finish())}; }
  at::Tensor linear(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& token_mask) override {
    return left_->linear(right_->linear(x, {}, token_mask), bias, token_mask);
  }
  at::Tensor rows(const at::Tensor& ids) override { return at::matmul(left_->rows(ids), right_->effective()); }
  // A step costs less by the factors.
  bool multiplies_effective() const override { return false; }
  bool rows_independent() const override { return left_->rows_independent() && right_->rows_independent(); }

 private:
  static void add(std::map<std::string, at::Tensor>& all, const std::string& side, Parametrization& part) {
    for (const auto& [name, tensor] : part.parameters()) all[name == "values" ? side : side + "." + name] = tensor;
  }

  std::unique_ptr<Parametrization> left_;
  std::unique_ptr<Parametrization> right_;
};

// Largest magnitude of each token, (..., 1), or of each sequence without its padding, (B, 1, 1). 1 where all is zero.
at::Tensor input_range(const at::Tensor& x, const at::Tensor& token_mask, ActivationRange activations) {
  at::Tensor range = x.abs().amax(-1, true);
  if (activations == ActivationRange::PerSequence && x.dim() == 3) {
    if (token_mask.defined()) range = range * token_mask.unsqueeze(-1).to(range.scalar_type());
    range = range.amax(1, true);
  }
  return at::where(range > 0, range, at::ones_like(range));
}

class QuantizedParametrization : public Parametrization {
 public:
  QuantizedParametrization(const Weight& weight, const ParametrizationOptions& options)
      : original_(weight), activations_(weight.as<Quantized>()->activations) {
    const auto& quantized = *weight.as<Quantized>();
    codes_ = place(to_torch(unpacked_codes(quantized)).view(quantized.shape), options);
    scales_ = place(to_torch(quantized.scales), options);
  }

  at::Tensor effective() override {
    if (scales_.numel() == 1) return codes_ * scales_;
    std::vector<int64_t> column(static_cast<size_t>(codes_.dim()), 1);
    column[0] = scales_.numel();
    return codes_ * scales_.view(column);
  }
  std::map<std::string, at::Tensor> parameters() override { return {}; }
  Weight finish() override { return original_; }

  // As the engine does it: input codes round(x * 127 / maxabs) with halves to even, integer products, then one
  // multiplication by both scales. The rounding passes gradients straight through (Bengio 2013).
  at::Tensor linear(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& token_mask) override {
    if (activations_ == ActivationRange::Float) return linear_product(x, effective(), bias);
    const at::Tensor range = input_range(x.detach(), token_mask, activations_);
    const at::Tensor inverse = 127.0 / range;
    at::Tensor codes = x * inverse;
    codes = codes + (at::clamp(at::round(codes.detach()), -127, 127) - codes.detach());
    const at::Tensor product = at::linear(codes, codes_) * (range / 127.0 * scales_);
    return bias.defined() ? product + bias : product;
  }

  at::Tensor rows(const at::Tensor& ids) override {
    const at::Tensor picked = at::embedding(codes_, ids);
    if (scales_.numel() == 1) return picked * scales_;
    return picked * at::embedding(scales_.view({-1, 1}), ids);
  }

  bool multiplies_effective() const override { return activations_ == ActivationRange::Float; }
  bool rows_independent() const override { return activations_ != ActivationRange::PerSequence; }

 private:
  Weight original_;
  ActivationRange activations_;
  at::Tensor codes_;   // of the weight's shape, whole numbers
  at::Tensor scales_;  // (1) or (rows)
};

// Codes as the numbers that they stand for, inputs unquantized: sums of products of codes are too long for 16 bits.
class DequantizedParametrization : public Parametrization {
 public:
  DequantizedParametrization(const Weight& weight, const ParametrizationOptions& options)
      : original_(weight), values_(place(to_torch(materialize(weight)), options)) {}

  at::Tensor effective() override { return values_; }
  std::map<std::string, at::Tensor> parameters() override { return {}; }
  Weight finish() override { return original_; }

 private:
  Weight original_;
  at::Tensor values_;
};

// Codes of weight and input multiplied as integers, as the engine does it; the result in the input's own numbers. For
// inference.
class IntegerParametrization : public Parametrization {
 public:
  static bool fits(const Quantized& quantized) {
    return quantized.activations != ActivationRange::Float && quantized.shape.size() == 2 &&
           multiplies_integers(quantized.shape[0], quantized.shape[1]);
  }

  IntegerParametrization(const Weight& weight, const ParametrizationOptions& options)
      : original_(weight), activations_(weight.as<Quantized>()->activations) {
    const at::Device device(options.placement.device);
    const auto& quantized = *weight.as<Quantized>();
    codes_ = to_torch(unpacked_codes(quantized)).view(quantized.shape).to(device, at::kChar);
    scales_ = to_torch(quantized.scales).to(device, at::kFloat);
    numbers_ = scalar_type_of(options.placement);
  }

  at::Tensor effective() override { return (codes_ * scales_.view({-1, 1})).to(numbers_); }
  std::map<std::string, at::Tensor> parameters() override { return {}; }
  Weight finish() override { return original_; }

  at::Tensor linear(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& token_mask) override {
    const at::Tensor values = x.to(at::kFloat);
    const at::Tensor range = input_range(values, token_mask, activations_);
    const at::Tensor codes = at::clamp(at::round(values * (127.0 / range)), -127, 127).to(at::kChar);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = codes_.size(0);
    const at::Tensor sums = integer_product(codes.view({-1, codes_.size(1)}), codes_).view(shape);
    const at::Tensor product = sums * (range / 127.0 * scales_);
    return (bias.defined() ? product + bias : product).to(numbers_);
  }
  at::Tensor rows(const at::Tensor& ids) override {
    const at::Tensor picked =
        at::embedding(codes_, ids) * (scales_.numel() == 1 ? scales_ : at::embedding(scales_.view({-1, 1}), ids));
    return picked.to(numbers_);
  }

  bool multiplies_effective() const override { return false; }
  bool rows_independent() const override { return activations_ != ActivationRange::PerSequence; }

 private:
  Weight original_;
  ActivationRange activations_;
  at::Tensor codes_;   // (out, in) int8
  at::Tensor scales_;  // (1) or (out) float32
  at::ScalarType numbers_ = at::kFloat;
};

}  // namespace

at::Tensor Parametrization::linear(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& /*token_mask*/) {
  return linear_product(x, effective(), bias);
}

at::Tensor Parametrization::rows(const at::Tensor& ids) { return at::embedding(effective(), ids); }

std::unique_ptr<Parametrization> make_parametrization(const Weight& weight, const ParametrizationOptions& options) {
  struct Maker {
    const Weight& weight;
    const ParametrizationOptions& options;
    std::unique_ptr<Parametrization> operator()(const Dense&) const {
      return std::make_unique<DenseParametrization>(weight, options);
    }
    std::unique_ptr<Parametrization> operator()(const Masked&) const {
      return std::make_unique<MaskedParametrization>(weight, options);
    }
    std::unique_ptr<Parametrization> operator()(const LowRank&) const {
      return std::make_unique<LowRankParametrization>(weight, options);
    }
    std::unique_ptr<Parametrization> operator()(const Quantized& quantized) const {
      if (options.placement.precision == Precision::Int8 && IntegerParametrization::fits(quantized)) {
        return std::make_unique<IntegerParametrization>(weight, options);
      }
      if (is_narrow(options.placement.precision)) return std::make_unique<DequantizedParametrization>(weight, options);
      return std::make_unique<QuantizedParametrization>(weight, options);
    }
  };
  return std::visit(Maker{weight, options}, weight.form());
}

}  // namespace espalier
