#pragma once
// Tensors as plain bytes: what the torch-free rooms exchange. No arithmetic lives here.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class DType : uint8_t { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool };

size_t size_of(DType dtype);
std::string_view to_string(DType dtype);  // "F32", as safetensors spells it
// Unknown names give false.
bool dtype_from_string(std::string_view name, DType& dtype);
bool is_floating(DType dtype);

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<double>() {
  return DType::F64;
}
template <>
constexpr DType dtype_of<float>() {
  return DType::F32;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::I64;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::I32;
}
template <>
constexpr DType dtype_of<int16_t>() {
  return DType::I16;
}
template <>
constexpr DType dtype_of<int8_t>() {
  return DType::I8;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::U8;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::Bool;
}

using Shape = std::vector<int64_t>;
int64_t num_elements(const Shape& shape);
std::string to_string(const Shape& shape);  // "[30522, 384]"

// IEEE half and bfloat16 to float and back (round to nearest even).
float float_from_half(uint16_t bits);
uint16_t half_from_float(float value);
float float_from_bfloat16(uint16_t bits);
uint16_t bfloat16_from_float(float value);

// An immutable array, row-major and contiguous. Copies share the bytes. The bytes are owned or belong to a mapped
// file that the tensor keeps open. Any thread may read.
class Tensor {
 public:
  Tensor() = default;
  // Bytes that `keeper` keeps alive. `data` must hold num_elements(shape) * size_of(dtype) bytes.
  Tensor(DType dtype, Shape shape, std::span<const std::byte> data, std::shared_ptr<const void> keeper);

  // A tensor that owns `values`; values.size() must be the product of the shape.
  template <typename T>
  static Tensor from(Shape shape, std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Tensor(dtype_of<T>(), std::move(shape), std::as_bytes(std::span(*owner)), owner);
  }

  bool defined() const { return keeper_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t dim() const { return static_cast<int64_t>(shape_.size()); }
  int64_t size(int64_t axis) const { return shape_[static_cast<size_t>(axis)]; }
  int64_t numel() const { return num_elements(shape_); }
  std::span<const std::byte> bytes() const { return data_; }

  // The elements in place; T must be the element type (asserted).
  template <typename T>
  std::span<const T> values() const {
    check_dtype(dtype_of<T>());
    return {reinterpret_cast<const T*>(data_.data()), static_cast<size_t>(numel())};
  }
  // One element of any type, as double; 0 <= index < numel(). Slow: for showing, not for loops over everything.
  double value_at(int64_t index) const;

  // The elements as float32; this very tensor when it already is.
  Tensor to_float32() const;
  // Another element type (F32, F16, BF16, F64 only).
  Tensor to(DType dtype) const;
  // Elements [begin, begin + out.size()) converted to float32, without converting the rest.
  void read_float32(int64_t begin, std::span<float> out) const;
  // Another shape over the same bytes; the element count must agree.
  Tensor reshaped(Shape shape) const;

 private:
  void check_dtype(DType wanted) const;

  DType dtype_ = DType::F32;
  Shape shape_;
  std::span<const std::byte> data_;
  std::shared_ptr<const void> keeper_;
};

// True when dtype, shape and every byte agree.
bool bit_equal(const Tensor& a, const Tensor& b);

// Gives rows (axis 0) or columns (axis 1) of a matrix, or elements of a vector, in the order of `keep`.
Tensor select(const Tensor& tensor, int64_t axis, const std::vector<int64_t>& keep);

}  // namespace espalier
