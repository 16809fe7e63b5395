#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/json.h"
#include "job_kinds/axis.h"
#include "job_kinds/front.h"
#include "job_kinds/label_layout.h"
#include "job_kinds/markup.h"
#include "job_kinds/report.h"
#include "job_kinds/svg.h"

namespace espalier {
namespace {

constexpr double kMark = 5.5;            // half the size of a mark
constexpr double kCharacterWidth = 6.5;  // of the 11 px labels, a little generous
constexpr double kLineHeight = 13;

constexpr const char* kBaseline = "class=\"baseline\" stroke=\"#888888\" stroke-width=\"0.8\" stroke-dasharray=\"4 3\"";
constexpr const char* kFront = "class=\"front\" fill=\"none\" stroke=\"#777777\" stroke-width=\"1.4\"";
constexpr const char* kLeader = "stroke=\"#aaaaaa\" stroke-width=\"0.7\"";
constexpr const char* kHaloText =
    "font-size=\"11\" fill=\"#ffffff\" stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\"";

struct FamilyStyle {
  const char* family;
  const char* colour;  // Okabe and Ito
  const char* title;
};

constexpr std::array<FamilyStyle, 7> kFamilies = {{{"baseline", "#000000", "baseline"},
                                                   {"prune", "#0072B2", "pruning"},
                                                   {"share", "#009E73", "weight sharing"},
                                                   {"factorize", "#E69F00", "low rank"},
                                                   {"quantize", "#D55E00", "quantization"},
                                                   {"distill", "#CC79A7", "distillation"},
                                                   {"combined", "#56B4E9", "combined"}}};

const FamilyStyle& style_of(const std::string& family) {
  const auto* found = std::ranges::find_if(kFamilies, [&](const FamilyStyle& style) { return family == style.family; });
  return found == kFamilies.end() ? kFamilies.back() : *found;
}

std::string polygon(double x, double y, int corners, double turn, const std::string& paint) {
  std::string points;
  for (int i = 0; i < corners; ++i) {
    const double angle = (turn + i * 360.0 / corners - 90) * 3.14159265358979 / 180;
    points += fmt::format("{:.1f},{:.1f} ", x + kMark * 1.2 * std::cos(angle), y + kMark * 1.2 * std::sin(angle));
  }
  return fmt::format("<polygon points=\"{}\" {}/>", points, paint);
}

// Filled on the front, hollow elsewhere.
std::string mark_svg(const std::string& family, double x, double y, bool filled) {
  const std::string colour = style_of(family).colour;
  const std::string paint =
      fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.6\"", filled ? colour : "#ffffff", colour);
  if (family == "prune") return polygon(x, y, 4, 45, paint);
  if (family == "share") return polygon(x, y, 3, 0, paint);
  if (family == "factorize") return polygon(x, y, 4, 0, paint);
  if (family == "quantize") return polygon(x, y, 3, 180, paint);
  if (family == "distill") return polygon(x, y, 5, 0, paint);
  if (family == "combined") return polygon(x, y, 6, 30, paint);
  return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" {}/>", x, y, kMark, paint);
}

// What a panel shows of a row.
struct Point {
  const Json* row = nullptr;
  std::string label, family;
  double cost = 0, cost_low = 0, cost_high = 0;           // in the unit of the axis
  double quality = 0, quality_low = 0, quality_high = 0;  // percent, or hundredths of a correlation
};

struct PanelSpec {
  std::string member;  // of the row
  double scale = 1;    // from the row's unit to the axis's
  std::string title;
};

std::vector<Point> points_of(const std::vector<Json>& rows, const std::string& quality, const PanelSpec& spec) {
  std::vector<Point> points;
  for (const Json& row : rows) {
    if (!row.contains(quality) || !row.contains(spec.member)) continue;
    Point point;
    point.row = &row;
    point.label = label_of_row(row);
    point.family = family_of_row(row);
    point.cost = row.at(spec.member).get<double>() * spec.scale;
    const bool timed = spec.member == "latency_ms_p50";
    point.cost_low = timed ? row.value("latency_ms_p10", point.cost) : point.cost;
    point.cost_high = timed ? row.value("latency_ms_p90", point.cost) : point.cost;
    point.quality = 100 * row.at(quality).get<double>();
    point.quality_low = 100 * row.value(quality + "_low", point.quality / 100);
    point.quality_high = 100 * row.value(quality + "_high", point.quality / 100);
    points.push_back(point);
  }
  return points;
}

class Panel {
 public:
  Panel(const std::vector<Json>& rows, const std::string& quality, const PanelSpec& spec, const Box& area)
      : spec_(spec), area_(area), points_(points_of(rows, quality, spec)) {
    for (const size_t row : pareto_front(rows, quality, spec.member)) front_.push_back(&rows[row]);
    if (points_.empty()) return;
    std::vector<double> costs, qualities;
    for (const Point& point : points_) {
      costs.insert(costs.end(), {point.cost_low, point.cost_high});
      qualities.insert(qualities.end(), {point.quality_low, point.quality_high});
    }
    x_ = Axis::for_costs(costs, area.left, area.right);
    y_ = Axis::for_quality(qualities, area.bottom, area.top);
  }

