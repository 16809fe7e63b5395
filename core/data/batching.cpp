#include "data/batching.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

std::vector<int32_t> all_indices(const EncodedDataset& dataset) {
  std::vector<int32_t> indices(dataset.examples.size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

int64_t length_of(const EncodedDataset& dataset, int32_t index) {
  return static_cast<int64_t>(dataset.examples[static_cast<size_t>(index)].encoding.size());
}

template <typename Iterator>
void sort_by_length(const EncodedDataset& dataset, Iterator begin, Iterator end) {
  std::stable_sort(begin, end, [&](int32_t a, int32_t b) { return length_of(dataset, a) < length_of(dataset, b); });
}

void require_positive(int64_t batch_size) {
  if (batch_size > 0) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "the batch size is too small", .got = std::to_string(batch_size), .wanted = "at least 1"});
}

}  // namespace

BatchPlan plan_by_length(const EncodedDataset& dataset, int64_t batch_size, int64_t max_tokens) {
  require_positive(batch_size);
  std::vector<int32_t> indices = all_indices(dataset);
  sort_by_length(dataset, indices.begin(), indices.end());
  BatchPlan plan;
  int64_t tokens = 0;
  for (const int32_t index : indices) {
    const int64_t length = length_of(dataset, index);
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

BatchPlan plan_shuffled(const EncodedDataset& dataset, int64_t batch_size, Rng& rng, int64_t window) {
  require_positive(batch_size);
  std::vector<int32_t> indices = all_indices(dataset);
  rng.shuffle(indices);
  const auto batch = static_cast<size_t>(batch_size);
  const size_t span = batch * static_cast<size_t>(std::max<int64_t>(1, window));
  BatchPlan plan;
  for (size_t begin = 0; begin < indices.size(); begin += span) {
    const size_t end = std::min(begin + span, indices.size());
    sort_by_length(dataset, indices.begin() + static_cast<std::ptrdiff_t>(begin),
                   indices.begin() + static_cast<std::ptrdiff_t>(end));
    for (size_t at = begin; at < end; at += batch) {
      plan.emplace_back(indices.begin() + static_cast<std::ptrdiff_t>(at),
                        indices.begin() + static_cast<std::ptrdiff_t>(std::min(at + batch, end)));
    }
  }
  rng.shuffle(plan);
  return plan;
}

}  // namespace espalier
