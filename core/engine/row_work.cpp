#include "engine/row_work.h"

#include <algorithm>

namespace espalier {

namespace {

void run(ThreadBuffers& own, const PreparedLinear& linear, const float* x, int64_t first, int64_t count,
         kernels::Activation activation, float* y) {
  const PartTimer timer(own.times, linear.part, count);
  linear.linear->run(own.lane, x, first, count, linear.shift(), activation, y);
}

void run(ThreadBuffers& own, const PreparedLinear& linear, const float* x, int64_t first, int64_t count, float* y) {
  run(own, linear, x, first, count, kernels::Activation::None, y);
}

void scale_rows(float* x, int64_t count, double scale) {
  if (scale == 1) return;
  const auto factor = static_cast<float>(scale);
  for (int64_t i = 0; i < count; ++i) x[i] *= factor;
}

// Columns [begin, begin + width) of rows of `stride`.
void copy_columns(const float* from, int64_t rows, int64_t stride, int64_t begin, int64_t width, float* to) {
  for (int64_t r = 0; r < rows; ++r) std::copy_n(from + r * stride + begin, width, to + r * width);
}

}  // namespace

void RowWork::sum_and_norm(const PreparedNorm* norm, const float* x, const float* residual, const float* shift,
                           int64_t rows, int64_t columns, float* out) const {
  if (norm == nullptr) {
    kernels_.add_affine(x, residual, shift, nullptr, nullptr, rows, columns, out);
    return;
  }
  switch (norm->kind) {
    case NormKind::Layer:
      kernels_.add_norm(x, residual, shift, norm->weight.data(), norm->bias.data(), norm->epsilon, rows, columns, out);
      return;
    case NormKind::Affine:
      kernels_.add_affine(x, residual, shift, norm->weight.data(), norm->bias.data(), rows, columns, out);
      return;
    case NormKind::Rms:
      if (shift != nullptr) {
        kernels_.add_affine(x, residual, shift, nullptr, nullptr, rows, columns, out);
        x = out;
        residual = nullptr;
      }
      kernels_.add_rms_norm(x, residual, norm->weight.data(), norm->epsilon, rows, columns, out);
      return;
  }
}

// --- Embeddings -----------------------------------------------------------------------------------------------------

void RowWork::look_up(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
                      int64_t count, float* to) const {
  const PartTimer timer(own.times, embedding.word_part, count);
  embedding.word->look_up(
      own.lane, std::span(tokens.batch->ids).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), to);
  scale_rows(to, count * embedding.word_width, embedding.spec.scale);
}

// Next, own and previous token side by side; zeros beyond the ends of a sequence.
void RowWork::look_up_trigrams(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens,
                               int64_t first, int64_t count, float* to) const {
  const PartTimer timer(own.times, embedding.word_part, count);
  const int64_t width = embedding.word_width;
  const auto& ids = tokens.batch->ids;
  std::vector<TokenId> wanted(static_cast<size_t>(count));
  for (const int64_t step : {int64_t{1}, int64_t{0}, int64_t{-1}}) {
    const auto neighbour = [&](int64_t row) {
      const int64_t other = row + step;
      const bool inside = other >= 0 && other < tokens.batch->num_tokens() &&
                          tokens.sequence_of_row[other] == tokens.sequence_of_row[row];
      return inside ? other : -1;
    };
    for (int64_t r = 0; r < count; ++r) {
      const int64_t other = neighbour(first + r);
      wanted[static_cast<size_t>(r)] =
          other < 0 ? ids[static_cast<size_t>(first + r)] : ids[static_cast<size_t>(other)];
    }
    embedding.word->look_up(own.lane, wanted, own.sum);
    scale_rows(own.sum, count * width, embedding.spec.scale);
    for (int64_t r = 0; r < count; ++r) {
      float* row = to + r * 3 * width + (1 - step) * width;
      if (neighbour(first + r) < 0) {
        std::fill_n(row, width, 0.0F);
      } else {
        std::copy_n(own.sum + r * width, width, row);
      }
    }
  }
}

void RowWork::add_positions(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens,
                            int64_t first, int64_t count, float* sum) const {
  const PartTimer timer(own.times, embedding.sum_part, count);
  const int64_t width = embedding.sum_width;
  const PreparedNorm* norm = embedding.norm ? &*embedding.norm : nullptr;
  const auto& types = tokens.batch->type_ids;
  if (norm == nullptr && embedding.position.empty() && embedding.type.empty()) return;
  // Rows whose positions follow each other and that have one token type go together.
  for (int64_t r = first; r < first + count;) {
    const int32_t position = tokens.position_of_row[r];
    const int32_t type = types[static_cast<size_t>(r)];
    int64_t end = r + 1;
    while (end < first + count && tokens.position_of_row[end] == position + (end - r) &&
           types[static_cast<size_t>(end)] == type) {
      ++end;
    }
    float* at = sum + (r - first) * width;
    sum_and_norm(norm, at, embedding.position.empty() ? nullptr : embedding.position.data() + position * width,
                 embedding.type.empty() ? nullptr : embedding.type.data() + type * width, end - r, width, at);
    r = end;
  }
}

