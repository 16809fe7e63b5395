#pragma once
// The only door to oneDNN: everything that differs between its releases 2.6 and 3 is behind it.

#include <cstdint>
#include <memory>
#include <string>

namespace espalier::onednn {

std::string version();

// While it lives, the library opens no threads of its own from the calling thread: kernels are compiled for one thread
// and run on one. The setting is OpenMP's for the calling thread, and is put back.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// A weight matrix in the layout that the library likes best, and products by it. Any number of threads may multiply by
// one matrix at once, each with a OneThread above it.
class PackedMatrix {
 public:
  virtual ~PackedMatrix() = default;
  virtual int64_t bytes() const = 0;
  // y (rows, columns) = x (rows, depth) w^T. Float: x and y are float, `bias` (columns) is added. Int8: x is uint8, y
  // the exact int32 sums, no bias. False when the library failed (out of memory).
  virtual bool multiply(const void* x, int64_t rows, const float* bias, void* y) const noexcept = 0;
};

// Makes packed matrices; those of one shape share their compiled kernels. Throws Error when the library does.
class Packer {
 public:
  Packer();
  ~Packer();
  Packer(Packer&&) noexcept;
  Packer& operator=(Packer&&) noexcept;

  // w (columns, depth) row-major.
  std::shared_ptr<const PackedMatrix> pack(const float* w, int64_t depth, int64_t columns);
  std::shared_ptr<const PackedMatrix> pack(const int8_t* w, int64_t depth, int64_t columns);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace espalier::onednn
