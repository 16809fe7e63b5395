#pragma once
// The forms in which a weight may be stored. A form is plain data; who multiplies by it (network, engine) visits the
// variant, so that a new form fails to compile wherever it is not handled. Forms nest through shared pointers: a
// low-rank factor may itself be quantized. Weights are immutable; a compressor reads one and writes another.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/tensor.h"

namespace espalier {

class Weight;
using WeightPtr = std::shared_ptr<const Weight>;

// Every value, in F32, F16, BF16 or F64.
struct Dense {
  Tensor values;
};

// Zeros that stay zero. `values` holds zeros where the mask is 0.
struct Masked {
  Tensor values;  // F32, full shape
  Tensor mask;    // U8, one bit an element in row-major order, least significant bit first, ceil(n / 8) bytes
};

// left * right: y = left (right x). left (out, rank), right (rank, in).
struct LowRank {
  WeightPtr left;
  WeightPtr right;
};

// How a linear with integer weights sees its input (Zafrir 2019 dynamic mode, range = current max abs).
enum class ActivationRange {
  Float,        // input stays float; weights are decoded
  PerSequence,  // one 8-bit range for all tokens of a sequence: the paper's tensor range at batch 1
  PerToken,     // one 8-bit range a token
};

// Symmetric linear codes: value = code * scale, code in [-(2^(bits-1)-1), 2^(bits-1)-1].
struct Quantized {
  Shape shape;
  int bits = 8;   // 2..8
  Tensor codes;   // I8 of `shape` at 8 bits; below, U8: codes + 2^(bits-1) packed without padding, LSB first
  Tensor scales;  // F32: (1) for the whole tensor, or (rows)
  ActivationRange activations = ActivationRange::PerToken;
};

class Weight {
 public:
  using Form = std::variant<Dense, Masked, LowRank, Quantized>;

  Weight() = default;
  Weight(Form form) : form_(std::move(form)) {}  // NOLINT: a form is a weight
  template <typename T>
  requires(!std::is_same_v<std::decay_t<T>, Weight> && !std::is_same_v<std::decay_t<T>, Form>) Weight(T form)
      : form_(std::move(form)) {}  // NOLINT

  const Form& form() const { return form_; }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&form_);
  }

 private:
  Form form_;
};

WeightPtr share(Weight weight);

Shape shape_of(const Weight& weight);
// "dense F32", "low rank 64 (dense F32, dense F32)", "8-bit codes per row": for people.
std::string describe(const Weight& weight);

// The dense float32 values that the form stands for: the reference meaning of every form.
Tensor materialize(const Weight& weight);
// The same element type and bytes for rows [begin, end) of a matrix only, without decoding the rest.
Tensor materialize_rows(const Weight& weight, int64_t begin, int64_t end);

// Scalars that are kept: nnz for Masked, factors for LowRank, codes for Quantized (scales not counted).
int64_t num_parameters(const Weight& weight);
// Bytes that the form needs in a file, metadata such as scales and masks included, JSON and alignment not.
int64_t stored_bytes(const Weight& weight);
// Multiply-accumulates for one input row.
int64_t macs_per_row(const Weight& weight);
// Share of exact zeros, 0..1.
double sparsity_of(const Weight& weight);

// Builds Masked from dense float32 values and a keep flag an element; Dense when everything is kept.
Weight make_masked(const Tensor& values, const std::vector<bool>& keep);
std::vector<bool> keep_flags(const Masked& masked);

// Symmetric quantization by round to nearest of values / scale, clamped (methods: linear-quantization, q8bert).
// per_row: one scale a row, else one for the tensor. bits 2..8. An all-zero range gets scale 1.
Weight quantize_symmetric(const Tensor& values, int bits, bool per_row, ActivationRange activations);
// Codes unpacked to one I8 an element.
Tensor unpacked_codes(const Quantized& quantized);

// Rows (axis 0) or columns (axis 1) of a matrix or elements of a vector in the order of `keep`, form kept.
Weight select(const Weight& weight, int64_t axis, const std::vector<int64_t>& keep);

bool bit_equal(const Weight& a, const Weight& b);

}  // namespace espalier
