#include "engine/onednn_products.h"

#include <fmt/format.h>
#include <omp.h>

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "engine/onednn_device.h"

namespace espalier::onednn {

namespace {

using dnnl::memory;

// What a kernel is compiled for.
struct Key {
  ProductSizes sizes;
  bool a_transposed = false, b_transposed = false, bias = false;
  int threads = 1;
  auto operator<=>(const Key&) const = default;
};

memory::desc matrix(int64_t rows, int64_t columns, bool transposed) {
  return {{rows, columns}, memory::data_type::f32, transposed ? memory::format_tag::ba : memory::format_tag::ab};
}

struct Kernel {
  memory::desc a, b, c, bias, scratchpad;
  dnnl::matmul primitive;

  explicit Kernel(const Key& key)
      : a(matrix(key.sizes.rows, key.sizes.depth, key.a_transposed)),
        b(matrix(key.sizes.depth, key.sizes.columns, key.b_transposed)),
        c(matrix(key.sizes.rows, key.sizes.columns, false)),
        bias(matrix(1, key.sizes.columns, false)) {
    const dnnl::matmul::primitive_desc description = describe(key.bias);
    scratchpad = description.scratchpad_desc();
    primitive = dnnl::matmul(description);
  }

 private:
  dnnl::matmul::primitive_desc describe(bool with_bias) const {
    // Memory of the caller's, as threads share kernels.
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
    if (with_bias) return {cpu(), a, b, bias, c, attributes};
    return {cpu(), a, b, c, attributes};
#else
    if (with_bias) return {dnnl::matmul::desc(a, b, bias, c), attributes, cpu()};
    return {dnnl::matmul::desc(a, b, c), attributes, cpu()};
#endif
  }
};

class Kernels {
 public:
  Kernels() { cpu(); }  // outlives them

  std::shared_ptr<const Kernel> of(const Key& key) {
    const std::scoped_lock lock(mutex_);
    auto& found = made_[key];
    if (found) return found;
    // Batches of ever other lengths would fill memory.
    constexpr size_t kMost = 1024;
    if (made_.size() > kMost) made_.clear();
    return made_[key] = std::make_shared<const Kernel>(key);
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Kernel>> made_;
};

void* scratchpad_of_thread(size_t bytes) {
  constexpr size_t kLine = 64;
  thread_local std::vector<std::byte> memory;
  if (memory.size() < bytes + kLine) memory.resize(bytes + kLine);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (kLine - address % kLine) % kLine;
}

float* writable(const float* data) { return const_cast<float*>(data); }

}  // namespace

void multiply(const ProductSizes& sizes, const Factor& a, const Factor& b, const float* bias, float* c) {
  static Kernels kernels;
  try {
    const auto kernel = kernels.of({sizes, a.transposed, b.transposed, bias != nullptr, omp_get_max_threads()});
    thread_local dnnl::stream stream(cpu());
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, memory(kernel->a, cpu(), writable(a.data))},
        {DNNL_ARG_WEIGHTS, memory(kernel->b, cpu(), writable(b.data))},
        {DNNL_ARG_DST, memory(kernel->c, cpu(), c)},
        {DNNL_ARG_SCRATCHPAD, memory(kernel->scratchpad, cpu(), scratchpad_of_thread(kernel->scratchpad.get_size()))}};
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, memory(kernel->bias, cpu(), writable(bias)));
    kernel->primitive.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error& error) {
    throw Error(error.status == dnnl_out_of_memory ? ErrorKind::OutOfMemory : ErrorKind::Internal,
                {.what = std::string("oneDNN refused a product: ") + error.what(),
                 .where = fmt::format("({}, {}) times ({}, {})", sizes.rows, sizes.depth, sizes.depth, sizes.columns),
                 .got = "",
                 .wanted = "",
                 .next = ""});
  }
}

}  // namespace espalier::onednn