  std::string svg(const std::string& quality_title) const {
    if (points_.empty()) {
      return svg_text((area_.left + area_.right) / 2, (area_.top + area_.bottom) / 2, "middle", kSvgLabelText,
                      "not measured");
    }
    return axes(quality_title) + baseline() + front() + intervals() + marks() + labels();
  }

 private:
  std::string axes(const std::string& quality_title) const {
    std::string svg = svg_line(area_.left, area_.bottom, area_.right, area_.bottom, kSvgAxis);
    svg += svg_line(area_.left, area_.top, area_.left, area_.bottom, kSvgAxis);
    for (const double tick : x_.ticks()) {
      const double x = x_.pixel(tick);
      svg += svg_line(x, area_.bottom, x, area_.bottom + 4, kSvgAxis);
      svg += svg_text(x, area_.bottom + 17, "middle", kSvgTickText, x_.text(tick));
    }
    for (const double tick : y_.ticks()) {
      const double y = y_.pixel(tick);
      svg += svg_line(area_.left - 4, y, area_.left, y, kSvgAxis);
      svg += svg_text(area_.left - 7, y + 4, "end", kSvgTickText, y_.text(tick));
    }
    svg += svg_text((area_.left + area_.right) / 2, area_.bottom + 38, "middle", kSvgAxisText,
                    spec_.title + (x_.logarithmic() ? ", log scale" : ""));
    const double middle = (area_.top + area_.bottom) / 2, left = area_.left - 44;
    svg += svg_upward_text(left, middle, kSvgAxisText, quality_title);
    return svg;
  }

  std::string baseline() const {
    const auto found = std::ranges::find_if(points_, [](const Point& point) { return point.family == "baseline"; });
    if (found == points_.end()) return {};
    const double y = y_.pixel(found->quality);
    return svg_line(area_.left, y, area_.right, y, kBaseline);
  }

  bool on_front(const Point& point) const { return std::ranges::find(front_, point.row) != front_.end(); }

  std::vector<const Point*> front_points() const {
    std::vector<const Point*> found;
    for (const Json* row : front_) {
      found.push_back(&*std::ranges::find_if(points_, [&](const Point& point) { return point.row == row; }));
    }
    return found;
  }

  // A staircase: what no measured model reaches lies above and to the left of it.
  std::string front() const {
    const std::vector<const Point*> steps = front_points();
    std::string path;
    for (const Point* step : steps) {
      const double x = x_.pixel(step->cost), y = y_.pixel(step->quality);
      path += path.empty() ? fmt::format("M{:.1f} {:.1f}", x, y) : fmt::format(" H{:.1f} V{:.1f}", x, y);
    }
    return steps.size() < 2 ? std::string() : fmt::format("<path d=\"{}\" {}/>\n", path, kFront);
  }

  std::string intervals() const {
    std::string svg;
    for (const Point& point : points_) {
      const std::string paint =
          fmt::format("stroke=\"{}\" stroke-width=\"1\" stroke-opacity=\"0.55\"", style_of(point.family).colour);
      const double x = x_.pixel(point.cost), y = y_.pixel(point.quality);
      svg += svg_line(x, y_.pixel(point.quality_low), x, y_.pixel(point.quality_high), paint.c_str());
      if (point.cost_low < point.cost_high) {
        svg += svg_line(x_.pixel(point.cost_low), y, x_.pixel(point.cost_high), y, paint.c_str());
      }
    }
    return svg;
  }

  std::string marks() const {
    std::string svg;
    for (const Point& point : points_) {
      svg += fmt::format("<g><title>{}: {:.2f} ({:.2f} to {:.2f}), {:.4g} {}</title>{}</g>\n", escaped(point.label),
                         point.quality, point.quality_low, point.quality_high, point.cost, escaped(spec_.title),
                         mark_svg(point.family, x_.pixel(point.cost), y_.pixel(point.quality), on_front(point)));
    }
    return svg;
  }

  // Thin boxes around everything that a label should rather not cross.
  std::vector<Box> lines() const {
    std::vector<Box> boxes;
    const auto add = [&](double x1, double y1, double x2, double y2) {
      boxes.push_back({std::min(x1, x2) - 1, std::min(y1, y2) - 1, std::max(x1, x2) + 1, std::max(y1, y2) + 1});
    };
    for (const Point& point : points_) {
      const double x = x_.pixel(point.cost), y = y_.pixel(point.quality);
      add(x, y_.pixel(point.quality_low), x, y_.pixel(point.quality_high));
      add(x_.pixel(point.cost_low), y, x_.pixel(point.cost_high), y);
      if (point.family == "baseline") add(area_.left, y, area_.right, y);
    }
    const std::vector<const Point*> steps = front_points();
    for (size_t i = 1; i < steps.size(); ++i) {
      const double x0 = x_.pixel(steps[i - 1]->cost), y0 = y_.pixel(steps[i - 1]->quality);
      const double x1 = x_.pixel(steps[i]->cost), y1 = y_.pixel(steps[i]->quality);
      add(x0, y0, x1, y0);
      add(x1, y0, x1, y1);
    }
    return boxes;
  }

