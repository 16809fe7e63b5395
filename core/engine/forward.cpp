#include "engine/forward.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace espalier {

namespace {

// Rows of a tile: enough for the products to run at full speed, few enough for a tile's feed-forward activations to
// stay in a second-level cache of 1 MiB.
constexpr int64_t kTileRows = 64;
// Fewer rows than this are not worth waking a thread for.
constexpr int64_t kRowsWorthAThread = 8;

struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

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

struct ThreadBuffers {
  Lane lane;
  float* attention = nullptr;  // scratch of the kernel
  float* sum = nullptr;        // (tile, hidden) what is added to the residual
  float* ffn = nullptr;        // (tile, widest feed-forward)
};

struct Buffers {
  float* x = nullptr;                  // (T, hidden)
  float* qkv[2] = {nullptr, nullptr};  // (T, 3 width) of this layer and the next
  float* context = nullptr;            // (T, width)
  float* first = nullptr;              // (B, hidden) first tokens
  float* pooled = nullptr;             // (B, hidden)
  int32_t* sequence_of_row = nullptr;  // (T)
  SequenceRanges ranges;
  std::vector<ThreadBuffers> threads;
};

class Pass {
 public:
  Pass(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request, int threads,
       Workspace& workspace)
      : model_(model),
        kernels_(*model.kernels),
        batch_(batch),
        request_(request),
        hidden_(model.architecture.hidden_size),
        tokens_(batch.num_tokens()),
        sequences_(batch.num_sequences()),
        threads_(static_cast<int>(std::clamp<int64_t>(tokens_ / kRowsWorthAThread, 1, threads))) {
    const HeadKind kind = model.architecture.head.kind;
    per_token_ =
        kind == HeadKind::TokenClassification || kind == HeadKind::QuestionAnswering || kind == HeadKind::MaskedLm;
    // Nothing after the last attention mixes tokens, so what no output reads need not be computed.
    first_tokens_only_ = !per_token_ && !request.hidden_states && !request.attentions && !model.needs_whole_sequences;
    tile_ = model.needs_whole_sequences ? tokens_ : std::min(tokens_, kTileRows);
    Arena counter(nullptr);
    lay_out(counter);
    Arena arena(workspace.reserve(counter.used()));
    lay_out(arena);
    for (int64_t b = 0; b < sequences_; ++b) {
      std::fill(buffers_.sequence_of_row + start(b), buffers_.sequence_of_row + start(b + 1), static_cast<int32_t>(b));
    }
    rows_.reserve(static_cast<size_t>(threads_));
    reserve_outputs();
  }

  EngineOutput run() {
#pragma omp parallel num_threads(threads_)
    {
#pragma omp single
      divide(omp_get_num_threads());
      work(omp_get_thread_num());
    }
    if (!per_token_) finish_sequences();
    for (const ThreadBuffers& thread : buffers_.threads) {
      if (thread.lane.failed)
        throw Error(ErrorKind::Internal, "oneDNN failed in a product, perhaps for lack of memory");
    }
    return take_outputs();
  }

 private:
  int64_t start(int64_t sequence) const { return batch_.starts[static_cast<size_t>(sequence)]; }

  void lay_out(Arena& arena) {
    buffers_.threads.assign(static_cast<size_t>(threads_), {});
    buffers_.x = arena.take<float>(tokens_ * hidden_);
    for (float*& qkv : buffers_.qkv) {
      // A thread alone has read all of a layer's keys and values before it writes the next.
      const bool second = &qkv != buffers_.qkv;
      qkv = second && threads_ == 1 ? buffers_.qkv[0] : arena.take<float>(tokens_ * 3 * model_.widest_attention);
    }
    buffers_.context = arena.take<float>(tokens_ * model_.widest_attention);
    buffers_.first = arena.take<float>(sequences_ * hidden_);
    buffers_.pooled = arena.take<float>(sequences_ * hidden_);
    buffers_.sequence_of_row = arena.take<int32_t>(tokens_);
    if (model_.needs_whole_sequences) {
      for (float*& maxima : buffers_.ranges.maxima) maxima = arena.take<float>(tokens_);
      buffers_.ranges.starts = batch_.starts.data();
      buffers_.ranges.sequence_of_row = buffers_.sequence_of_row;
    }
    int64_t scratch = 0;
    int64_t longest = 0;
    for (int64_t b = 0; b < sequences_; ++b) longest = std::max(longest, start(b + 1) - start(b));
    for (const PreparedLayer& layer : model_.layers) {
      scratch = std::max(scratch, kernels_.attention_scratch(longest, layer.head_dim));
    }
    for (ThreadBuffers& thread : buffers_.threads) {
      thread.lane.codes = arena.take<uint8_t>(tile_ * model_.code_bytes);
      thread.lane.row_scales = arena.take<float>(tile_);
      thread.lane.factors = arena.take<float>(tile_ * model_.factor_floats);
      thread.lane.ranges = model_.needs_whole_sequences ? &buffers_.ranges : nullptr;
      thread.attention = arena.take<float>(scratch);
      thread.sum = arena.take<float>(tile_ * hidden_);
      thread.ffn = arena.take<float>(tile_ * model_.widest_ffn);
    }
  }

