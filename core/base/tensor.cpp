#include "base/tensor.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/half.h"

namespace espalier {
namespace {

struct DTypeInfo {
  std::string_view name;
  size_t size;
};

constexpr std::array<DTypeInfo, 10> kDTypes = {{{"F64", 8},
                                                {"F32", 4},
                                                {"F16", 2},
                                                {"BF16", 2},
                                                {"I64", 8},
                                                {"I32", 4},
                                                {"I16", 2},
                                                {"I8", 1},
                                                {"U8", 1},
                                                {"BOOL", 1}}};

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Calls `use` with a value of the C++ type that holds the elements; 16-bit floats are not among them.
template <typename Use>
void visit_plain(DType dtype, const Use& use) {
  switch (dtype) {
    case DType::F64:
      return use(double{});
    case DType::F32:
      return use(float{});
    case DType::I64:
      return use(int64_t{});
    case DType::I32:
      return use(int32_t{});
    case DType::I16:
      return use(int16_t{});
    case DType::I8:
      return use(int8_t{});
    case DType::U8:
    case DType::Bool:
      return use(uint8_t{});
    case DType::F16:
    case DType::BF16:
      break;
  }
  throw Error(ErrorKind::Internal, "a 16-bit float was read as a plain type");
}

template <typename T>
Tensor owned(DType dtype, Shape shape, std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return Tensor(dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner);
}

}  // namespace

size_t size_of(DType dtype) { return kDTypes.at(static_cast<size_t>(dtype)).size; }

std::string_view to_string(DType dtype) { return kDTypes.at(static_cast<size_t>(dtype)).name; }

bool dtype_from_string(std::string_view name, DType& dtype) {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (kDTypes[i].name != name) continue;
    dtype = static_cast<DType>(i);
    return true;
  }
  return false;
}

bool is_floating(DType dtype) {
  return dtype == DType::F64 || dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

int64_t num_elements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor::Tensor(DType dtype, Shape shape, std::span<const std::byte> data, std::shared_ptr<const void> keeper)
    : dtype_(dtype), shape_(std::move(shape)), data_(data), keeper_(std::move(keeper)) {
  const size_t wanted = static_cast<size_t>(num_elements(shape_)) * size_of(dtype_);
  if (data_.size() != wanted) {
    throw Error(ErrorKind::Internal,
                {"the bytes of a tensor do not fit its shape", std::string(to_string(dtype_)) + " " + to_string(shape_),
                 fmt::format("{} bytes", data_.size()), fmt::format("{} bytes", wanted), ""});
  }
}

double Tensor::value_at(int64_t index) const {
  if (index < 0 || index >= numel()) {
    throw Error(ErrorKind::Internal, {"an element outside the tensor was asked for", to_string(shape_),
                                      std::to_string(index), fmt::format("0 to {}", numel() - 1), ""});
  }
  const std::byte* at = data_.data() + static_cast<size_t>(index) * size_of(dtype_);
  if (dtype_ == DType::F16) return float_from_half(load<uint16_t>(at));
  if (dtype_ == DType::BF16) return float_from_bfloat16(load<uint16_t>(at));
  double value = 0;
  visit_plain(dtype_, [&](auto type) { value = static_cast<double>(load<decltype(type)>(at)); });
  return value;
}

void Tensor::read_float32(int64_t begin, std::span<float> out) const {
  if (begin < 0 || begin > numel() || static_cast<int64_t>(out.size()) > numel() - begin) {
    throw Error(ErrorKind::Internal,
                {"elements outside the tensor were asked for", to_string(shape_),
                 fmt::format("{} from {}", out.size(), begin), fmt::format("at most {}", numel()), ""});
  }
  if (out.empty()) return;
  const std::byte* from = data_.data() + static_cast<size_t>(begin) * size_of(dtype_);
  if (dtype_ == DType::F16) return floats_from_halves(from, out.data(), out.size());
  if (dtype_ == DType::BF16) return floats_from_bfloat16s(from, out.data(), out.size());
  if (dtype_ == DType::F32) {
    std::memcpy(out.data(), from, out.size_bytes());
    return;
  }
  visit_plain(dtype_, [&](auto type) {
    using T = decltype(type);
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(load<T>(from + i * sizeof(T)));
  });
}

Tensor Tensor::to_float32() const {
  if (dtype_ == DType::F32) return *this;
  std::vector<float> values(static_cast<size_t>(numel()));
  read_float32(0, values);
  return from(shape_, std::move(values));
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  if (!is_floating(dtype)) {
    throw Error(ErrorKind::Internal, {"tensors are converted to floating types only", "", std::string(to_string(dtype)),
                                      "F64, F32, F16 or BF16", ""});
  }
  if (dtype == DType::F32) return to_float32();
  const auto count = static_cast<size_t>(numel());
  if (dtype == DType::F64) {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = value_at(static_cast<int64_t>(i));
    return from(shape_, std::move(values));
  }
  const Tensor floats = to_float32();
  const auto source = floats.values<float>();
  std::vector<uint16_t> bits(count);
  if (dtype == DType::F16) {
    for (size_t i = 0; i < count; ++i) bits[i] = half_from_float(source[i]);
  } else {
    for (size_t i = 0; i < count; ++i) bits[i] = bfloat16_from_float(source[i]);
  }
  return owned(dtype, shape_, std::move(bits));
}

Tensor Tensor::reshaped(Shape shape) const {
  Tensor other(dtype_, std::move(shape), data_, keeper_);
  return other;
}

void Tensor::check_dtype(DType wanted) const {
  if (dtype_ == wanted) return;
  throw Error(ErrorKind::Internal, {"a tensor was read as another type", to_string(shape_),
                                    std::string(to_string(wanted)), std::string(to_string(dtype_)), ""});
}

bool bit_equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape() || a.bytes().size() != b.bytes().size()) return false;
  return a.bytes().empty() || a.bytes().data() == b.bytes().data() ||
         std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

Tensor select(const Tensor& tensor, int64_t axis, const std::vector<int64_t>& keep) {
  if (axis < 0 || axis >= tensor.dim() || axis > 1) {
    throw Error(ErrorKind::Internal, {"a tensor has no such axis to select from", to_string(tensor.shape()),
                                      std::to_string(axis), "0 or 1", ""});
  }
  const int64_t length = tensor.size(axis);
  for (const int64_t index : keep) {
    if (index < 0 || index >= length) {
      throw Error(ErrorKind::Internal, {"an index to keep lies outside the axis", to_string(tensor.shape()),
                                        std::to_string(index), fmt::format("0 to {}", length - 1), ""});
    }
  }
  Shape shape = tensor.shape();
  shape[static_cast<size_t>(axis)] = static_cast<int64_t>(keep.size());
  size_t inner = size_of(tensor.dtype());  // bytes that one index moves
  for (int64_t i = axis + 1; i < tensor.dim(); ++i) inner *= static_cast<size_t>(tensor.size(i));
  const size_t outer = axis == 0 ? 1 : static_cast<size_t>(tensor.size(0));
  std::vector<std::byte> bytes(outer * keep.size() * inner);
  if (!bytes.empty()) {
    std::byte* to = bytes.data();
    for (size_t row = 0; row < outer; ++row) {
      const std::byte* from = tensor.bytes().data() + row * static_cast<size_t>(length) * inner;
      for (const int64_t index : keep) {
        std::memcpy(to, from + static_cast<size_t>(index) * inner, inner);
        to += inner;
      }
    }
  }
  return owned(tensor.dtype(), std::move(shape), std::move(bytes));
}

}  // namespace espalier
