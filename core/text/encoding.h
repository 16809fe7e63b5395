#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/index.h"

namespace espalier {

// One tokenized text or pair.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<int32_t> type_ids;                     // 0 first text, 1 second
  std::vector<std::pair<int32_t, int32_t>> offsets;  // [begin, end) in code points of its own text; (0, 0) if special
  std::vector<bool> special;                         // [CLS], [SEP], padding

  size_t size() const { return ids.size(); }
};

// Sequences laid end to end: no padding exists, so none is computed.
struct PackedBatch {
  std::vector<TokenId> ids;       // (T) all tokens of all sequences
  std::vector<int32_t> type_ids;  // (T)
  std::vector<int32_t> starts;    // (B + 1) first token of each sequence; starts[B] = T

  int64_t num_sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
  int64_t num_tokens() const { return static_cast<int64_t>(ids.size()); }
};

PackedBatch pack(std::span<const Encoding* const> encodings);
PackedBatch pack(const std::vector<Encoding>& encodings);

}  // namespace espalier
