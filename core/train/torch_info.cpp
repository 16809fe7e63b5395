// What computes here: libtorch's version, the BLAS that is really loaded, and how fast a linear of the network is.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <chrono>
#include <filesystem>

#include "network/linear_product.h"
#include "network/threads.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

// A function of OpenBLAS that gives text, if that is what is loaded.
std::string openblas_text(const char* symbol) {
  using TextFunction = const char* (*)();
  auto function = reinterpret_cast<TextFunction>(dlsym(RTLD_DEFAULT, symbol));  // NOLINT: dlsym gives void*
  const char* text = function != nullptr ? function() : nullptr;
  return text != nullptr ? text : "";
}

std::string loaded_blas() {
  void* address = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info{};
  if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
    return at::show_config().find("MKL") != std::string::npos ? "Intel MKL inside libtorch" : "inside libtorch";
  }
  std::error_code ignored;
  const std::filesystem::path file = std::filesystem::canonical(info.dli_fname, ignored);
  std::string name = file.empty() ? info.dli_fname : file.filename().string();
  const std::string folder = file.parent_path().filename().string();
  if (folder.find("blas") != std::string::npos) name = folder + "/" + name;
  if (const std::string core = openblas_text("openblas_get_corename"); !core.empty()) {
    const std::string config = openblas_text("openblas_get_config");
    name += ", " + config.substr(0, config.find(' ', config.find(' ') + 1)) + ", kernel " + core;
  }
  return name;
}

// Best of a few rounds, so that a passing load on the machine does not count.
double linear_gflops() {
  constexpr int64_t kRows = 512;
  constexpr int64_t kIn = 384;
  constexpr int64_t kOut = 1536;
  constexpr int kRounds = 8;
  constexpr int kCalls = 10;
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::full({kRows, kIn}, 0.5F);
  const at::Tensor weight = at::full({kOut, kIn}, 0.25F);
  const at::Tensor bias = at::zeros({kOut});
  double best_seconds = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int call = 0; call < kCalls; ++call) linear_product(x, weight, bias);
    best_seconds =
        std::min(best_seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return 2.0 * kRows * kIn * kOut * kCalls / best_seconds * 1e-9;
}

}  // namespace

TorchInfo torch_info(bool measure) {
  TorchInfo info;
  use_all_processors();
  info.version = TORCH_VERSION;
  info.blas = loaded_blas();
  if (measure) info.linear_gflops = linear_gflops();
  info.cuda = torch::cuda::is_available();
  if (info.cuda) info.cuda_device = std::to_string(torch::cuda::device_count()) + " CUDA device(s)";
  return info;
}

}  // namespace espalier
