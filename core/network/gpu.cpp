#include "network/gpu.h"

#include "base/error.h"
#include "network/torch_errors.h"

#ifdef ESPALIER_CUDA
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>

#include <memory>
#endif

namespace espalier {

#ifdef ESPALIER_CUDA

double milliseconds_on_gpu(const std::string& device, const std::function<void()>& work) {
  return with_torch_errors("timing on " + device, [&] {
    const c10::cuda::CUDAGuard guard{at::Device(device)};
    at::cuda::CUDAEvent begin(cudaEventDefault), end(cudaEventDefault);  // those by default keep no time
    torch::cuda::synchronize(guard.current_device().index());
    begin.record();
    work();
    end.record();
    end.synchronize();
    return static_cast<double>(begin.elapsed_time(end));
  });
}

std::function<void()> captured_on_gpu(const std::string& device, const std::function<void()>& work) {
  constexpr int kWarmUps = 3;  // libraries choose their kernels and take their memory
  return with_torch_errors("capturing a graph on " + device, [&]() -> std::function<void()> {
    const c10::cuda::CUDAGuard guard{at::Device(device)};
    const c10::DeviceIndex index = guard.current_device().index();
    auto graph = std::make_shared<at::cuda::CUDAGraph>();
    {
      const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool(false, index));
      for (int i = 0; i < kWarmUps; ++i) work();
      torch::cuda::synchronize(index);
      graph->capture_begin();
      try {
        work();
      } catch (...) {
        try {
          graph->capture_end();
        } catch (const c10::Error&) {  // the first error says what it was
        }
        throw;
      }
      graph->capture_end();
    }
    return [graph, device, index, work] {  // with the tensors that `work` holds
      const c10::cuda::CUDAGuard replaying(index);
      with_torch_errors("replaying a graph on " + device, [&] { graph->replay(); });
    };
  });
}

#else

namespace {

[[noreturn]] void throw_without_cuda(const std::string& device) {
  throw Error(ErrorKind::Device, {.what = "this libtorch was built without CUDA",
                                  .where = "",
                                  .got = device,
                                  .wanted = "cpu",
                                  .next = "choose the device cpu, or use a libtorch that was built with CUDA"});
}

}  // namespace

double milliseconds_on_gpu(const std::string& device, const std::function<void()>& /*work*/) {
  throw_without_cuda(device);
}

std::function<void()> captured_on_gpu(const std::string& device, const std::function<void()>& /*work*/) {
  throw_without_cuda(device);
}

#endif

}  // namespace espalier
