#include "app/cli/runtime_options.h"

#include "base/json.h"

namespace espalier::cli {

RuntimeOptions::RuntimeOptions(CLI::App* verb) {
  verb->add_option("--runtime", runtime_, "What runs the model: engine, or libtorch with a device and a precision")
      ->check(CLI::IsMember({"engine", "libtorch"}));
  verb->add_option("--device", device_, "libtorch's device: cpu, cuda:0");
  verb->add_option("--precision", precision_,
                   "Numbers that libtorch computes in; half: on a GPU; int8: 8-bit linears, with a libtorch that can")
      ->check(CLI::IsMember({"float32", "float64", "bfloat16", "half", "int8"}));
}

void RuntimeOptions::add_to(Json& settings) const {
  if (runtime_) settings["runtime"] = *runtime_;
  if (device_) settings["device"] = *device_;
  if (precision_) settings["precision"] = *precision_;
}

}  // namespace espalier::cli
