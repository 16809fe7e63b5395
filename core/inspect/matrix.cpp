#include "inspect/matrix.h"

#include <algorithm>

#include "base/error.h"

namespace espalier {

Matrix::Matrix(WeightPtr weight) : weight_(std::move(weight)) {
  if (weight_ == nullptr) throw Error(ErrorKind::InvalidInput, "there is no weight to look at");
  if (const Dense* dense = weight_->as<Dense>()) tensor_ = dense->values;
  set_shape(shape_of(*weight_));
}

Matrix::Matrix(Tensor tensor) : Matrix(share(Weight(Dense{std::move(tensor)}))) {}

void Matrix::set_shape(const Shape& shape) {
  const int64_t count = num_elements(shape);
  if (count <= 0 || (tensor_.defined() && !is_floating(tensor_.dtype()))) {
    throw Error(ErrorKind::InvalidInput, ErrorParts{"cannot look at this weight as a matrix", "", to_string(shape),
                                                    "at least one floating-point value", ""});
  }
  rows_ = shape.size() < 2 ? 1 : shape.front();
  cols_ = count / rows_;
}

void Matrix::read(int64_t row, int64_t col, std::span<float> out) const {
  if (tensor_.defined()) {
    tensor_.read_float32(row * cols_ + col, out);
    return;
  }
  const Tensor decoded = rows_ == 1 ? materialize(*weight_) : materialize_rows(*weight_, row, row + 1);
  decoded.read_float32(col, out);
}

void Matrix::read_rows(int64_t begin, int64_t end, std::span<float> out) const {
  if (tensor_.defined()) {
    tensor_.read_float32(begin * cols_, out);
    return;
  }
  const Tensor decoded = rows_ == 1 ? materialize(*weight_) : materialize_rows(*weight_, begin, end);
  decoded.read_float32(0, out);
}

double Matrix::value(int64_t row, int64_t col) const {
  if (tensor_.defined()) return tensor_.value_at(row * cols_ + col);
  float value = 0;
  read(row, col, std::span(&value, 1));
  return value;
}

}  // namespace espalier
