#include "export/onnx_linear.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier::onnx_writer {

namespace {

// (rows, columns) as (columns, rows): what MatMul takes on its right.
template <typename T>
Tensor turned(const Tensor& matrix) {
  const int64_t rows = matrix.size(0), columns = matrix.size(1);
  const std::span<const T> from = matrix.values<T>();
  std::vector<T> to(from.size());
  constexpr int64_t kBlock = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      for (int64_t r = r0; r < std::min(rows, r0 + kBlock); ++r) {
        for (int64_t c = c0; c < std::min(columns, c0 + kBlock); ++c) {
          to[static_cast<size_t>(c * rows + r)] = from[static_cast<size_t>(r * columns + c)];
        }
      }
    }
  }
  return Tensor::from(Shape{columns, rows}, std::move(to));
}

// Scales of the outputs of a linear: one, or one a row.
Tensor scales_of(const Quantized& weight) {
  return weight.scales.numel() == 1 ? weight.scales.reshaped({}) : weight.scales;
}

bool is_empty(const Weight& weight) { return num_elements(shape_of(weight)) == 0; }

}  // namespace

void Weights::note(const std::string& text) {
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
}

std::string Weights::shared_name(const std::string& slot) const {
  return model_.weights.slots_of(model_.weights.handle(slot)).front();
}

bool Weights::is_embedding_too(const std::string& slot) const {
  for (const std::string& other : model_.weights.slots_of(model_.weights.handle(slot))) {
    if (other.ends_with("embeddings.word.weight")) return true;
  }
  return false;
}

Name Weights::values(const std::string& slot) {
  return graph_.initializer(shared_name(slot), [&] { return materialize(model_.weight(slot)); });
}

Name Weights::linear(const std::string& module, const Name& x) {
  graph_.set_scope(module);
  const std::string slot = module + ".weight";
  const std::string bias = module + ".bias";
  const Weight& weight = model_.weight(slot);
  Name y;
  if (is_empty(weight)) {
    // Nothing left to read (or to give): zeros of the right shape, to which the bias is added.
    const Name rows = graph_.add("Slice", {graph_.add("Shape", {x}), graph_.constants({0}), graph_.constants({-1})});
    const Name shape = graph_.add("Concat", {rows, graph_.constants({shape_of(weight)[0]})}, {{"axis", int64_t{0}}});
    y = graph_.add("Expand", {graph_.constant(0.0F), shape});
  } else if (is_embedding_too(slot) && weight.as<Dense>() && form_ != OnnxForm::Int8 && form_ != OnnxForm::Qdq) {
    // A table that is also a linear is stored once, as the table; runtimes turn it over when they load it.
    const Name table = values(slot);
    if (!turned_.contains(table))
      turned_[table] = graph_.add("Transpose", {table}, {{"perm", std::vector<int64_t>{1, 0}}});
    y = graph_.add("MatMul", {x, turned_[table]});
  } else {
    y = multiply(weight, shared_name(slot), x);
  }
  return contains(bias) ? graph_.add("Add", {y, values(bias)}) : y;
}

Name Weights::multiply(const Weight& weight, const std::string& name, const Name& x) {
  if (const auto* low_rank = weight.as<LowRank>()) {
    return multiply(*low_rank->left, name + "/left", multiply(*low_rank->right, name + "/right", x));
  }
  const auto* quantized = weight.as<Quantized>();
  const bool all_codes = form_ == OnnxForm::Int8 || form_ == OnnxForm::Qdq;
  if (!all_codes && (form_ == OnnxForm::Float || !quantized || quantized->activations == ActivationRange::Float)) {
    return multiply_float(weight, name, x);
  }
  if (quantized) return multiply_codes(*quantized, name, x);
  const Weight made = quantize_symmetric(materialize(weight), 8, true, ActivationRange::PerToken);
  return multiply_codes(*made.as<Quantized>(), name, x);
}

