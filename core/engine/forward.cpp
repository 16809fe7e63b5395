#include "engine/forward.h"

#include <omp.h>

#include <algorithm>

#include "base/error.h"
#include "engine/pass_outputs.h"
#include "engine/relative_biases.h"
#include "engine/row_work.h"

namespace espalier {

namespace {

// Rows of a tile. Weights are read anew for each, which costs more than activations that leave the second-level cache.
constexpr int64_t kTileRows = 256;
// Fewer rows than this are not worth waking a thread for.
constexpr int64_t kRowsWorthAThread = 8;

struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

bool reads_every_token(HeadKind kind) {
  return kind != HeadKind::None && kind != HeadKind::Classification && kind != HeadKind::Regression;
}

class Pass {
 public:
  Pass(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request, const PassOptions& options,
       int threads, Workspace& workspace)
      : model_(model),
        stack_(options.stack == Stack::Encoder ? model.encoder : *model.decoder),
        kernels_(*model.kernels),
        rows_of_(model),
        batch_(batch),
        request_(request),
        options_(options),
        hidden_(model.architecture.hidden_size),
        tokens_(batch.num_tokens()),
        sequences_(batch.num_sequences()),
        threads_(static_cast<int>(std::clamp<int64_t>(tokens_ / kRowsWorthAThread, 1, threads))) {
    per_token_ = reads_every_token(model.architecture.head.kind) && !options.last_token_only;
    // Nothing after the last attention mixes tokens, so what no output reads need not be computed.
    const bool plain_end = options.first_layer < stack_.layers.size() && !stack_.layers.back().bottleneck &&
                           !stack_.layers.back().pre_norm && !stack_.layers.back().cross && !stack_.final_norm;
    first_tokens_only_ = options.logits && !options.last_token_only && !per_token_ && plain_end &&
                         !request.hidden_states && !request.attentions && !model.needs_whole_sequences;
    tile_ = model.needs_whole_sequences ? tokens_ : std::min(tokens_, kTileRows);
    int64_t longest_memory = 0;
    for (int64_t b = 0; b < sequences_; ++b) {
      sizes_.push_back({length(b), past(b) + length(b), has_memory() ? memory_rows(b).size() : 0});
      longest_ = std::max(longest_, sizes_.back().keys);
      longest_memory = std::max(longest_memory, sizes_.back().memory);
    }
    const PassSizes sizes{.tokens = tokens_,
                          .sequences = sequences_,
                          .tile = tile_,
                          .longest = longest_,
                          .longest_memory = longest_memory,
                          .threads = threads_};
    buffers_ = lay_out(model, stack_, sizes, batch.starts.data(), workspace);
    for (ThreadBuffers& thread : buffers_.threads) {
      thread.lane.ranges = model.needs_whole_sequences ? &buffers_.ranges : nullptr;
      if (request.profile != nullptr) thread.times = times_.emplace_back(model.parts.size()).data();
    }
    for (int64_t b = 0; b < sequences_; ++b) {
      std::fill(buffers_.sequence_of_row + start(b), buffers_.sequence_of_row + start(b + 1), static_cast<int32_t>(b));
      place(b);
    }
    rows_.reserve(static_cast<size_t>(threads_));
    relative_ = relative_biases(stack_, longest_);
    const int64_t logit_rows = !options.logits ? 0 : per_token_ ? tokens_ : sequences_;
    outputs_ = reserve_outputs(model, stack_, request, sizes_, logit_rows);
  }

  // Adds what the threads took to a profile of this model.
  void add_times(std::chrono::nanoseconds wall, PassProfile& profile) const {
    profile.times.resize(model_.parts.size());
    for (const std::vector<PartTime>& times : times_) {
      for (size_t part = 0; part < times.size(); ++part) profile.times[part].add(times[part]);
    }
    profile.wall_nanoseconds += wall.count();
    profile.thread_nanoseconds += wall.count() * threads_;
    ++profile.passes;
  }

