#pragma once
#include <optional>
#include <string>
#include <vector>

namespace espalier {

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  bool inside(const Box& outer) const {
    return left >= outer.left && right <= outer.right && top >= outer.top && bottom <= outer.bottom;
  }
};

struct Label {
  std::string text;
  double x = 0, y = 0;      // of the mark that it belongs to
  std::optional<Box> box;   // where it went; nothing when there was no room left
  bool needs_line = false;  // so far from its mark that a thin line should join them
};

// Places every label in `area` near its mark so that it overlaps neither another label nor one of `marks`, and none of
// `lines` where there is room beside them. Text is taken to be `character_width` wide a character and `line_height`
// high. Deterministic.
void place_labels(std::vector<Label>& labels, const std::vector<Box>& marks, const std::vector<Box>& lines,
                  const Box& area, double character_width, double line_height);

}  // namespace espalier
