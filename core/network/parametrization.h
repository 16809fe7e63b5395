#pragma once
// What stands between a stored weight and the multiplication.

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>

#include "model/weight.h"
#include "network/placement.h"

namespace espalier {

// Stands between a stored weight and the multiplication while training: a mask, factors, a fake quantizer. An embedding
// table, a bias and a norm are parametrized like a linear.
class Parametrization {
 public:
  virtual ~Parametrization() = default;
  // The weight that is multiplied by, of the shape of the stored weight; differentiable in parameters().
  virtual at::Tensor effective() = 0;
  // What an optimizer changes, by a short name ("values", "left"): leaves that require a gradient. Empty when frozen.
  virtual std::map<std::string, at::Tensor> parameters() = 0;
  // Folds into a stored form; exact: logits before and after agree to the bit of the multiplication.
  virtual Weight finish() = 0;
  // y = x W^T + bias. x: (B, S, in) or (B, in); bias (out) or undefined. token_mask: (B, S), 1 for tokens and 0 for
  // padding, undefined when every row is a token. The default multiplies by effective().
  virtual at::Tensor linear(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& token_mask);
  // Rows of the weight as an embedding table: ids (B, S) int64 to (B, S, width). The default reads effective().
  virtual at::Tensor rows(const at::Tensor& ids);
  // Whether a row of linear() depends on that row of x alone, so that rows nobody needs may be left out.
  virtual bool rows_independent() const { return true; }
  // Whether linear() multiplies by effective() and does nothing else, so that a loop over steps may ask for it once.
  virtual bool multiplies_effective() const { return true; }
};

// How values are held.
struct ParametrizationOptions {
  Placement placement;
  // rows() of Dense values gives a sparse gradient: the rows that were looked up alone.
  bool sparse_rows = false;
};

// The natural parametrization of each stored form: Dense values; Masked values under a mask that stays (the gradient of
// a removed element is zero); LowRank as two nested ones; Quantized frozen, with the engine's 8-bit inputs emulated and
// a straight-through gradient for them; computed in 16 bits, dequantized and their inputs as they are; in Int8, codes
// multiplied as integers, and dequantized where libtorch cannot.
std::unique_ptr<Parametrization> make_parametrization(const Weight& weight, const ParametrizationOptions& options);

}  // namespace espalier
