#include "model/weight_json.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "model/weight_bits.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 3> kActivationRanges = {"float", "per_sequence", "per_token"};

[[noreturn]] void fail(const std::string& what, const std::string& where, std::string got, std::string wanted) {
  throw Error(ErrorKind::Format, {what, where, std::move(got), std::move(wanted), ""});
}

std::string store(std::map<std::string, StoredTensor>& stored, const std::string& name, const Tensor& tensor) {
  StoredTensor& place = stored[name];
  place.info = {tensor.dtype(), tensor.shape()};
  place.make = [tensor] { return tensor; };
  return name;
}

Tensor take(const Json& json, const char* member, std::map<std::string, Tensor>& tensors, const std::string& where) {
  const auto name = json_get<std::string>(json, member, where);
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    fail(fmt::format("the tensor of \"{}\" is missing or used twice", member), where, name, "a tensor of its own");
  }
  Tensor tensor = std::move(found->second);
  tensors.erase(found);
  return tensor;
}

void require(const Tensor& tensor, DType dtype, const Shape& shape, const char* member, const std::string& where) {
  if (tensor.dtype() == dtype && tensor.shape() == shape) return;
  fail(fmt::format("the tensor of \"{}\" has the wrong type or shape", member), where,
       fmt::format("{} {}", to_string(tensor.dtype()), to_string(tensor.shape())),
       fmt::format("{} {}", to_string(dtype), to_string(shape)));
}

Shape shape_member(const Json& json, const std::string& where) {
  const Json list = json_get<Json>(json, "shape", where);
  if (!list.is_array() || list.empty() || list.size() > 2)
    fail("\"shape\" is not a shape", where, list.dump(), "[n] or [rows, columns]");
  Shape shape;
  for (const Json& size : list) {
    const bool fits = size.is_number_unsigned() && size.get<uint64_t>() < (uint64_t{1} << 31);
    if (!fits) fail("\"shape\" is not a shape", where, list.dump(), "whole numbers below 2^31");
    shape.push_back(size.get<int64_t>());
  }
  // Room for counting bits without overflow, and more than any file here will hold.
  if (num_elements(shape) > (int64_t{1} << 48))
    fail("\"shape\" is too large", where, list.dump(), "at most 2^48 elements");
  return shape;
}

// What a file holds must exist before room is made for it: a shape alone could ask for any amount of memory.
Weight masked_from_json(const Json& json, std::map<std::string, Tensor>& tensors, const std::string& where) {
  const Shape shape = shape_member(json, where);
  const int64_t count = num_elements(shape);
  const Tensor mask = take(json, "mask", tensors, where);
  require(mask, DType::U8, {(count + 7) / 8}, "mask", where);
  if (count % 8 != 0 && (mask.values<uint8_t>().back() >> (count % 8)) != 0) {
    fail("the mask has bits beyond the last element", where, "", "zeros there");
  }
  const Tensor kept = take(json, "values", tensors, where);
  require(kept, DType::F32, {count_ones(mask)}, "values", where);
  return Weight(masked_from_kept(shape, kept, mask));
}

