#pragma once
// What only a libtorch built with CUDA has: work timed by the GPU's own events, and work replayed as one graph.

#include <functional>
#include <string>

namespace espalier {

// Milliseconds on the GPU `device` ("cuda:0") from the start of `work` to the end of what it gave the device, by
// events: the time that the device waits for the processor between two kernels counts, the processor's wait for the end
// does not. Returns when the device is done. Throws Device without CUDA.
double milliseconds_on_gpu(const std::string& device, const std::function<void()>& work);

// The kernels of `work`, captured once as a graph (after a few runs that warm libraries up); the result replays them
// with one call of the processor and does not wait for their end. They read and write the memory that they did at the
// capture: inputs are what their tensors hold at a replay, results stand where they stood; what `work` holds lives as
// long as the result. `work` must leave the processor out: no result read back, no copy from its memory. Throws Device
// without CUDA and when `work` cannot be captured.
std::function<void()> captured_on_gpu(const std::string& device, const std::function<void()>& work);

}  // namespace espalier
