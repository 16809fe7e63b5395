#include "engine/onednn.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "engine/onednn_device.h"
#include "engine/packed_memory.h"

namespace espalier::onednn {

namespace {

using dnnl::memory;

const dnnl::stream& stream_of_thread() {
  thread_local const dnnl::stream stream(cpu());
  return stream;
}

// Working memory of a product. The library's own belongs to the thread that compiled the kernel, and others may not
// run it then.
void* scratchpad_of_thread(size_t bytes) {
  constexpr size_t kLine = 64;
  thread_local std::vector<std::byte> memory;
  if (memory.size() < bytes + kLine) memory.resize(bytes + kLine);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (kLine - address % kLine) % kLine;
}

[[noreturn]] void throw_as_error(const dnnl::error& error, const std::string& where) {
  const ErrorKind kind = error.status == dnnl_out_of_memory ? ErrorKind::OutOfMemory : ErrorKind::Internal;
  throw Error(kind, {.what = std::string("oneDNN refused a product: ") + error.what(), .where = where});
}

// Rows go through in blocks of this many, then the rest at once, as each block reads all weights again. The weights'
// layout does not depend on the rows; a kernel is compiled in 0.2 ms and kept.
constexpr int64_t kLargestBlock = 256;

struct Shape {
  bool integer = false;
  int64_t depth = 0;
  int64_t columns = 0;
  auto operator<=>(const Shape&) const = default;
};

// One compiled kernel with the descriptions of what it reads and writes.
struct Product {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  memory::desc x;
  memory::desc y;
  memory::desc scratchpad;
};

// The kernels of one shape, compiled when first needed.
class Products {
 public:
  explicit Products(Shape shape) : shape_(shape) {
    weights_ = describe(kLargestBlock, any_weights()).weights_desc();
    const int64_t columns = shape.columns;
    bias_ = memory::desc({1, columns}, memory::data_type::f32, memory::format_tag::ab);
  }
  ~Products() {
    for (auto& slot : made_) delete slot.load();
  }
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  const Shape& shape() const { return shape_; }
  const memory::desc& weights() const { return weights_; }
  const memory::desc& bias() const { return bias_; }

  const Product& for_rows(int64_t rows) {
    std::atomic<Product*>& slot = made_[static_cast<size_t>(rows)];
    if (const Product* ready = slot.load(std::memory_order_acquire)) return *ready;
    const std::scoped_lock lock(mutex_);
    if (const Product* ready = slot.load(std::memory_order_acquire)) return *ready;
    const OneThread one_thread;
    auto description = describe(rows, weights_);
    auto product = std::make_unique<Product>(Product{description, dnnl::matmul(description), description.src_desc(),
                                                     description.dst_desc(), description.scratchpad_desc()});
    slot.store(product.get(), std::memory_order_release);
    return *product.release();
  }

 private:
  memory::desc any_weights() const {
    return memory::desc({shape_.depth, shape_.columns}, shape_.integer ? memory::data_type::s8 : memory::data_type::f32,
                        memory::format_tag::any);
  }

  dnnl::matmul::primitive_desc describe(int64_t rows, const memory::desc& weights) const {
    const OneThread one_thread;
    const auto in = shape_.integer ? memory::data_type::u8 : memory::data_type::f32;
    const auto out = shape_.integer ? memory::data_type::s32 : memory::data_type::f32;
    const memory::desc x({rows, shape_.depth}, in, memory::format_tag::ab);
    const memory::desc y({rows, shape_.columns}, out, memory::format_tag::ab);
    const memory::desc bias({1, shape_.columns}, memory::data_type::f32, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
    if (shape_.integer) return {cpu(), x, weights, y, attributes};
    return {cpu(), x, weights, bias, y, attributes};
#else
    if (shape_.integer) return {dnnl::matmul::desc(x, weights, y), attributes, cpu()};
    return {dnnl::matmul::desc(x, weights, bias, y), attributes, cpu()};
#endif
  }

  Shape shape_;
  memory::desc weights_;
  memory::desc bias_;
  std::mutex mutex_;
  std::array<std::atomic<Product*>, kLargestBlock + 1> made_{};
};

class Matrix : public PackedMatrix {
 public:
  Matrix(std::shared_ptr<Products> products, memory weights, std::shared_ptr<std::byte> bytes)
      : products_(std::move(products)), weights_(std::move(weights)), bytes_(std::move(bytes)) {}

  int64_t bytes() const override { return static_cast<int64_t>(weights_.get_desc().get_size()); }

