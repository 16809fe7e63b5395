#pragma once
#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "model/weight.h"

namespace espalier {

// A weight or a tensor seen as a matrix of float32 that is decoded a block at a time, never whole. A vector of n values
// is one row of n; more than two axes are (first axis, all others). Copies share the bytes; any thread may read.
class Matrix {
 public:
  Matrix() = default;
  // Throws InvalidInput for an empty weight or a tensor without elements.
  explicit Matrix(WeightPtr weight);
  explicit Matrix(Tensor tensor);

  bool defined() const { return weight_ != nullptr; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

  // Columns [col, col + count) of one row; out.size() == count. Cheap for dense forms, decodes the row otherwise.
  void read(int64_t row, int64_t col, std::span<float> out) const;
  // Rows [begin, end), row-major; out.size() == (end - begin) * cols().
  void read_rows(int64_t begin, int64_t end, std::span<float> out) const;
  // One element.
  double value(int64_t row, int64_t col) const;
  // True when any part of a row can be read without decoding all of it.
  bool is_dense() const { return tensor_.defined(); }
  const WeightPtr& weight() const { return weight_; }

 private:
  void set_shape(const Shape& shape);

  WeightPtr weight_;
  Tensor tensor_;  // the values in place when the form is dense, else undefined
  int64_t rows_ = 0;
  int64_t cols_ = 0;
};

}  // namespace espalier