  void run(EngineOutput& output) {
#pragma omp parallel num_threads(threads_)
    {
#pragma omp single
      divide(omp_get_num_threads());
      work(omp_get_thread_num());
    }
    if (options_.logits && !per_token_) finish_sequences();
    for (const ThreadBuffers& thread : buffers_.threads) {
      if (thread.lane.failed)
        throw Error(ErrorKind::Internal, "oneDNN failed in a product, perhaps for lack of memory");
    }
    add_to_lengths();
    take_outputs(output);
  }

 private:
  int64_t start(int64_t sequence) const { return batch_.starts[static_cast<size_t>(sequence)]; }
  int64_t length(int64_t sequence) const { return start(sequence + 1) - start(sequence); }
  bool cached() const { return options_.state != nullptr && options_.state->cached; }
  // Tokens of a sequence before the batch's.
  int64_t past(int64_t sequence) const { return cached() ? options_.state->lengths[static_cast<size_t>(sequence)] : 0; }

  // Rows of the position table.
  void place(int64_t sequence) {
    const EmbeddingSpec& spec = stack_.embedding.spec;
    auto next = static_cast<int32_t>(spec.position_offset + past(sequence));
    for (int64_t row = start(sequence); row < start(sequence + 1); ++row) {
      const bool padding = spec.skip_padding && batch_.ids[static_cast<size_t>(row)] == spec.pad_token_id;
      buffers_.position_of_row[row] = padding ? static_cast<int32_t>(spec.position_offset - 1) : next++;
    }
  }

  bool has_memory() const { return options_.state != nullptr && !options_.state->memory.empty(); }
  // Rows of the encoder's output that a sequence attends to.
  Span memory_rows(int64_t sequence) const {
    const auto source = static_cast<size_t>(options_.state->source_of[static_cast<size_t>(sequence)]);
    return {options_.state->memory_starts[source], options_.state->memory_starts[source + 1]};
  }

