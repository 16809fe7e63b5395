#include "engine/decoding_state.h"

#include <algorithm>

namespace espalier {

namespace {

constexpr int64_t kFirstCapacity = 32;  // tokens

}  // namespace

void DecodingState::begin(const PreparedStack& stack, int64_t sequences) {
  cached = true;
  capacity = kFirstCapacity;
  lengths.assign(static_cast<size_t>(sequences), 0);
  self.clear();
  for (const PreparedLayer& layer : stack.layers) {
    self.emplace_back(static_cast<size_t>(sequences * capacity * 2 * layer.attention.width()));
  }
}

void DecodingState::reserve(int64_t tokens) {
  const int64_t needed = tokens + *std::max_element(lengths.begin(), lengths.end());
  if (needed <= capacity) return;
  const int64_t wider = std::max(needed, 2 * capacity);
  for (std::vector<float>& layer : self) {
    const size_t row = layer.size() / lengths.size() / static_cast<size_t>(capacity);
    std::vector<float> longer(lengths.size() * static_cast<size_t>(wider) * row);
    for (size_t i = 0; i < lengths.size(); ++i) {
      std::copy_n(layer.begin() + static_cast<ptrdiff_t>(i * static_cast<size_t>(capacity) * row),
                  static_cast<size_t>(lengths[i]) * row,
                  longer.begin() + static_cast<ptrdiff_t>(i * static_cast<size_t>(wider) * row));
    }
    layer = std::move(longer);
  }
  capacity = wider;
}

void DecodingState::select(const std::vector<int32_t>& parents) {
  const auto stays = [&] {
    for (size_t i = 0; i < parents.size(); ++i) {
      if (parents[i] != static_cast<int32_t>(i)) return false;
    }
    return parents.size() == lengths.size();
  };
  if (stays()) return;
  for (std::vector<float>& layer : self) {
    const size_t block = layer.size() / lengths.size();
    const size_t row = block / static_cast<size_t>(capacity);
    std::vector<float> chosen(block * parents.size());
    for (size_t i = 0; i < parents.size(); ++i) {
      const auto parent = static_cast<size_t>(parents[i]);
      const size_t used = static_cast<size_t>(lengths[parent]) * row;
      std::copy_n(layer.begin() + static_cast<ptrdiff_t>(parent * block), used,
                  chosen.begin() + static_cast<ptrdiff_t>(i * block));
    }
    layer = std::move(chosen);
  }
  const auto pick = [&](std::vector<int32_t>& values) {
    if (values.empty()) return;
    std::vector<int32_t> chosen;
    for (const int32_t parent : parents) chosen.push_back(values[static_cast<size_t>(parent)]);
    values = std::move(chosen);
  };
  pick(lengths);
  pick(source_of);
}

}  // namespace espalier
