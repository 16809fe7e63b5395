#include "data/batching.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

std::vector<int32_t> all_indices(size_t count) {
  std::vector<int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

template <typename Iterator>
void sort_by_length(const std::vector<int64_t>& lengths, Iterator begin, Iterator end) {
  std::stable_sort(begin, end, [&](int32_t a, int32_t b) {
    return lengths[static_cast<size_t>(a)] < lengths[static_cast<size_t>(b)];
  });
}

void require_positive(int64_t batch_size) {
  if (batch_size > 0) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "the batch size is too small", .got = std::to_string(batch_size), .wanted = "at least 1"});
}

}  // namespace

std::vector<int64_t> lengths_of(const EncodedDataset& dataset) {
  std::vector<int64_t> lengths;
  lengths.reserve(dataset.examples.size());
  for (const EncodedExample& example : dataset.examples) lengths.push_back(std::ssize(example.encoding.ids));
  return lengths;
}

BatchPlan plan_by_length(const std::vector<int64_t>& lengths, int64_t batch_size, int64_t max_tokens) {
  require_positive(batch_size);
  std::vector<int32_t> indices = all_indices(lengths.size());
  sort_by_length(lengths, indices.begin(), indices.end());
  BatchPlan plan;
  int64_t tokens = 0;
  for (const int32_t index : indices) {
    const int64_t length = lengths[static_cast<size_t>(index)];
    const bool full = plan.empty() || static_cast<int64_t>(plan.back().size()) >= batch_size ||
                      (max_tokens > 0 && tokens + length > max_tokens);
    if (full) {
      plan.emplace_back();
      tokens = 0;
    }
    plan.back().push_back(index);
    tokens += length;
  }
  return plan;
}

BatchPlan plan_shuffled(const std::vector<int64_t>& lengths, int64_t batch_size, Rng& rng, int64_t window) {
  require_positive(batch_size);
  std::vector<int32_t> indices = all_indices(lengths.size());
  rng.shuffle(indices);
  const auto batch = static_cast<size_t>(batch_size);
  const size_t span = batch * static_cast<size_t>(std::max<int64_t>(1, window));
  BatchPlan plan;
  for (size_t begin = 0; begin < indices.size(); begin += span) {
    const size_t end = std::min(begin + span, indices.size());
    sort_by_length(lengths, indices.begin() + static_cast<std::ptrdiff_t>(begin),
                   indices.begin() + static_cast<std::ptrdiff_t>(end));
    for (size_t at = begin; at < end; at += batch) {
      plan.emplace_back(indices.begin() + static_cast<std::ptrdiff_t>(at),
                        indices.begin() + static_cast<std::ptrdiff_t>(std::min(at + batch, end)));
    }
  }
  rng.shuffle(plan);
  return plan;
}

BatchPlan plan_by_length(const EncodedDataset& dataset, int64_t batch_size, int64_t max_tokens) {
  return plan_by_length(lengths_of(dataset), batch_size, max_tokens);
}

BatchPlan plan_shuffled(const EncodedDataset& dataset, int64_t batch_size, Rng& rng, int64_t window) {
  return plan_shuffled(lengths_of(dataset), batch_size, rng, window);
}

}  // namespace espalier