void RowWork::embed(ThreadBuffers& own, const PreparedEmbedding& embedding, const PassTokens& tokens, int64_t first,
                    int64_t count, float* x) const {
  switch (embedding.spec.projection) {
    case Projection::None:
      look_up(own, embedding, tokens, first, count, x);
      add_positions(own, embedding, tokens, first, count, x);
      return;
    case Projection::Words:
      if (embedding.spec.trigram) {
        look_up_trigrams(own, embedding, tokens, first, count, own.words);
      } else {
        look_up(own, embedding, tokens, first, count, own.words);
      }
      run(own, *embedding.project, own.words, first, count, x);
      add_positions(own, embedding, tokens, first, count, x);
      return;
    case Projection::Sum:
      look_up(own, embedding, tokens, first, count, own.words);
      add_positions(own, embedding, tokens, first, count, own.words);
      run(own, *embedding.project, own.words, first, count, x);
      return;
  }
}

// --- Layers ---------------------------------------------------------------------------------------------------------

void RowWork::project(ThreadBuffers& own, const PreparedLayer& layer, const float* x, float* inner, int64_t first,
                      int64_t count, int64_t all_rows, float* to) const {
  const int64_t hidden = model_.architecture.hidden_size;
  const float* query_read = x;
  const float* value_read = x;
  if (layer.pre_norm) {
    norm(own, layer.attention.norm, x, nullptr, count, hidden, own.normed);
    query_read = value_read = own.normed;
  }
  if (layer.bottleneck) {
    const auto narrow = [&](const PreparedBottleneck& module, float* out) {
      run(own, module.linear, x, first, count, own.sum);
      norm(own, module.norm, own.sum, nullptr, count, layer.inner, out);
    };
    narrow(*layer.narrow_input, inner);
    if (layer.bottleneck->attention) {
      query_read = value_read = inner;
    } else if (layer.bottleneck->shared) {
      narrow(*layer.narrow_attention, own.normed);
      query_read = own.normed;
    }
  }
  for (size_t part = 0; part < layer.attention.query.size(); ++part) {
    const PreparedLinear& linear = layer.attention.query[part];
    const int64_t columns = linear.linear->columns();
    run(own, linear, part == 2 ? value_read : query_read, first, count, to + first * columns);
    to += all_rows * columns;
  }
}

void RowWork::project_query(ThreadBuffers& own, const PreparedLayer& layer, const float* x, int64_t first,
                            int64_t count) const {
  const float* read = x;
  if (layer.pre_norm) {
    norm(own, layer.cross->norm, x, nullptr, count, layer.inner, own.normed);
    read = own.normed;
  }
  run(own, layer.cross->query.front(), read, first, count, own.query);
}

void RowWork::add_attention(ThreadBuffers& own, const PreparedLayer& layer, const PreparedAttention& attention,
                            const float* context, float* residual, int64_t first, int64_t count) const {
  run(own, attention.out, context, first, count, own.sum);
  add_block(own, layer.pre_norm, attention.norm, residual, count, layer.inner);
}

void RowWork::add_block(ThreadBuffers& own, bool pre_norm, const PreparedNorm& norm, float* residual, int64_t rows,
                        int64_t columns) const {
  const PartTimer timer(own.times, norm.part, pre_norm ? 0 : rows);
  sum_and_norm(pre_norm ? nullptr : &norm, own.sum, residual, nullptr, rows, columns, residual);
}

void RowWork::feed_forward(ThreadBuffers& own, const PreparedLayer& layer, float* x, float* inner, int64_t first,
                           int64_t count) const {
  float* residual = layer.bottleneck ? inner : x;
  for (const PreparedFeedForward& block : layer.blocks) {
    const float* read = residual;
    if (layer.pre_norm) {
      norm(own, block.norm, residual, nullptr, count, layer.inner, own.normed);
      read = own.normed;
    }
    run(own, block.in, read, first, count, block.activation, own.ffn);
    if (block.up) {
      run(own, *block.up, read, first, count, own.up);
      const PartTimer timer(own.times, block.up->part, 0);
      kernels_.multiply_by(own.ffn, own.up, count * block.in.linear->columns());
    }
    run(own, block.out, own.ffn, first, count, own.sum);
    add_block(own, layer.pre_norm, block.norm, residual, count, layer.inner);
  }
  if (!layer.bottleneck) return;
  run(own, layer.narrow_output->linear, inner, first, count, own.sum);
  norm(own, layer.narrow_output->norm, own.sum, x, count, model_.architecture.hidden_size, x);
}

// --- Head -----------------------------------------------------------------------------------------------------------

void RowWork::head(ThreadBuffers& own, float* x, int64_t first, int64_t count, float* logits) const {
  int64_t width = model_.architecture.hidden_size;
  scale_rows(x, count * width, model_.architecture.head.scale);
  const float* read = x;
  if (model_.head_dense) {
    run(own, *model_.head_dense, x, first, count, model_.head_activation, own.sum);
    width = model_.head_dense->linear->columns();
    if (model_.head_norm) norm(own, *model_.head_norm, own.sum, nullptr, count, width, own.sum);
    read = own.sum;
  }
  if (!model_.head_extra) {
    run(own, *model_.head_out, read, first, count, logits);
    return;
  }
  const int64_t begin = model_.head_out->linear->depth();
  const int64_t columns = model_.head_out->linear->columns();
  copy_columns(read, count, width, 0, begin, own.normed);
  run(own, *model_.head_out, own.normed, first, count, logits);
  copy_columns(read, count, width, begin, width - begin, own.normed);
  run(own, *model_.head_extra, own.normed, first, count, own.logits);
  kernels_.add_affine(logits, own.logits, nullptr, nullptr, nullptr, count, columns, logits);
}

}  // namespace espalier