  void reserve_outputs() {
    const Architecture& a = model_.architecture;
    const int64_t labels = a.head.kind == HeadKind::MaskedLm ? a.embedding.vocab_size : a.head.num_labels;
    if (a.head.kind != HeadKind::None) {
      logits_.resize(static_cast<size_t>((per_token_ ? tokens_ : sequences_) * labels));
    }
    if (request_.hidden_states) {
      hidden_states_.assign(model_.layers.size() + 1, std::vector<float>(static_cast<size_t>(tokens_ * hidden_)));
    }
    if (!request_.attentions) return;
    for (const PreparedLayer& layer : model_.layers) {
      auto& of_layer = attentions_.emplace_back();
      for (int64_t b = 0; b < sequences_; ++b) {
        const int64_t n = start(b + 1) - start(b);
        of_layer.emplace_back(static_cast<size_t>(layer.num_heads * n * n));
      }
    }
  }

  // Gives each thread rows of about the same work: a row costs its linears and the keys of its sequence.
  void divide(int threads) {
    rows_.assign(static_cast<size_t>(threads), {});
    const double linear = 12.0 * static_cast<double>(hidden_);
    double total = 0;
    for (int64_t b = 0; b < sequences_; ++b) {
      const auto n = static_cast<double>(start(b + 1) - start(b));
      total += n * (linear + 2 * n);
    }
    double done = 0;
    int64_t row = 0;
    for (int t = 0; t < threads; ++t) {
      Span& span = rows_[static_cast<size_t>(t)];
      span.begin = row;
      const double goal = total * (t + 1) / threads;
      while (row < tokens_ && (done < goal || row % kRowsWorthAThread != 0)) {
        const int64_t b = buffers_.sequence_of_row[row++];
        done += linear + 2 * static_cast<double>(start(b + 1) - start(b));
      }
      if (t + 1 == threads) row = tokens_;
      span.end = row;
    }
  }

  // Calls body(first row, rows) for each tile. With ranges over sequences every thread must take part exactly once.
  template <typename Body>
  void for_tiles(Span rows, Body body) const {
    if (model_.needs_whole_sequences) {
      body(rows.begin, rows.size());
      return;
    }
    for (int64_t at = rows.begin; at < rows.end; at += tile_) body(at, std::min(tile_, rows.end - at));
  }

  void work(int thread) {
    ThreadBuffers& own = buffers_.threads[static_cast<size_t>(thread)];
    const Span rows = rows_[static_cast<size_t>(thread)];
    const auto team = static_cast<int64_t>(rows_.size());
    const Span sequences{sequences_ * thread / team, sequences_ * (thread + 1) / team};
    const size_t num_layers = model_.layers.size();
    for_tiles(rows, [&](int64_t first, int64_t count) {
      embed(own, first, count);
      keep_hidden(0, first, count);
      if (num_layers > 0) project(own, 0, first, count);
    });
    for (size_t l = 0; l < num_layers; ++l) {
#pragma omp barrier
      const bool last = l + 1 == num_layers;
      if (last && first_tokens_only_) {
        attend_first(own, l, sequences);
        for_tiles(sequences, [&](int64_t first, int64_t count) {
          finish(own, l, buffers_.context + first * model_.layers[l].width(), buffers_.first + first * hidden_, first,
                 count);
        });
        return;
      }
      attend(own, l, rows);
      for_tiles(rows, [&](int64_t first, int64_t count) {
        finish(own, l, buffers_.context + first * model_.layers[l].width(), buffers_.x + first * hidden_, first, count);
        keep_hidden(l + 1, first, count);
        if (!last) project(own, l + 1, first, count);
      });
    }
    if (per_token_) {
      for_tiles(rows, [&](int64_t first, int64_t count) { token_head(own, first, count); });
    }
  }

