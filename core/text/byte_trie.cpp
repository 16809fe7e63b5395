#include "text/byte_trie.h"

namespace espalier {

ByteTrie::ByteTrie() : edges_(16), values_(1, -1), mask_(15) { first_.fill(-1); }

void ByteTrie::insert(std::string_view text, int32_t value) {
  if (text.empty()) return;
  Node node = kRoot;
  for (const char byte : text) {
    Node next = child(node, byte);
    if (next < 0) {
      next = static_cast<Node>(values_.size());
      values_.push_back(-1);
      if (node == kRoot) {
        first_[static_cast<uint8_t>(byte)] = next;
      } else {
        add_edge(key_of(node, static_cast<uint8_t>(byte)), next);
      }
    }
    node = next;
  }
  values_[static_cast<size_t>(node)] = value;
}

void ByteTrie::add_edge(uint64_t key, Node child) {
  if ((used_ + 1) * 2 > edges_.size()) {
    std::vector<Edge> old(edges_.size() * 2);
    old.swap(edges_);
    mask_ = edges_.size() - 1;
    used_ = 0;
    for (const Edge& edge : old) {
      if (edge.key != 0) add_edge(edge.key, edge.child);
    }
  }
  size_t slot = place(key);
  while (edges_[slot].key != 0) slot = (slot + 1) & mask_;
  edges_[slot] = {key, child};
  ++used_;
}

}  // namespace espalier
