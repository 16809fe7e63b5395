#pragma once
// Where libtorch computes, and in which numbers.

#include <string>
#include <string_view>

namespace espalier {

// Of values, activations and products. BFloat16 and Half are for running a model, not for training it; Half is for
// GPUs. Sums inside a product are of float32 or wider on every device.
enum class Precision { Float32, Float64, BFloat16, Half };
// "float32", "float64", "bfloat16", "half".
std::string_view to_string(Precision precision);
// Throws InvalidInput for another name.
Precision precision_named(std::string_view name);
constexpr bool is_narrow(Precision precision) {
  return precision == Precision::BFloat16 || precision == Precision::Half;
}

struct Placement {
  std::string device = "cpu";  // "cuda:0"
  Precision precision = Precision::Float32;

  // What the engine does too: float32 on the processor.
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
