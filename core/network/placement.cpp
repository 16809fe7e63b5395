#include "network/placement.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <array>
#include <utility>

#include "base/error.h"
#include "network/integer_product.h"

namespace espalier {
namespace {

constexpr std::array<std::pair<Precision, std::string_view>, 5> kNames = {{{Precision::Float32, "float32"},
                                                                           {Precision::Float64, "float64"},
                                                                           {Precision::BFloat16, "bfloat16"},
                                                                           {Precision::Half, "half"},
                                                                           {Precision::Int8, "int8"}}};

at::Device device_named(const std::string& name) {
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no device of this name",
                                          .where = "",
                                          .got = name,
                                          .wanted = "cpu, or cuda:0 where there is a GPU",
                                          .next = "choose the device cpu"});
  }
}

}  // namespace

std::string_view to_string(Precision precision) {
  for (const auto& [known, name] : kNames) {
    if (known == precision) return name;
  }
  throw Error(ErrorKind::Internal, "unknown precision");
}

Precision precision_named(std::string_view name) {
  for (const auto& [precision, known] : kNames) {
    if (known == name) return precision;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no precision of this name",
                                        .where = "",
                                        .got = std::string(name),
                                        .wanted = "float32, float64, bfloat16, half or int8",
                                        .next = ""});
}

std::string describe(const Placement& placement) {
  return fmt::format("libtorch {} on {}, {}", TORCH_VERSION, placement.device, to_string(placement.precision));
}

void require_usable(const Placement& placement) {
  const at::Device device = device_named(placement.device);
  if (device.is_cuda() && (!torch::cuda::is_available() ||
                           static_cast<int64_t>(device.index()) >= static_cast<int64_t>(torch::cuda::device_count()))) {
    throw Error(ErrorKind::Device, {.what = "no CUDA device of this number can be used here",
                                    .where = "",
                                    .got = placement.device,
                                    .wanted = fmt::format("one of {} devices", torch::cuda::device_count()),
                                    .next = "choose the device cpu, or use a libtorch that was built with CUDA"});
  }
  if (!device.is_cuda() && !device.is_cpu()) {
    throw Error(ErrorKind::InvalidInput, {.what = "this kind of device is not supported",
                                          .where = "",
                                          .got = placement.device,
                                          .wanted = "cpu or cuda:0",
                                          .next = "choose the device cpu"});
  }
  if (device.is_cpu() && placement.precision == Precision::Half) {
    throw Error(ErrorKind::InvalidInput, {.what = "a processor does not compute in half precision",
                                          .where = placement.device,
                                          .got = "half",
                                          .wanted = "float32 or bfloat16",
                                          .next = "choose a GPU, or another precision"});
  }
  if (placement.precision == Precision::Int8 && !multiplies_integers()) {
    throw Error(ErrorKind::Unsupported,
                {.what = "this libtorch does not multiply integers",
                 .where = placement.device,
                 .got = TORCH_VERSION,
                 .wanted = "2.4 or later",
                 .next = "choose another precision, or the engine, which computes 8-bit linears in integers"});
  }
}

void wait_for(const Placement& placement) {
  const at::Device device(placement.device);
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

}  // namespace espalier