Weight quantized_from_json(const Json& json, std::map<std::string, Tensor>& tensors, const std::string& where) {
  Quantized quantized;
  quantized.shape = shape_member(json, where);
  const Json bits = json_get<Json>(json, "bits", where);
  if (!bits.is_number_integer() || bits.get<int64_t>() < 2 || bits.get<int64_t>() > 8) {
    fail("\"bits\" is out of range", where, bits.dump(), "a whole number from 2 to 8");
  }
  quantized.bits = bits.get<int>();
  const auto range = json_get<std::string>(json, "activations", where);
  size_t number = 0;
  while (number < kActivationRanges.size() && kActivationRanges[number] != range) ++number;
  if (number == kActivationRanges.size()) {
    fail("\"activations\" is not known", where, range, fmt::format("one of {}", fmt::join(kActivationRanges, ", ")));
  }
  quantized.activations = static_cast<ActivationRange>(number);
  quantized.codes = take(json, "codes", tensors, where);
  if (quantized.bits == 8) {
    require(quantized.codes, DType::I8, quantized.shape, "codes", where);
  } else {
    const int64_t bytes = packed_bytes(num_elements(quantized.shape), quantized.bits);
    require(quantized.codes, DType::U8, {bytes}, "codes", where);
  }
  quantized.scales = take(json, "scales", tensors, where);
  const bool one = quantized.scales.shape() == Shape{1};
  require(quantized.scales, DType::F32, one ? Shape{1} : Shape{quantized.shape[0]}, "scales", where);
  for (const float scale : quantized.scales.values<float>()) {
    if (!std::isfinite(scale) || scale <= 0) {
      fail("a scale is not a positive number", where, fmt::format("{}", scale), "finite scales above 0");
    }
  }
  return Weight(std::move(quantized));
}

Weight low_rank_from_json(const Json& json, std::map<std::string, Tensor>& tensors, const std::string& where) {
  LowRank form;
  form.left = share(weight_from_json(json_get<Json>(json, "left", where), tensors, where + ", left"));
  form.right = share(weight_from_json(json_get<Json>(json, "right", where), tensors, where + ", right"));
  const Shape left = shape_of(*form.left);
  const Shape right = shape_of(*form.right);
  if (left.size() != 2 || right.size() != 2 || left[1] != right[0]) {
    fail("the factors cannot be multiplied", where, to_string(left) + " and " + to_string(right),
         "(out, rank) and (rank, in)");
  }
  return Weight(std::move(form));
}

}  // namespace

Json weight_to_json(const Weight& weight, const std::string& prefix, std::map<std::string, StoredTensor>& stored) {
  if (const auto* dense = weight.as<Dense>()) {
    return {{"form", "dense"}, {"values", store(stored, prefix, dense->values)}};
  }
  if (const auto* masked = weight.as<Masked>()) {
    StoredTensor& kept = stored[prefix + ".kept"];
    kept.info.shape = {count_ones(masked->mask)};
    kept.make = [form = *masked] { return kept_values(form); };
    return {{"form", "masked"},
            {"shape", masked->values.shape()},
            {"values", prefix + ".kept"},
            {"mask", store(stored, prefix + ".mask", masked->mask)}};
  }
  if (const auto* low_rank = weight.as<LowRank>()) {
    return {{"form", "low_rank"},
            {"left", weight_to_json(*low_rank->left, prefix + ".left", stored)},
            {"right", weight_to_json(*low_rank->right, prefix + ".right", stored)}};
  }
  const auto& quantized = std::get<Quantized>(weight.form());
  return {{"form", "quantized"},
          {"shape", quantized.shape},
          {"bits", quantized.bits},
          {"activations", kActivationRanges.at(static_cast<size_t>(quantized.activations))},
          {"codes", store(stored, prefix + ".codes", quantized.codes)},
          {"scales", store(stored, prefix + ".scales", quantized.scales)}};
}

Weight weight_from_json(const Json& json, std::map<std::string, Tensor>& tensors, const std::string& where) {
  const auto form = json_get<std::string>(json, "form", where);
  if (form == "dense") {
    Tensor values = take(json, "values", tensors, where);
    if (!is_floating(values.dtype())) {
      fail("dense values are not floating point", where, std::string(to_string(values.dtype())),
           "F64, F32, F16 or BF16");
    }
    return Weight(Dense{std::move(values)});
  }
  if (form == "masked") return masked_from_json(json, tensors, where);
  if (form == "low_rank") return low_rank_from_json(json, tensors, where);
  if (form == "quantized") return quantized_from_json(json, tensors, where);
  fail("the form of a weight is not known", where, form, "one of dense, masked, low_rank, quantized");
}

}  // namespace espalier