  std::string labels() const {
    std::vector<Label> placed;
    std::vector<Box> taken;
    for (const Point& point : points_) {
      const double x = x_.pixel(point.cost), y = y_.pixel(point.quality);
      Label label;
      label.text = point.label;
      label.x = x;
      label.y = y;
      placed.push_back(label);
      taken.push_back({x - kMark - 1, y - kMark - 1, x + kMark + 1, y + kMark + 1});
    }
    place_labels(placed, taken, lines(), area_, kCharacterWidth, kLineHeight);
    std::string svg;
    for (const Label& label : placed) {
      if (!label.box) continue;
      const Box& box = *label.box;
      if (label.needs_line) {
        const double x = std::clamp(label.x, box.left, box.right), y = std::clamp(label.y, box.top, box.bottom);
        svg += svg_line(label.x, label.y, x, y, kLeader);
      }
      const bool right = box.left >= label.x, left = box.right <= label.x;
      const double x = right ? box.left : left ? box.right : (box.left + box.right) / 2;
      const char* anchor = right ? "start" : left ? "end" : "middle";
      // A white rim under the letters keeps them legible where they must cross a line.
      svg += svg_text(x, box.bottom - 3, anchor, kHaloText, label.text);
      svg += svg_text(x, box.bottom - 3, anchor, kSvgLabelText, label.text);
    }
    return svg;
  }

  const PanelSpec spec_;
  const Box area_;
  const std::vector<Point> points_;
  std::vector<const Json*> front_;
  Axis x_, y_;
};

// Shape and colour of every family that occurs, and what the lines mean.
std::string legend(const std::vector<Json>& rows, double y) {
  std::string svg;
  double x = 62;
  const auto entry = [&](const std::string& mark, const std::string& text) {
    svg += mark + svg_text(x + 12, y + 4, "start", kSvgLabelText, text);
    x += 34 + kCharacterWidth * static_cast<double>(text.size());
  };
  for (const FamilyStyle& style : kFamilies) {
    const bool used = std::ranges::any_of(rows, [&](const Json& row) { return family_of_row(row) == style.family; });
    if (used) entry(mark_svg(style.family, x, y, true), style.title);
  }
  entry(svg_line(x - 8, y, x + 8, y, kFront), "front (filled marks)");
  return svg;
}

std::string latency_title(const std::vector<Json>& rows) {
  for (const Json& row : rows) {
    if (!row.contains("latency_ms_p50")) continue;
    const int threads = row.value("latency_threads", 1);
    return fmt::format("Latency, ms (batch {}, {} tokens, {} thread{})", row.value("latency_batch", 1),
                       row.value("latency_length", 128), threads, threads == 1 ? "" : "s");
  }
  return "Latency, ms";
}

}  // namespace

std::string label_of_row(const Json& row) {
  if (row.contains("name")) return row.at("name").get<std::string>();
  const std::string method = row.value("method", "");
  return method.empty() ? "baseline" : "+ " + method;
}

std::string family_of_row(const Json& row) {
  std::vector<std::string> methods = row.value("methods", std::vector<std::string>());
  if (methods.empty() && !row.value("method", "").empty()) methods.push_back(row.at("method"));
  std::string family = "baseline";
  for (const std::string& method : methods) {
    const std::string own = method.substr(0, method.find('.'));
    family = family == "baseline" || family == own ? own : "combined";
  }
  return family;
}

std::string tradeoff_svg(const std::vector<Json>& rows, const TradeoffOptions& options) {
  const bool classifies = std::ranges::any_of(rows, [](const Json& row) { return row.contains("accuracy"); });
  const std::string quality = classifies ? "accuracy" : "pearson";
  std::string split;
  for (const Json& row : rows) {
    if (split.empty()) split = row.value("split", "");
  }
  const std::string on_split = split.empty() ? "" : " on " + split;
  const std::string quality_title =
      classifies ? "Accuracy" + on_split + ", % (95 % interval)" : "Pearson correlation" + on_split + ", hundredths";

  const double top = options.title.empty() ? 18 : 48, bottom = options.height - 84;
  const double panel = (options.width - 2 * 74 - 12) / 2.0;
  const Box left = {62, top, 62 + panel, bottom};
  const Box right = {left.right + 80, top, left.right + 80 + panel, bottom};
  std::string svg = svg_begin(options.width, options.height, "Quality against size and against latency");
  if (!options.title.empty()) {
    svg += svg_text(62, 26, "start", kSvgTitleText, options.title);
  }
  svg += Panel(rows, quality, {"bundle_bytes", 1e-6, "Bundle size, MB"}, left).svg(quality_title);
  svg += Panel(rows, quality, {"latency_ms_p50", 1, latency_title(rows)}, right).svg(quality_title);
  svg += legend(rows, options.height - 18);
  return svg + "</svg>\n";
}

}  // namespace espalier
