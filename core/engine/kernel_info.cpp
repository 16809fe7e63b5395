#include <fstream>
#include <string>
#include <thread>

#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/onednn.h"

namespace espalier {

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

KernelInfo kernel_info() {
  const kernels::Processor& processor = kernels::processor();
  std::string set = kernels::fastest_table().name;
  if (processor.int8_dot) set += " vnni";
  if (processor.bfloat16) set += " bf16";
  if (processor.amx) set += " amx";
  return {set, onednn::version(), cpu_model(), static_cast<int>(std::thread::hardware_concurrency())};
}

}  // namespace espalier