Name Weights::multiply_float(const Weight& weight, const std::string& name, const Name& x) {
  if (weight.as<Masked>()) note("zeros of masked weights are stored as numbers");
  const auto* quantized = weight.as<Quantized>();
  if (quantized && form_ != OnnxForm::Float) {
    // The input stays float: codes that are decoded before the product.
    const Name codes = graph_.initializer(name + "/codes", [&] { return turned<int8_t>(unpacked_codes(*quantized)); });
    const Name scales = graph_.initializer(name + "/scales", [&] { return scales_of(*quantized); });
    const Name decoded = graph_.add("DequantizeLinear", {codes, scales}, {{"axis", int64_t{1}}});
    return graph_.add("MatMul", {x, decoded});
  }
  const Name w = graph_.initializer(name + "/transposed", [&] { return turned<float>(materialize(weight)); });
  return graph_.add("MatMul", {x, w});
}

Name Weights::multiply_codes(const Quantized& weight, const std::string& name, const Name& x) {
  if (weight.bits < 8) note(fmt::format("{}-bit codes are stored as 8-bit ones", weight.bits));
  note(
      "inputs of 8-bit products have one asymmetric range for the whole batch; the engine has one a token or sequence");
  const Name codes = graph_.initializer(name + "/codes", [&] { return turned<int8_t>(unpacked_codes(weight)); });
  const Name scales = graph_.initializer(name + "/scales", [&] { return scales_of(weight); });
  const Codes input = quantized(x);
  if (form_ == OnnxForm::Qdq) {
    const Name left = graph_.add("DequantizeLinear", {input.codes, input.scale, input.zero_point});
    const Name right = graph_.add("DequantizeLinear", {codes, scales}, {{"axis", int64_t{1}}});
    return graph_.add("MatMul", {left, right});
  }
  const Name zero = graph_.initializer("zero/int8", [] { return Tensor::from(Shape{}, std::vector<int8_t>{0}); });
  const Name sums = graph_.add("MatMulInteger", {input.codes, codes, input.zero_point, zero});
  const Name floats = graph_.add("Cast", {sums}, {{"to", int64_t{1}}});
  return graph_.add("Mul", {floats, graph_.add("Mul", {input.scale, scales})});
}

const Weights::Codes& Weights::quantized(const Name& x) {
  const auto found = codes_of_.find(x);
  if (found != codes_of_.end()) return found->second;
  const std::vector<Name> made = graph_.add("DynamicQuantizeLinear", {x}, 3);
  return codes_of_[x] = {made[0], made[1], made[2]};
}

Name Weights::rows(const std::string& slot, const Name& ids) {
  return rows_of(model_.weight(slot), shared_name(slot), ids);
}

Name Weights::rows_of(const Weight& weight, const std::string& name, const Name& ids) {
  if (const auto* low_rank = weight.as<LowRank>()) {
    const Name between = rows_of(*low_rank->left, name + "/left", ids);
    const Name right = graph_.initializer(name + "/right", [&] { return materialize(*low_rank->right); });
    return graph_.add("MatMul", {between, right});
  }
  const auto* quantized = weight.as<Quantized>();
  if (!quantized || form_ == OnnxForm::Float) {
    return graph_.add("Gather", {graph_.initializer(name, [&] { return materialize(weight); }), ids});
  }
  const Name codes = graph_.initializer(name + "/rows", [&] { return unpacked_codes(*quantized); });
  const Name picked = graph_.add("Cast", {graph_.add("Gather", {codes, ids})}, {{"to", int64_t{1}}});
  const Name scales = graph_.initializer(name + "/row_scales", [&] {
    const bool one = quantized->scales.numel() == 1;
    return quantized->scales.reshaped(one ? Shape{} : Shape{quantized->shape[0], 1});
  });
  const Name scale = quantized->scales.numel() == 1 ? scales : graph_.add("Gather", {scales, ids});
  return graph_.add("Mul", {picked, scale});
}

}  // namespace espalier::onnx_writer