  void embed(ThreadBuffers& own, int64_t first, int64_t count) {
    const Architecture& a = model_.architecture;
    float* x = buffers_.x + first * hidden_;
    model_.word->look_up(own.lane,
                         std::span(batch_.ids).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), x);
    // Rows of one sequence and one token type have their positions in a row.
    for (int64_t r = first; r < first + count;) {
      const int64_t b = buffers_.sequence_of_row[r];
      const int32_t type = batch_.type_ids[static_cast<size_t>(r)];
      int64_t end = r + 1;
      while (end < first + count && end < start(b + 1) && batch_.type_ids[static_cast<size_t>(end)] == type) ++end;
      float* at = buffers_.x + r * hidden_;
      kernels_.add_norm(at, model_.position.data() + (r - start(b)) * hidden_,
                        model_.type.empty() ? nullptr : model_.type.data() + type * hidden_,
                        model_.embedding_norm.weight.data(), model_.embedding_norm.bias.data(),
                        static_cast<float>(a.norm_epsilon), end - r, hidden_, at);
      r = end;
    }
  }

  void keep_hidden(size_t index, int64_t first, int64_t count) {
    if (!request_.hidden_states) return;
    std::copy_n(buffers_.x + first * hidden_, count * hidden_, hidden_states_[index].data() + first * hidden_);
  }

  static const float* bias_of(const PreparedLinear& linear) { return linear.bias.data(); }

  // Queries, keys and values of a layer for some rows.
  void project(ThreadBuffers& own, size_t index, int64_t first, int64_t count) {
    const PreparedLayer& layer = model_.layers[index];
    const float* x = buffers_.x + first * hidden_;
    float* to = buffers_.qkv[index % 2];
    for (const PreparedLinear& part : layer.qkv) {
      const int64_t columns = part.linear->columns();
      part.linear->run(own.lane, x, first, count, bias_of(part), kernels::Activation::None, to + first * columns);
      to += tokens_ * columns;
    }
  }

  kernels::AttentionArgs head_args(ThreadBuffers& own, const PreparedLayer& layer, size_t index, int64_t head,
                                   int64_t sequence, int64_t query) const {
    const int64_t width = layer.width();
    const bool joined = layer.qkv.size() == 1;
    const int64_t stride = joined ? 3 * width : width;
    const int64_t apart = joined ? width : tokens_ * width;
    const float* q = buffers_.qkv[index % 2] + head * layer.head_dim;
    kernels::AttentionArgs args{};
    args.q = q + query * stride;
    args.k = q + apart + start(sequence) * stride;
    args.v = q + 2 * apart + start(sequence) * stride;
    args.scratch = own.attention;
    args.q_stride = stride;
    args.kv_stride = stride;
    args.out_stride = width;
    args.keys = start(sequence + 1) - start(sequence);
    args.head_dim = layer.head_dim;
    args.scale = 1.0F / std::sqrt(static_cast<float>(layer.head_dim));
    return args;
  }

  void attend(ThreadBuffers& own, size_t index, Span rows) {
    const PreparedLayer& layer = model_.layers[index];
    for (int64_t row = rows.begin; row < rows.end;) {
      const int64_t b = buffers_.sequence_of_row[row];
      const int64_t end = std::min(rows.end, start(b + 1));
      for (int64_t head = 0; head < layer.num_heads; ++head) {
        kernels::AttentionArgs args = head_args(own, layer, index, head, b, row);
        args.queries = end - row;
        args.out = buffers_.context + row * layer.width() + head * layer.head_dim;
        if (request_.attentions) {
          args.probabilities =
              attentions_[index][static_cast<size_t>(b)].data() + (head * args.keys + row - start(b)) * args.keys;
        }
        kernels_.attention(args);
      }
      row = end;
    }
  }

  // Attention of each sequence's first token alone; row b of context and of buffers_.first is sequence b.
  void attend_first(ThreadBuffers& own, size_t index, Span sequences) {
    const PreparedLayer& layer = model_.layers[index];
    for (int64_t b = sequences.begin; b < sequences.end; ++b) {
      std::copy_n(buffers_.x + start(b) * hidden_, hidden_, buffers_.first + b * hidden_);
      for (int64_t head = 0; head < layer.num_heads; ++head) {
        kernels::AttentionArgs args = head_args(own, layer, index, head, b, start(b));
        args.queries = 1;
        args.out = buffers_.context + b * layer.width() + head * layer.head_dim;
        kernels_.attention(args);
      }
    }
  }

