#include "job_kinds/label_layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace espalier {
namespace {

constexpr double kNearest = 9;  // from the mark's centre to its label, px
constexpr double kFarthest = 150;
constexpr double kFarthestClear = 31;  // so far a label goes to keep clear of lines
constexpr double kRingStep = 7;
constexpr double kLineFrom = 16;  // labels farther than this get a line
constexpr int kDirections = 16;

// Number of code points.
size_t length_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// The box of a label in a direction from its mark: its nearest edge or corner is `distance` away.
Box box_at(const Label& label, double angle, double distance, double width, double height) {
  const double dx = std::cos(angle), dy = std::sin(angle);
  const double cx = label.x + dx * distance + dx * width / 2;
  const double cy = label.y + dy * distance + dy * height / 2;
  return {cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
}

bool is_free(const Box& box, const std::vector<Label>& labels, const std::vector<Box>& marks, const Box& area) {
  if (!box.inside(area)) return false;
  if (std::ranges::any_of(marks, [&](const Box& mark) { return mark.overlaps(box); })) return false;
  return std::ranges::none_of(labels, [&](const Label& label) { return label.box && label.box->overlaps(box); });
}

bool crosses(const Box& box, const std::vector<Box>& lines) {
  return std::ranges::any_of(lines, [&](const Box& line) { return line.overlaps(box); });
}

bool place(Label& label, const std::vector<Label>& labels, const std::vector<Box>& marks, const std::vector<Box>& lines,
           const Box& area, double width, double height, double farthest) {
  // Right of the mark reads best, then left, then above and below, then the rest.
  static constexpr int kOrder[kDirections] = {0, 8, 15, 1, 9, 7, 14, 2, 10, 6, 12, 4, 13, 3, 11, 5};
  for (double distance = kNearest; distance <= farthest; distance += kRingStep) {
    for (const int direction : kOrder) {
      const double angle = 2 * 3.14159265358979 * direction / kDirections;
      const Box box = box_at(label, angle, distance, width, height);
      if (crosses(box, lines) || !is_free(box, labels, marks, area)) continue;
      label.box = box;
      label.needs_line = distance > kLineFrom;
      return true;
    }
  }
  return false;
}

}  // namespace

void place_labels(std::vector<Label>& labels, const std::vector<Box>& marks, const std::vector<Box>& lines,
                  const Box& area, double character_width, double line_height) {
  // Marks with many neighbours choose first: they have the fewest places.
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto neighbours = [&](size_t i) {
    return std::ranges::count_if(labels, [&](const Label& other) {
      return std::abs(other.x - labels[i].x) < 80 && std::abs(other.y - labels[i].y) < 30;
    });
  };
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return neighbours(a) > neighbours(b); });
  for (const size_t i : order) {
    const double width = static_cast<double>(length_of(labels[i].text)) * character_width;
    if (place(labels[i], labels, marks, lines, area, width, line_height, kFarthestClear)) continue;
    place(labels[i], labels, marks, {}, area, width, line_height, kFarthest);
  }
}

}  // namespace espalier
