#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace espalier {

// A whole number that is a position of one kind and cannot be mistaken for another kind.
template <typename Tag>
struct Index {
  int32_t value = 0;
  constexpr Index() = default;
  constexpr explicit Index(int64_t v) : value(static_cast<int32_t>(v)) {}
  constexpr auto operator<=>(const Index&) const = default;
};

using LayerIndex = Index<struct LayerTag>;  // position in its stack
using HeadIndex = Index<struct HeadTag>;    // position in the layer of the model as first opened; stable under pruning
using TokenId = int32_t;                    // row of the vocabulary

}  // namespace espalier

template <typename Tag>
struct std::hash<espalier::Index<Tag>> {
  size_t operator()(espalier::Index<Tag> index) const noexcept { return std::hash<int32_t>{}(index.value); }
};