  // Gives each thread rows of about the same work: a row costs its linears and the keys of its sequence.
  void divide(int threads) {
    rows_.assign(static_cast<size_t>(threads), {});
    const double linear = 12.0 * static_cast<double>(hidden_);
    double total = 0;
    for (int64_t b = 0; b < sequences_; ++b) {
      const auto n = static_cast<double>(length(b));
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
        done += linear + 2 * static_cast<double>(length(b));
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

  float* x_at(int64_t row) const { return buffers_.x + row * hidden_; }
  float* inner_at(const PreparedLayer& layer, int64_t row) const {
    return layer.bottleneck ? buffers_.inner + row * layer.inner : nullptr;
  }

  void work(int thread) {
    ThreadBuffers& own = buffers_.threads[static_cast<size_t>(thread)];
    const Span rows = rows_[static_cast<size_t>(thread)];
    const auto team = static_cast<int64_t>(rows_.size());
    const Span sequences{sequences_ * thread / team, sequences_ * (thread + 1) / team};
    const size_t begin = options_.first_layer;
    const size_t num_layers = stack_.layers.size();
    const PassTokens tokens{&batch_, buffers_.sequence_of_row, buffers_.position_of_row};
    for_tiles(rows, [&](int64_t first, int64_t count) {
      if (options_.states != nullptr) {
        std::copy_n(options_.states + first * hidden_, count * hidden_, x_at(first));
      } else {
        rows_of_.embed(own, stack_.embedding, tokens, first, count, x_at(first));
      }
      keep_hidden(0, first, count);
      if (begin < num_layers) project(own, begin, first, count);
    });
    for (size_t l = begin; l < num_layers; ++l) {
#pragma omp barrier
      const PreparedLayer& layer = stack_.layers[l];
      const bool last = l + 1 == num_layers;
      if (last && first_tokens_only_) {
        attend_first(own, l, sequences);
        for_tiles(sequences, [&](int64_t first, int64_t count) {
          float* x = buffers_.first + first * hidden_;
          rows_of_.add_attention(own, layer, layer.attention, context_at(layer.attention, first), x, first, count);
          rows_of_.feed_forward(own, layer, x, nullptr, first, count);
        });
        return;
      }
      attend(own, l, rows);
      for_tiles(rows, [&](int64_t first, int64_t count) {
        finish(own, l, first, count);
        if (last && stack_.final_norm) {
          rows_of_.norm(own, *stack_.final_norm, x_at(first), nullptr, count, hidden_, x_at(first));
        }
        keep_hidden(l + 1, first, count);
        if (!last) project(own, l + 1, first, count);
      });
    }
    if (options_.memory != nullptr) remember(own, rows);
    if (!options_.logits || !per_token_) return;
    for_tiles(rows, [&](int64_t first, int64_t count) {
      rows_of_.head(own, x_at(first), first, count,
                    outputs_.logits.data() + first * model_.head_out->linear->columns());
    });
  }

  void keep_hidden(size_t index, int64_t first, int64_t count) {
    if (!request_.hidden_states) return;
    std::copy_n(x_at(first), count * hidden_, outputs_.hidden_states[index].data() + first * hidden_);
  }

  float* context_at(const PreparedAttention& attention, int64_t row) const {
    return buffers_.context + row * attention.width();
  }

  // Queries, keys and values of a layer for some rows.
  void project(ThreadBuffers& own, size_t index, int64_t first, int64_t count) {
    const PreparedLayer& layer = stack_.layers[index];
    float* to = buffers_.qkv[index % 2];
    rows_of_.project(own, layer, x_at(first), inner_at(layer, first), first, count, tokens_, to);
    if (!cached()) return;
    const ProjectedRows rows = projected(layer, index);
    const int64_t width = layer.attention.width();
    for (int64_t row = first; row < first + count; ++row) {
      const int64_t b = buffers_.sequence_of_row[row];
      float* cache = cache_of(index, b) + (past(b) + row - start(b)) * 2 * width;
      std::copy_n(rows.keys + row * rows.stride, width, cache);
      std::copy_n(rows.values + row * rows.stride, width, cache + width);
    }
  }

  // Where project left queries, keys and values.
  struct ProjectedRows {
    const float* queries;
    const float* keys;
    const float* values;
    int64_t stride;
  };
  ProjectedRows projected(const PreparedLayer& layer, size_t index) const {
    const int64_t width = layer.attention.width();
    const bool joined = layer.attention.query.size() == 1;
    const int64_t apart = joined ? width : tokens_ * width;
    const float* q = buffers_.qkv[index % 2];
    return {q, q + apart, q + 2 * apart, joined ? 3 * width : width};
  }
  float* cache_of(size_t index, int64_t sequence) const {
    std::vector<float>& layer = options_.state->self[index];
    return layer.data() + sequence * options_.state->capacity * 2 * stack_.layers[index].attention.width();
  }

  kernels::AttentionArgs head_args(ThreadBuffers& own, size_t index, int64_t head, int64_t sequence,
                                   int64_t query) const {
    const PreparedLayer& layer = stack_.layers[index];
    const PreparedAttention& attention = layer.attention;
    const ProjectedRows rows = projected(layer, index);
    const int64_t at = head * attention.spec.head_dim;
    const int64_t number = past(sequence) + query - start(sequence);  // of the first query in its sequence
    kernels::AttentionArgs args{};
    args.q = rows.queries + at + query * rows.stride;
    args.q_stride = rows.stride;
    if (cached()) {
      args.kv_stride = 2 * attention.width();
      args.k = cache_of(index, sequence) + at;
      args.v = args.k + attention.width();
    } else {
      args.kv_stride = rows.stride;
      args.k = rows.keys + at + start(sequence) * rows.stride;
      args.v = rows.values + at + start(sequence) * rows.stride;
    }
    args.scratch = own.attention;
    args.out_stride = attention.width();
    args.keys = past(sequence) + length(sequence);
    args.head_dim = attention.spec.head_dim;
    args.scale = attention.scale;
    args.causal = attention.spec.causal;
    args.past = number;
    if (attention.spec.relative) {
      args.relative = relative_[index].data() + head * (2 * longest_ - 1) + (longest_ - 1) - number;
    }
    return args;
  }

  // Pairs of a key and one of `queries` from row `query` on that it sees.
  int64_t seen(const PreparedAttention& attention, int64_t sequence, int64_t query, int64_t queries) const {
    if (!attention.spec.causal) return queries * (past(sequence) + length(sequence));
    return queries * (past(sequence) + query - start(sequence)) + queries * (queries + 1) / 2;
  }

  void attend(ThreadBuffers& own, size_t index, Span rows) {
    const PreparedAttention& attention = stack_.layers[index].attention;
    for (int64_t row = rows.begin; row < rows.end;) {
      const int64_t b = buffers_.sequence_of_row[row];
      const int64_t end = std::min(rows.end, start(b + 1));
      const PartTimer timer(own.times, attention.scores_part, end - row, seen(attention, b, row, end - row));
      for (int64_t head = 0; head < attention.spec.num_heads(); ++head) {
        kernels::AttentionArgs args = head_args(own, index, head, b, row);
        args.queries = end - row;
        args.out = context_at(attention, row) + head * attention.spec.head_dim;
        if (request_.attentions) {
          args.probabilities = outputs_.attentions[index][static_cast<size_t>(b)].data() +
                               (head * length(b) + row - start(b)) * args.keys;
        }
        attention.attend(args);
      }
      row = end;
    }
  }

  // Attention of each sequence's first token alone; row b of context and of buffers_.first is sequence b.
  void attend_first(ThreadBuffers& own, size_t index, Span sequences) {
    const PreparedAttention& attention = stack_.layers[index].attention;
    for (int64_t b = sequences.begin; b < sequences.end; ++b) {
      std::copy_n(x_at(start(b)), hidden_, buffers_.first + b * hidden_);
      const PartTimer timer(own.times, attention.scores_part, 1, seen(attention, b, start(b), 1));
      for (int64_t head = 0; head < attention.spec.num_heads(); ++head) {
        kernels::AttentionArgs args = head_args(own, index, head, b, start(b));
        args.queries = 1;
        args.out = context_at(attention, b) + head * attention.spec.head_dim;
        attention.attend(args);
      }
    }
  }

  // The rest of a layer after self-attention, in place on x.
  void finish(ThreadBuffers& own, size_t index, int64_t first, int64_t count) {
    const PreparedLayer& layer = stack_.layers[index];
    float* x = x_at(first);
    float* inner = inner_at(layer, first);
    rows_of_.add_attention(own, layer, layer.attention, context_at(layer.attention, first), inner ? inner : x, first,
                           count);
    if (layer.cross) {
      rows_of_.project_query(own, layer, x, first, count);
      attend_memory(own, index, {first, first + count});
      rows_of_.add_attention(own, layer, *layer.cross, own.memory_context, x, first, count);
    }
    rows_of_.feed_forward(own, layer, x, inner, first, count);
  }

  // Cross-attention of own.query to own.memory_context; the first row of both is rows.begin.
  void attend_memory(ThreadBuffers& own, size_t index, Span rows) {
    const PreparedAttention& attention = *stack_.layers[index].cross;
    const DecodingState& state = *options_.state;
    const int64_t width = attention.width();
    const bool joined = attention.memory.size() == 1;
    const int64_t stride = joined ? 2 * width : width;
    const float* keys = state.memory[index].data();
    const float* values = keys + (joined ? width : state.memory_starts.back() * width);
    for (int64_t row = rows.begin; row < rows.end;) {
      const int64_t b = buffers_.sequence_of_row[row];
      const int64_t end = std::min(rows.end, start(b + 1));
      const Span memory = memory_rows(b);
      const PartTimer timer(own.times, attention.scores_part, end - row, (end - row) * memory.size());
      for (int64_t head = 0; head < attention.spec.num_heads(); ++head) {
        const int64_t at = head * attention.spec.head_dim;
        kernels::AttentionArgs args{};
        args.q = own.query + (row - rows.begin) * width + at;
        args.k = keys + memory.begin * stride + at;
        args.v = values + memory.begin * stride + at;
        args.scratch = own.attention;
        args.q_stride = width;
        args.kv_stride = stride;
        args.out_stride = width;
        args.queries = end - row;
        args.keys = memory.size();
        args.head_dim = attention.spec.head_dim;
        args.scale = attention.scale;
        args.out = own.memory_context + (row - rows.begin) * width + at;
        if (request_.attentions) {
          args.probabilities = outputs_.cross_attentions[index][static_cast<size_t>(b)].data() +
                               (head * length(b) + row - start(b)) * args.keys;
        }
        attention.attend(args);
      }
      row = end;
    }
  }

  // The decoder's keys and values of the encoder's output.
  void remember(ThreadBuffers& own, Span rows) {
    for (size_t l = 0; l < model_.decoder->layers.size(); ++l) {
      const PreparedAttention& attention = *model_.decoder->layers[l].cross;
      for_tiles(rows, [&](int64_t first, int64_t count) {
        float* to = options_.memory->memory[l].data();
        for (const PreparedLinear& part : attention.memory) {
          const int64_t columns = part.linear->columns();
          const PartTimer timer(own.times, part.part, count);
          part.linear->run(own.lane, x_at(first), first, count, part.shift(), kernels::Activation::None,
                           to + first * columns);
          to += tokens_ * columns;
        }
      });
    }
  }

  // Pooling and the head on one token of each sequence, each with its own range.
  void finish_sequences() {
    ThreadBuffers& own = buffers_.threads.front();
    own.lane.ranges = nullptr;
    if (!first_tokens_only_) {
      for (int64_t b = 0; b < sequences_; ++b) {
        const int64_t row = options_.last_token_only ? start(b + 1) - 1 : start(b);
        std::copy_n(x_at(row), hidden_, buffers_.first + b * hidden_);
      }
    }
    for (int64_t at = 0; at < sequences_; at += tile_) {
      const int64_t count = std::min(tile_, sequences_ - at);
      float* x = buffers_.first + at * hidden_;
      if (model_.pooler) {
        float* pooled = buffers_.pooled + at * hidden_;
        const PartTimer timer(own.times, model_.pooler->part, count);
        model_.pooler->linear->run(own.lane, x, at, count, model_.pooler->shift(), kernels::Activation::Tanh, pooled);
        x = pooled;
      }
      if (model_.head_out) {
        rows_of_.head(own, x, at, count, outputs_.logits.data() + at * model_.head_out->linear->columns());
      }
    }
  }

  void add_to_lengths() {
    if (!cached()) return;
    for (int64_t b = 0; b < sequences_; ++b) {
      options_.state->lengths[static_cast<size_t>(b)] += static_cast<int32_t>(length(b));
    }
  }

  void take_outputs(EngineOutput& output) {
    if (options_.logits && model_.head_out) {
      output.logits = Tensor::from(Shape{per_token_ ? tokens_ : sequences_, model_.head_out->linear->columns()},
                                   std::move(outputs_.logits));
    } else if (options_.logits && model_.pooler) {
      output.logits = Tensor::from(Shape{sequences_, hidden_},
                                   std::vector<float>(buffers_.pooled, buffers_.pooled + sequences_ * hidden_));
    }
    take_layers(outputs_, model_, stack_, options_.stack == Stack::Decoder, sizes_, output);
  }

  const PreparedModel& model_;
  const PreparedStack& stack_;
  const kernels::Table& kernels_;
  RowWork rows_of_;
  const PackedBatch& batch_;
  const EngineRequest& request_;
  const PassOptions& options_;
  int64_t hidden_;
  int64_t tokens_;
  int64_t sequences_;
  int threads_;
  int64_t tile_ = 0;
  int64_t longest_ = 0;  // tokens of a sequence, those before the batch counted
  bool per_token_ = false;
  bool first_tokens_only_ = false;
  PassBuffers buffers_;
  std::vector<SequenceSizes> sizes_;
  std::vector<Span> rows_;
  std::vector<std::vector<float>> relative_;  // see relative_biases()
  PassOutputs outputs_;
  std::vector<std::vector<PartTime>> times_;  // of each thread, when asked for
};

}  // namespace

void run_pass(const PreparedModel& model, const PackedBatch& batch, const EngineRequest& request,
              const PassOptions& options, int threads, Workspace& workspace, EngineOutput& output) {
  const auto begin = std::chrono::steady_clock::now();
  Pass pass(model, batch, request, options, threads, workspace);
  pass.run(output);
  if (request.profile != nullptr) pass.add_times(std::chrono::steady_clock::now() - begin, *request.profile);
}

}  // namespace espalier
