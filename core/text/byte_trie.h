#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace espalier {

// Byte strings with a number each, for walking down byte by byte: all strings that a text begins with are found in one
// pass. Children stand in one hash table, keyed by parent and byte.
class ByteTrie {
 public:
  using Node = int32_t;
  static constexpr Node kRoot = 0;

  ByteTrie();

  // `value` >= 0. The last insertion of a text counts; an empty text is ignored.
  void insert(std::string_view text, int32_t value);
  bool empty() const { return values_.size() == 1; }

  // -1 when no string goes on with `byte`.
  Node child(Node node, char byte) const {
    const auto step = static_cast<uint8_t>(byte);
    if (node == kRoot) return first_[step];
    const uint64_t key = key_of(node, step);
    for (size_t slot = place(key);; slot = (slot + 1) & mask_) {
      const Edge& edge = edges_[slot];
      if (edge.key == key) return edge.child;
      if (edge.key == 0) return -1;
    }
  }
  // -1 when no string ends at `node`.
  int32_t value(Node node) const { return values_[static_cast<size_t>(node)]; }

 private:
  struct Edge {
    uint64_t key = 0;  // 0: free
    Node child = -1;
  };
  static uint64_t key_of(Node node, uint8_t byte) { return (static_cast<uint64_t>(node) << 8) | byte; }
  size_t place(uint64_t key) const {
    const uint64_t mixed = key * 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(mixed >> 32) & mask_;
  }
  void add_edge(uint64_t key, Node child);

  std::array<Node, 256> first_;  // children of the root
  std::vector<Edge> edges_;
  std::vector<int32_t> values_;  // by node
  size_t mask_ = 0;
  size_t used_ = 0;
};

}  // namespace espalier
