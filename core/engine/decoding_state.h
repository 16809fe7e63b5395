#pragma once
#include <cstdint>
#include <vector>

#include "engine/prepared_model.h"

namespace espalier {

// What decoding remembers between passes: keys and values. Rows of a token are keys, then values, (2 width).
struct DecodingState {
  // Of earlier tokens, for each layer (sequences, capacity, 2 width); empty unless `cached`.
  bool cached = false;
  int64_t capacity = 0;          // tokens of a sequence
  std::vector<int32_t> lengths;  // (sequences) tokens that are there
  std::vector<std::vector<float>> self;

  // Of the encoder's output, for each layer of the decoder (M, 2 width), or (M, width) twice where keys and values come
  // from two linears.
  std::vector<int32_t> memory_starts;  // (sources + 1)
  std::vector<int32_t> source_of;      // (sequences)
  std::vector<std::vector<float>> memory;

  // Begins `sequences` without any token.
  void begin(const PreparedStack& stack, int64_t sequences);
  // Makes room for `tokens` more in every sequence.
  void reserve(int64_t tokens);
  // Sequence i goes on from what sequence parents[i] was.
  void select(const std::vector<int32_t>& parents);
};

}  // namespace espalier
