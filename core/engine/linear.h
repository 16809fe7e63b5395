#pragma once
// A weight made ready to multiply by, whatever form it was stored in.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/onednn.h"
#include "model/weight_table.h"

namespace espalier {

// Which sequence each row of a linear's input belongs to, for weights whose input has one range a sequence. The ranges
// are put together from all threads of a pass; every thread must run the same linears in the same order.
struct SequenceRanges {
  const int32_t* starts = nullptr;           // (B + 1) first row of each sequence
  const int32_t* sequence_of_row = nullptr;  // (T)
  float* maxima[2] = {nullptr, nullptr};     // (T) each, shared by all threads, used in turn
};

// What one thread of one pass works with.
struct Lane {
  uint8_t* codes = nullptr;                // quantized input: rows times the largest depth
  float* row_scales = nullptr;             // (rows)
  std::byte* scratch = nullptr;            // Linear::scratch_bytes(), 64-byte aligned; nothing stays in it between runs
  float* factors = nullptr;                // between the two factors of low-rank weights: Linear::factor_floats() a row
  const SequenceRanges* ranges = nullptr;  // null: every row has its own range
  int turn = 0;
  bool failed = false;
};

// Multiply-accumulates of one row, by the type of what is multiplied; zeros that are not left out count.
struct ProductCost {
  int64_t float_macs = 0;
  int64_t int8_macs = 0;  // codes of any number of bits
};

// Immutable; any number of threads may run one at once.
class Linear {
 public:
  virtual ~Linear() = default;

  // y (rows, columns) = activation(x (rows, depth) w^T + bias). `bias` (columns) may be null. `first_row` is the row of
  // the whole pass that x begins with. Failures set lane.failed.
  virtual void run(Lane& lane, const float* x, int64_t first_row, int64_t rows, const float* bias,
                   kernels::Activation activation, float* y) const = 0;

  virtual int64_t depth() const = 0;
  virtual int64_t columns() const = 0;
  virtual int64_t resident_bytes() const = 0;
  virtual std::string describe() const = 0;
  virtual ProductCost cost() const = 0;
  // Scratch that a row of input needs in Lane::codes and Lane::factors.
  virtual int64_t code_bytes() const { return 0; }
  virtual int64_t factor_floats() const { return 0; }
  // Scratch for any number of rows, in Lane::scratch.
  virtual int64_t scratch_bytes() const { return 0; }
  // True when the input is quantized with one range a sequence, so that all rows must be there at once.
  virtual bool needs_whole_sequences() const { return false; }
};

// y (rows, columns) = bias (columns), which may be null: what a linear without inputs gives.
void fill_with_bias(int64_t rows, int64_t columns, const float* bias, float* y);

// Packs weights, each once however many places share it.
class LinearFactory {
 public:
  // `use_library`: products by oneDNN where its sums are exact, else by the kernels.
  LinearFactory(const kernels::Table& kernels, bool use_library) : kernels_(kernels), use_library_(use_library) {}

  // Gives `linear`, packed by another factory, for these slots from now on.
  void adopt(const WeightTable& weights, const std::vector<std::string>& slots, std::shared_ptr<const Linear> linear);
  // Weights with one input side by side: y of (rows, sum of columns). Null when their forms cannot be joined.
  std::shared_ptr<const Linear> joined(const WeightTable& weights, const std::vector<std::string>& slots);
  std::shared_ptr<const Linear> single(const WeightTable& weights, const std::string& slot);
  // The right factor of a low-rank embedding table (rank, width), as the linear from rank to width, sparse where that
  // is faster. Of codes, whose scales are those of its inputs, as if every scale were 1.
  std::shared_ptr<const Linear> transposed(const Weight& right);

  const kernels::Table& kernels() const { return kernels_; }

 private:
  // One linear of weights that may be joined.
  std::shared_ptr<const Linear> make(const std::vector<const Weight*>& parts);
  std::shared_ptr<const Linear> make_float(const std::vector<const Weight*>& parts);
  // Of w (columns, depth), without its zeros where that is faster. `masked`: the zeros are a mask's.
  std::shared_ptr<const Linear> product_of(const Tensor& w, bool masked);

  const kernels::Table& kernels_;
  bool use_library_;
  onednn::Packer packer_;
  std::map<std::vector<WeightHandle>, std::shared_ptr<const Linear>> made_;
};

}  // namespace espalier
