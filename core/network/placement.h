#pragma once
// Where libtorch computes, and in which numbers.

#include <string>
#include <string_view>

namespace espalier {

// Of values, activations and products. BFloat16, Half and Int8 are for running a model, not for training it; Half is
// for GPUs. Int8: linears whose weights and inputs the model stores as codes of 8 bits or fewer multiply these codes,
// with a libtorch that multiplies integers there; all else in Half on a GPU and in Float32 on a processor. Sums inside
// a product are of float32 or wider on every device.
enum class Precision { Float32, Float64, BFloat16, Half, Int8 };
// "float32", "float64", "bfloat16", "half", "int8".
std::string_view to_string(Precision precision);
// Throws InvalidInput for another name.
Precision precision_named(std::string_view name);
// Whether the weights of a network in this precision are no longer the model's own.
constexpr bool is_narrow(Precision precision) {
  return precision == Precision::BFloat16 || precision == Precision::Half || precision == Precision::Int8;
}

struct Placement {
  std::string device = "cpu";  // "cuda:0"
  Precision precision = Precision::Float32;

  // What the engine does too: float32 on the processor.
  bool on_gpu() const { return device.starts_with("cuda"); }
  bool is_plain() const { return device == "cpu" && precision == Precision::Float32; }
  bool operator==(const Placement&) const = default;
};
// "libtorch 1.13.1 on cuda:0, bfloat16": what stands beside a figure.
std::string describe(const Placement& placement);
// Throws Device when there is no such device here, InvalidInput when there is none of that name or it does not compute
// in these numbers.
void require_usable(const Placement& placement);
// Returns when the device has done all that it was given.
void wait_for(const Placement& placement);

}  // namespace espalier
