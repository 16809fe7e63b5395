#include "engine/pass_buffers.h"

#include <algorithm>

namespace espalier {

namespace {

// Hands out parts of one block of memory; with no block it only counts.
class Arena {
 public:
  explicit Arena(std::byte* base) : base_(base) {}
  template <typename T>
  T* take(int64_t count) {
    T* const at = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return at;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

// Widths of what only some layers have.
struct Extras {
  int64_t narrow = 0, cross = 0, up = 0, attention_scratch = 0;
};

Extras extras_of(const PreparedModel& model, const PreparedStack& stack, const PassSizes& sizes) {
  Extras extras;
  const auto scratch = [&](int64_t keys, const PreparedAttention& attention) {
    extras.attention_scratch =
        std::max(extras.attention_scratch, model.kernels->attention_scratch(keys, attention.spec.head_dim));
  };
  for (const PreparedLayer& layer : stack.layers) {
    scratch(sizes.longest, layer.attention);
    if (layer.bottleneck) extras.narrow = std::max(extras.narrow, layer.inner);
    if (layer.cross) {
      extras.cross = std::max(extras.cross, layer.cross->width());
      scratch(sizes.longest_memory, *layer.cross);
    }
    for (const PreparedFeedForward& block : layer.blocks) {
      if (block.up) extras.up = std::max(extras.up, block.up->linear->columns());
    }
  }
  return extras;
}

PassBuffers take(Arena& arena, const PreparedModel& model, const Extras& extras, const PassSizes& sizes,
                 const int32_t* starts) {
  const int64_t hidden = model.architecture.hidden_size;
  PassBuffers buffers;
  buffers.threads.assign(static_cast<size_t>(sizes.threads), {});
  buffers.x = arena.take<float>(sizes.tokens * hidden);
  buffers.inner = arena.take<float>(sizes.tokens * extras.narrow);
  for (float*& qkv : buffers.qkv) {
    // A thread alone has read all of a layer's keys and values before it writes the next.
    const bool second = &qkv != buffers.qkv;
    qkv = second && sizes.threads == 1 ? buffers.qkv[0] : arena.take<float>(sizes.tokens * 3 * model.widest_attention);
  }
  buffers.context = arena.take<float>(sizes.tokens * model.widest_attention);
  buffers.first = arena.take<float>(sizes.sequences * hidden);
  buffers.pooled = arena.take<float>(sizes.sequences * hidden);
  buffers.sequence_of_row = arena.take<int32_t>(sizes.tokens);
  buffers.position_of_row = arena.take<int32_t>(sizes.tokens);
  if (model.needs_whole_sequences) {
    for (float*& maxima : buffers.ranges.maxima) maxima = arena.take<float>(sizes.tokens);
    buffers.ranges.starts = starts;
    buffers.ranges.sequence_of_row = buffers.sequence_of_row;
  }
  const int64_t outputs = model.head_extra ? model.head_extra->linear->columns() : 0;
  for (ThreadBuffers& thread : buffers.threads) {
    constexpr int64_t kRows = kernels::kTileRowMultiple;
    thread.lane.codes = arena.take<uint8_t>((sizes.tile + kRows - 1) / kRows * kRows * model.code_bytes);
    thread.lane.row_scales = arena.take<float>(sizes.tile);
    thread.lane.scratch = arena.take<std::byte>(model.scratch_bytes);
    thread.lane.factors = arena.take<float>(sizes.tile * model.factor_floats);
    thread.attention = arena.take<float>(extras.attention_scratch);
    thread.sum = arena.take<float>(sizes.tile * model.widest_row);
    thread.normed = arena.take<float>(sizes.tile * model.widest_row);
    thread.ffn = arena.take<float>(sizes.tile * model.widest_ffn);
    thread.up = arena.take<float>(sizes.tile * extras.up);
    thread.words = arena.take<float>(sizes.tile * model.widest_words);
    thread.query = arena.take<float>(sizes.tile * extras.cross);
    thread.memory_context = arena.take<float>(sizes.tile * extras.cross);
    thread.logits = arena.take<float>(sizes.tile * outputs);
  }
  return buffers;
}

}  // namespace

PassBuffers lay_out(const PreparedModel& model, const PreparedStack& stack, const PassSizes& sizes,
                    const int32_t* starts, Workspace& workspace) {
  const Extras extras = extras_of(model, stack, sizes);
  Arena counter(nullptr);
  take(counter, model, extras, sizes, starts);
  Arena arena(workspace.reserve(counter.used()));
  return take(arena, model, extras, sizes, starts);
}

std::byte* Workspace::reserve(size_t bytes) {
  constexpr size_t kLine = 64;
  if (bytes + kLine > capacity_) {
    memory_.reset();
    capacity_ = 0;
    memory_.reset(new std::byte[bytes + kLine]);
    capacity_ = bytes + kLine;
  }
  const auto address = reinterpret_cast<uintptr_t>(memory_.get());
  return memory_.get() + (kLine - address % kLine) % kLine;
}

}  // namespace espalier
