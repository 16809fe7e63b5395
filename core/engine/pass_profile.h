#pragma once
// Where the time of forward passes goes: the parts that the engine made of a model, and what each took.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/architecture.h"

namespace espalier {

// Qkv: all that queries, keys and values are projected by, those of cross-attention too. Attention: scores, softmax and
// the weighted sum. FfnIn: both inward linears of gated blocks. Norm: with the residual sum. Head: with the pooler.
enum class PartKind { Embedding, Qkv, Attention, AttentionOut, FfnIn, FfnOut, Bottleneck, Norm, Head };
inline constexpr PartKind kPartKinds[] = {PartKind::Embedding,    PartKind::Qkv,   PartKind::Attention,
                                          PartKind::AttentionOut, PartKind::FfnIn, PartKind::FfnOut,
                                          PartKind::Bottleneck,   PartKind::Norm,  PartKind::Head};
// "embedding", "qkv", "attention", "out", "ffn in", "ffn out", "bottleneck", "norms", "head".
std::string_view to_string(PartKind kind);

struct PassPart {
  std::string name = {};                  // "encoder.0.ffn.in_proj", "encoder.0.attention.scores", "encoder.0.ffn.norm"
  std::vector<std::string> slots = {};    // the lines of Engine::plan() that it runs; none for attention and norms
  std::vector<std::string> weights = {};  // the model's slots that it reads, but for biases; none for attention
  PartKind kind = PartKind::Norm;
  Stack stack = Stack::Encoder;
  int layer = -1;           // -1: outside the layers
  std::string kernel = {};  // as in the plan
  // Multiply-accumulates that it carries out by type: of a row, or, for Attention, of a query and a key that it sees.
  int64_t float_macs = 0;
  int64_t int8_macs = 0;
  int64_t bfloat16_macs = 0;
  int64_t weight_bytes = 0;  // read at every call, shared or not

  int64_t macs() const { return float_macs + int8_macs + bfloat16_macs; }
};

struct PartTime {
  int64_t nanoseconds = 0;  // over all threads
  int64_t calls = 0;        // with rows
  int64_t rows = 0;         // tokens
  int64_t pairs = 0;        // Attention: of a query and a key that it sees

  void add(const PartTime& other) {
    nanoseconds += other.nanoseconds;
    calls += other.calls;
    rows += other.rows;
    pairs += other.pairs;
  }
};

// Filled by the passes that are given it, summed over them; one call at a time.
struct PassProfile {
  std::vector<PartTime> times;     // by the place in Engine::parts()
  int64_t wall_nanoseconds = 0;    // from the checked batch to the outputs
  int64_t thread_nanoseconds = 0;  // wall times threads, the most that `times` can sum to
  int64_t passes = 0;
};

// Adds the time from its making to its end to a part of a thread's own times; rows 0 for more work on rows that were
// counted. Without times it costs a comparison.
class PartTimer {
 public:
  PartTimer(PartTime* times, int part, int64_t rows, int64_t pairs = 0) {
    if (times == nullptr || part < 0) return;
    time_ = times + part;
    time_->calls += rows > 0 ? 1 : 0;
    time_->rows += rows;
    time_->pairs += pairs;
    begin_ = Clock::now();
  }
  ~PartTimer() {
    if (time_ != nullptr) time_->nanoseconds += std::chrono::nanoseconds(Clock::now() - begin_).count();
  }
  PartTimer(const PartTimer&) = delete;
  PartTimer& operator=(const PartTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;

  PartTime* time_ = nullptr;
  Clock::time_point begin_;
};

}  // namespace espalier