  bool multiply(const void* x, int64_t rows, const float* bias, void* y) const noexcept override {
    const Shape& shape = products_->shape();
    const int64_t x_row = shape.depth * (shape.integer ? 1 : 4);
    const int64_t y_row = shape.columns * 4;
    auto* from = const_cast<std::byte*>(static_cast<const std::byte*>(x));
    auto* to = static_cast<std::byte*>(y);
    try {
      while (rows > 0) {
        const int64_t block = std::min(rows, kLargestBlock);
        const Product& product = products_->for_rows(block);
        const memory in(product.x, cpu(), from);
        const memory out(product.y, cpu(), to);
        const memory scratchpad(product.scratchpad, cpu(), scratchpad_of_thread(product.scratchpad.get_size()));
        std::array<dnnl_exec_arg_t, 5> arguments{{{DNNL_ARG_SRC, in.get()},
                                                  {DNNL_ARG_WEIGHTS, weights_.get()},
                                                  {DNNL_ARG_DST, out.get()},
                                                  {DNNL_ARG_SCRATCHPAD, scratchpad.get()},
                                                  {DNNL_ARG_BIAS, nullptr}}};
        memory shift;
        if (!shape.integer) {
          shift = memory(products_->bias(), cpu(), const_cast<float*>(bias));
          arguments[4].memory = shift.get();
        }
        if (dnnl_primitive_execute(product.primitive.get(), stream_of_thread().get(), shape.integer ? 4 : 5,
                                   arguments.data()) != dnnl_success) {
          return false;
        }
        from += block * x_row;
        to += block * y_row;
        rows -= block;
      }
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }

 private:
  std::shared_ptr<Products> products_;
  memory weights_;
  std::shared_ptr<std::byte> bytes_;
};

// The weights (columns, depth) as the library reads them. Releases 3.7.1 to 3.7.3 at least misplace the last, partial
// blocks of a layout when they reorder a transpose into it: these matrices are transposed here, in `transposed`.
memory weights_to_pack(const void* w, const Shape& shape, [[maybe_unused]] const memory::desc& packed,
                       [[maybe_unused]] std::vector<std::byte>& transposed) {
  const auto described = [&](memory::format_tag order) {
    return memory::desc({shape.depth, shape.columns}, shape.integer ? memory::data_type::s8 : memory::data_type::f32,
                        order);
  };
#if DNNL_VERSION_MAJOR >= 3
  if (packed.get_padded_dims() != packed.get_dims()) {
    const size_t width = shape.integer ? 1 : sizeof(float);
    const auto depth = static_cast<size_t>(shape.depth), columns = static_cast<size_t>(shape.columns);
    transposed.resize(depth * columns * width);
    const auto* from = static_cast<const std::byte*>(w);
    for (size_t c = 0; c < columns; ++c) {
      for (size_t k = 0; k < depth; ++k) {
        std::memcpy(&transposed[(k * columns + c) * width], from + (c * depth + k) * width, width);
      }
    }
    return memory(described(memory::format_tag::ab), cpu(), transposed.data());
  }
#endif
  return memory(described(memory::format_tag::ba), cpu(), const_cast<void*>(w));
}

}  // namespace

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

std::string version() {
  const dnnl_version_t* found = dnnl_version();
  return fmt::format("{}.{}.{}", found->major, found->minor, found->patch);
}

struct Packer::Impl {
  std::map<Shape, std::shared_ptr<Products>> products;
  PackedMemory memories;

  std::shared_ptr<const PackedMatrix> pack(const void* w, Shape shape) {
    try {
      auto& of_shape = products[shape];
      if (!of_shape) of_shape = std::make_shared<Products>(shape);
      const OneThread one_thread;
      std::vector<std::byte> transposed;
      memory from = weights_to_pack(w, shape, of_shape->weights(), transposed);
      std::shared_ptr<std::byte> bytes = memories.take(of_shape->weights().get_size());
      memory to(of_shape->weights(), cpu(), bytes.get());
      dnnl::stream stream(cpu());
      dnnl::reorder(from, to).execute(stream, from, to);
      stream.wait();
      return std::make_shared<Matrix>(of_shape, std::move(to), std::move(bytes));
    } catch (const dnnl::error& error) {
      throw_as_error(error, fmt::format("{} x {} {}", shape.depth, shape.columns, shape.integer ? "int8" : "float32"));
    }
  }
};

Packer::Packer() : impl_(std::make_unique<Impl>()) {}
Packer::~Packer() = default;
Packer::Packer(Packer&&) noexcept = default;
Packer& Packer::operator=(Packer&&) noexcept = default;

std::shared_ptr<const PackedMatrix> Packer::pack(const float* w, int64_t depth, int64_t columns) {
  return impl_->pack(w, {false, depth, columns});
}

std::shared_ptr<const PackedMatrix> Packer::pack(const int8_t* w, int64_t depth, int64_t columns) {
  return impl_->pack(w, {true, depth, columns});
}

}  // namespace espalier::onednn