  // The rest of a layer after attention, in place on x.
  void finish(ThreadBuffers& own, size_t index, const float* context, float* x, int64_t first, int64_t count) {
    const PreparedLayer& layer = model_.layers[index];
    layer.attention_out.linear->run(own.lane, context, first, count, bias_of(layer.attention_out),
                                    kernels::Activation::None, own.sum);
    norm(own.sum, x, layer.attention_norm, count, x);
    layer.ffn_in.linear->run(own.lane, x, first, count, bias_of(layer.ffn_in), layer.activation, own.ffn);
    layer.ffn_out.linear->run(own.lane, own.ffn, first, count, bias_of(layer.ffn_out), kernels::Activation::None,
                              own.sum);
    norm(own.sum, x, layer.ffn_norm, count, x);
  }

  void norm(const float* x, const float* residual, const PreparedNorm& norm, int64_t rows, float* out) const {
    kernels_.add_norm(x, residual, nullptr, norm.weight.data(), norm.bias.data(),
                      static_cast<float>(model_.architecture.norm_epsilon), rows, hidden_, out);
  }

  void token_head(ThreadBuffers& own, int64_t first, int64_t count) {
    const float* x = buffers_.x + first * hidden_;
    if (model_.head_dense) {
      const kernels::Activation activation =
          model_.layers.empty() ? kernels::Activation::Gelu : model_.layers.front().activation;
      model_.head_dense->linear->run(own.lane, x, first, count, bias_of(*model_.head_dense), activation, own.sum);
      norm(own.sum, nullptr, *model_.head_norm, count, own.sum);
      x = own.sum;
    }
    const PreparedLinear& out = *model_.head_out;
    out.linear->run(own.lane, x, first, count, bias_of(out), kernels::Activation::None,
                    logits_.data() + first * out.linear->columns());
  }

  // Pooling and the head on first tokens: one row a sequence, each with its own range.
  void finish_sequences() {
    Lane& lane = buffers_.threads.front().lane;
    lane.ranges = nullptr;
    if (!first_tokens_only_ || model_.layers.empty()) {
      for (int64_t b = 0; b < sequences_; ++b) {
        std::copy_n(buffers_.x + start(b) * hidden_, hidden_, buffers_.first + b * hidden_);
      }
    }
    for (int64_t at = 0; at < sequences_; at += tile_) {
      const int64_t count = std::min(tile_, sequences_ - at);
      const float* x = buffers_.first + at * hidden_;
      if (model_.pooler) {
        float* pooled = buffers_.pooled + at * hidden_;
        model_.pooler->linear->run(lane, x, at, count, bias_of(*model_.pooler), kernels::Activation::Tanh, pooled);
        x = pooled;
      }
      if (!model_.head_out) continue;
      const PreparedLinear& out = *model_.head_out;
      out.linear->run(lane, x, at, count, bias_of(out), kernels::Activation::None,
                      logits_.data() + at * out.linear->columns());
    }
  }

  EngineOutput take_outputs() {
    EngineOutput output;
    if (model_.head_out) {
      output.logits = Tensor::from(Shape{per_token_ ? tokens_ : sequences_, model_.head_out->linear->columns()},
                                   std::move(logits_));
    } else if (model_.pooler) {
      output.logits = Tensor::from(Shape{sequences_, hidden_},
                                   std::vector<float>(buffers_.pooled, buffers_.pooled + sequences_ * hidden_));
    }
    for (std::vector<float>& state : hidden_states_) {
      output.hidden_states.push_back(Tensor::from(Shape{tokens_, hidden_}, std::move(state)));
    }
    for (size_t l = 0; l < attentions_.size(); ++l) {
      auto& of_layer = output.attentions.emplace_back();
      for (int64_t b = 0; b < sequences_; ++b) {
        const int64_t n = start(b + 1) - start(b);
        of_layer.push_back(
            Tensor::from(Shape{model_.layers[l].num_heads, n, n}, std::move(attentions_[l][static_cast<size_t>(b)])));
      }
    }
    return output;
  }

  const PreparedModel& model_;
  const kernels::Table& kernels_;
  const PackedBatch& batch_;
  const EngineRequest& request_;
  int64_t hidden_;
  int64_t tokens_;
  int64_t sequences_;
  int threads_;
  int64_t tile_ = 0;
  bool per_token_ = false;
  bool first_tokens_only_ = false;
  Buffers buffers_;
  std::vector<Span> rows_;
  std::vector<float> logits_;
  std::vector<std::vector<float>> hidden_states_;
  std::vector<std::vector<std::vector<float>>> attentions_;
};

}  // namespace

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

EngineOutput run_forward(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request,
                         int threads, Workspace& workspace) {
  return Pass(model, batch, request, threads, workspace).run();
}

}  // namespace espalier
