#include "job_kinds/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "job_kinds/axis.h"
#include "job_kinds/label_layout.h"
#include "job_kinds/markup.h"
#include "job_kinds/svg.h"

namespace espalier {
namespace {

constexpr double kMargin = 16;
constexpr double kHeader = 58;           // title and conditions
constexpr double kCharacterWidth = 6.4;  // of 11 px text, a little generous
constexpr const char* kEmptyCell = "#e4e4e4";
constexpr const char* kLevel = "stroke=\"#888888\" stroke-width=\"0.8\" stroke-dasharray=\"4 3\"";

using Rgb = std::array<double, 3>;

constexpr std::array<Rgb, 10> kCividis = {{{0x00, 0x20, 0x4D},
                                           {0x00, 0x33, 0x6F},
                                           {0x39, 0x48, 0x6B},
                                           {0x57, 0x5C, 0x6D},
                                           {0x70, 0x71, 0x73},
                                           {0x8A, 0x87, 0x79},
                                           {0xA6, 0x9D, 0x75},
                                           {0xC4, 0xB5, 0x6C},
                                           {0xE4, 0xCF, 0x5B},
                                           {0xFF, 0xEA, 0x46}}};
constexpr std::array<Rgb, 5> kAroundZero = {
    {{0x21, 0x66, 0xAC}, {0x92, 0xC5, 0xDE}, {0xF7, 0xF7, 0xF7}, {0xF4, 0xA5, 0x82}, {0xB2, 0x18, 0x2B}}};

struct LineStyle {
  const char* colour;
  const char* dashes;
};
constexpr std::array<LineStyle, 8> kLines = {{{"#0072B2", ""},
                                              {"#D55E00", "7 3"},
                                              {"#009E73", "2 2"},
                                              {"#CC79A7", "9 3 2 3"},
                                              {"#E69F00", ""},
                                              {"#56B4E9", "5 2"},
                                              {"#000000", "1.5 2.5"},
                                              {"#999999", "4 4"}}};

template <size_t N>
Rgb mix(const std::array<Rgb, N>& stops, double share) {
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(N - 1);
  const size_t below = std::min(static_cast<size_t>(place), N - 2);
  const double rest = place - static_cast<double>(below);
  Rgb colour{};
  for (size_t i = 0; i < 3; ++i) colour[i] = stops[below][i] + (stops[below + 1][i] - stops[below][i]) * rest;
  return colour;
}

std::string hex(const Rgb& colour) {
  return fmt::format("#{:02X}{:02X}{:02X}", std::lround(colour[0]), std::lround(colour[1]), std::lround(colour[2]));
}

bool is_dark(const Rgb& colour) { return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 128; }

double text_width(const std::string& text) {
  const auto letters =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  return kCharacterWidth * static_cast<double>(letters);
}

double widest(const std::vector<std::string>& names) {
  double width = 0;
  for (const std::string& name : names) width = std::max(width, text_width(name));
  return width;
}

std::string begin_figure(double width, double height, const std::string& title, const std::string& conditions) {
  return svg_begin(width, height, title) + svg_text(kMargin, 26, "start", kSvgTitleText, title) +
         svg_text(kMargin, 44, "start", kSvgTickText, conditions);
}

// Wide enough for the words over the picture: the title's letters are larger.
double header_width(const std::string& title, const std::string& conditions) {
  return 2 * kMargin + std::max(text_width(title) * 1.5, text_width(conditions));
}

std::string number(double value, double span) {
  const int decimals = span <= 0 ? 2 : std::clamp(static_cast<int>(std::ceil(2 - std::log10(span))), 0, 6);
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos && text.front() == '-' ? text.substr(1) : text;
}

// --- Matrix ---------------------------------------------------------------------------------------------------------

class MatrixPicture {
 public:
  explicit MatrixPicture(const MatrixFigure& figure) : figure_(figure) {
    rows_ = figure.values.size();
    for (const auto& row : figure.values) columns_ = std::max(columns_, row.size());
    low_ = std::numeric_limits<double>::infinity();
    high_ = -low_;
    for (const auto& row : figure.values) {
      for (const double value : row) {
        if (!std::isfinite(value)) continue;
        low_ = std::min(low_, value);
        high_ = std::max(high_, value);
      }
    }
    has_values_ = low_ <= high_;
    if (!has_values_) low_ = 0, high_ = 1;
    low_ = figure.low.value_or(low_);
    high_ = figure.high.value_or(high_);
    if (figure.around_zero) {
      high_ = std::max(std::abs(low_), std::abs(high_));
      low_ = -high_;
    }
    if (low_ >= high_) high_ = low_ + 1;
    const double most = static_cast<double>(std::max<size_t>({rows_, columns_, 1}));
    cell_ = std::clamp(640 / most, 3.0, 44.0);
    turned_ = widest(figure.column_names) > cell_ - 4;
    left_ = kMargin + 20 + widest(figure.row_names) + 8;
    top_ = kHeader + 22 + (turned_ ? widest(figure.column_names) + 8 : 18);
    right_ = left_ + cell_ * static_cast<double>(columns_);
    bottom_ = top_ + cell_ * static_cast<double>(rows_);
  }

  std::string svg() const {
    const double bar_bottom = top_ + std::max(bottom_ - top_, 90.0);
    const double width = std::max(right_ + 110, header_width(figure_.title, figure_.conditions));
    std::string svg = begin_figure(width, bar_bottom + kMargin, figure_.title, figure_.conditions);
    svg += cells() + names() + bar(right_ + 24, top_, bar_bottom);
    return svg + "</svg>\n";
  }

 private:
  Rgb colour(double value) const {
    const double share = (value - low_) / (high_ - low_);
    return figure_.around_zero ? mix(kAroundZero, share) : mix(kCividis, share);
  }

  std::string cells() const {
    if (!has_values_) return svg_text(left_, top_ + 14, "start", kSvgLabelText, "no values");
    std::string svg;
    for (size_t r = 0; r < rows_; ++r) {
      for (size_t c = 0; c < columns_; ++c) {
        const bool there = c < figure_.values[r].size() && std::isfinite(figure_.values[r][c]);
        const double x = left_ + cell_ * static_cast<double>(c), y = top_ + cell_ * static_cast<double>(r);
        const Rgb fill = there ? colour(figure_.values[r][c]) : Rgb{};
        const double gap = cell_ >= 12 ? 1 : 0;
        svg += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>", x, y,
                           cell_ - gap, cell_ - gap, there ? hex(fill) : kEmptyCell);
        const std::string text = there ? number(figure_.values[r][c], high_ - low_) : "";
        if (there && text_width(text) < cell_ - 2) {
          svg += svg_text(x + cell_ / 2, y + cell_ / 2 + 4, "middle",
                          is_dark(fill) ? "font-size=\"11\" fill=\"#ffffff\"" : kSvgLabelText, text);
        }
        svg += '\n';
      }
    }
    return svg;
  }

  std::string names() const {
    // Names thin out where lines of text are higher than cells.
    const auto every = static_cast<size_t>(std::ceil(12 / cell_));
    std::string svg;
    for (size_t r = 0; r < std::min(rows_, figure_.row_names.size()); r += every) {
      const double y = top_ + cell_ * (static_cast<double>(r) + 0.5) + 4;
      svg += svg_text(left_ - 6, y, "end", kSvgTickText, figure_.row_names[r]);
    }
    for (size_t c = 0; c < std::min(columns_, figure_.column_names.size()); c += every) {
      const double x = left_ + cell_ * (static_cast<double>(c) + 0.5);
      if (!turned_) {
        svg += svg_text(x, top_ - 6, "middle", kSvgTickText, figure_.column_names[c]);
        continue;
      }
      const std::string turn = fmt::format("{} transform=\"rotate(-90 {:.1f} {:.1f})\"", kSvgTickText, x + 4, top_ - 6);
      svg += svg_text(x + 4, top_ - 6, "start", turn.c_str(), figure_.column_names[c]);
    }
    svg += svg_text((left_ + right_) / 2, kHeader + 12, "middle", kSvgAxisText, figure_.column_title);
    svg += svg_upward_text(kMargin + 10, (top_ + bottom_) / 2, kSvgAxisText, figure_.row_title);
    return svg;
  }

  std::string bar(double x, double top, double bottom) const {
    constexpr int kSteps = 48;
    const double height = (bottom - top) / kSteps;
    std::string svg;
    for (int i = 0; i < kSteps; ++i) {
      const double value = high_ - (high_ - low_) * (i + 0.5) / kSteps;
      svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"12\" height=\"{:.2f}\" fill=\"{}\"/>", x,
                         top + height * i, height + 0.3, hex(colour(value)));
    }
    const Axis axis = Axis::linear(low_, high_, bottom, top);
    svg += '\n';
    for (const double tick : axis.ticks()) {
      svg += svg_line(x + 12, axis.pixel(tick), x + 16, axis.pixel(tick), kSvgAxis);
      svg += svg_text(x + 19, axis.pixel(tick) + 4, "start", kSvgTickText, axis.text(tick));
    }
    return svg + svg_upward_text(x + 74, (top + bottom) / 2, kSvgLabelText, figure_.value_title);
  }

  const MatrixFigure& figure_;
  size_t rows_ = 0, columns_ = 0;
  double low_ = 0, high_ = 1, cell_ = 20;
  bool turned_ = false, has_values_ = false;
  double left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;
};

// --- Curves ---------------------------------------------------------------------------------------------------------

std::string line_paint(const LineStyle& style) {
  const std::string dashes = *style.dashes == 0 ? "" : fmt::format(" stroke-dasharray=\"{}\"", style.dashes);
  return fmt::format("fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"{}", style.colour, dashes);
}

std::string curve_path(const Curve& curve, const Axis& x, const Axis& y) {
  std::string path;
  for (size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i) {
    const double px = x.pixel(curve.x[i]), py = y.pixel(curve.y[i]);
    if (path.empty()) {
      path = fmt::format("M{:.1f} {:.1f}", px, py);
    } else {
      path += curve.steps ? fmt::format("H{:.1f}V{:.1f}", px, py) : fmt::format("L{:.1f} {:.1f}", px, py);
    }
  }
  return path;
}

// `names`: of the legend; without one a level is named where it stands.
std::string panel_svg(const CurvePanel& panel, const Box& area, const std::vector<std::string>& names) {
  std::vector<double> xs, ys;
  for (const Curve& curve : panel.curves) {
    xs.insert(xs.end(), curve.x.begin(), curve.x.end());
    ys.insert(ys.end(), curve.y.begin(), curve.y.end());
  }
  if (xs.empty()) return svg_text(area.left, area.top + 14, "start", kSvgLabelText, "no values");
  if (panel.level) ys.push_back(*panel.level);
  if (panel.y_from_zero) ys.push_back(0);
  const auto [x_low, x_high] = std::ranges::minmax(xs);
  const auto [y_low, y_high] = std::ranges::minmax(ys);
  const double margin = y_high > y_low ? 0.05 * (y_high - y_low) : 0.5;
  const Axis x = Axis::linear(x_low, x_high > x_low ? x_high : x_low + 1, area.left, area.right);
  const Axis y =
      Axis::linear(panel.y_from_zero && y_low == 0 ? 0 : y_low - margin, y_high + margin, area.bottom, area.top);
  std::string svg = svg_line(area.left, area.bottom, area.right, area.bottom, kSvgAxis);
  svg += svg_line(area.left, area.top, area.left, area.bottom, kSvgAxis);
  for (const double tick : x.ticks()) {
    svg += svg_line(x.pixel(tick), area.bottom, x.pixel(tick), area.bottom + 4, kSvgAxis);
    svg += svg_text(x.pixel(tick), area.bottom + 17, "middle", kSvgTickText, x.text(tick));
  }
  for (const double tick : y.ticks()) {
    svg += svg_line(area.left - 4, y.pixel(tick), area.left, y.pixel(tick), kSvgAxis);
    svg += svg_text(area.left - 7, y.pixel(tick) + 4, "end", kSvgTickText, y.text(tick));
  }
  svg += svg_text((area.left + area.right) / 2, area.bottom + 38, "middle", kSvgAxisText, panel.x_title);
  svg += svg_upward_text(area.left - 52, (area.top + area.bottom) / 2, kSvgAxisText, panel.y_title);
  if (panel.level) {
    const double at = y.pixel(*panel.level);
    svg += svg_line(area.left, at, area.right, at, kLevel);
    if (names.size() < 2) svg += svg_text(area.left + 5, at - 4, "start", kSvgTickText, panel.level_name);
  }
  for (const Curve& curve : panel.curves) {
    const auto place = static_cast<size_t>(std::ranges::find(names, curve.name) - names.begin());
    svg += fmt::format("<path class=\"curve\" d=\"{}\" {}><title>{}</title></path>\n", curve_path(curve, x, y),
                       line_paint(kLines[place % kLines.size()]), escaped(curve.name));
  }
  return svg;
}

}  // namespace

std::string matrix_svg(const MatrixFigure& figure) { return MatrixPicture(figure).svg(); }

std::string curves_svg(const CurveFigure& figure) {
  constexpr double kPanelWidth = 420, kPanelHeight = 300, kLeft = 74, kBetween = 96;
  std::vector<std::string> names;
  for (const CurvePanel& panel : figure.panels) {
    for (const Curve& curve : panel.curves) {
      if (std::ranges::find(names, curve.name) == names.end()) names.push_back(curve.name);
    }
  }
  const bool legend = names.size() > 1;
  std::vector<std::string> levels;
  for (const CurvePanel& panel : figure.panels) {
    if (legend && panel.level && std::ranges::find(levels, panel.level_name) == levels.end()) {
      levels.push_back(panel.level_name);
    }
  }
  const auto count = static_cast<double>(figure.panels.size());
  const double panels_right = kLeft + count * kPanelWidth + (count - 1) * kBetween;
  const double width = std::max(panels_right + (legend ? 60 + std::max(widest(names), widest(levels)) : 0) + kMargin,
                                header_width(figure.title, figure.conditions));
  const double bottom = kHeader + kPanelHeight;
  std::string svg = begin_figure(width, bottom + 56, figure.title, figure.conditions);
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    const double left = kLeft + static_cast<double>(i) * (kPanelWidth + kBetween);
    svg += panel_svg(figure.panels[i], {left, kHeader, left + kPanelWidth, bottom}, names);
  }
  double y = kHeader + 8;
  const auto entry = [&](const std::string& name, const char* paint) {
    svg += svg_line(panels_right + 16, y, panels_right + 44, y, paint);
    svg += svg_text(panels_right + 50, y + 4, "start", kSvgLabelText, name);
    y += 18;
  };
  for (size_t i = 0; legend && i < names.size(); ++i) entry(names[i], line_paint(kLines[i % kLines.size()]).c_str());
  for (const std::string& level : levels) entry(level, kLevel);
  return svg + "</svg>\n";
}

std::string bars_svg(const BarFigure& figure) {
  constexpr double kBar = 14, kRow = 19, kPlot = 420;
  const size_t count = std::min(figure.names.size(), figure.values.size());
  double low = 0, high = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(figure.values[i])) continue;
    low = std::min(low, figure.values[i]);
    high = std::max(high, figure.values[i]);
  }
  if (low == high) high = 1;
  // Room for the numbers at the ends of the bars.
  const double room = 0.14 * (high - low);
  const double left = kMargin + widest(figure.names) + 10, bottom = kHeader + kRow * static_cast<double>(count) + 4;
  const Axis axis = Axis::linear(low < 0 ? low - room : 0, high > 0 ? high + room : 0, left, left + kPlot);
  const double width = std::max(left + kPlot + kMargin, header_width(figure.title, figure.conditions));
  std::string svg = begin_figure(width, bottom + 56, figure.title, figure.conditions);
  for (size_t i = 0; i < count; ++i) {
    const double y = kHeader + kRow * static_cast<double>(i);
    svg += svg_text(left - 6, y + 11, "end", kSvgLabelText, figure.names[i]);
    if (!std::isfinite(figure.values[i])) continue;
    const bool positive = figure.values[i] >= 0;
    const double from = axis.pixel(std::min(0.0, figure.values[i])), to = axis.pixel(std::max(0.0, figure.values[i]));
    svg +=
        fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" fill=\"{}\"/>\n",
                    from, y, to - from, kBar, positive ? "#0072B2" : "#D55E00");
    svg += svg_text(positive ? to + 4 : from - 4, y + 11, positive ? "start" : "end", kSvgTickText,
                    number(figure.values[i], high - low));
  }
  svg += svg_line(left, bottom, left + kPlot, bottom, kSvgAxis);
  svg += svg_line(axis.pixel(0), kHeader - 4, axis.pixel(0), bottom, kSvgAxis);
  for (const double tick : axis.ticks()) {
    svg += svg_line(axis.pixel(tick), bottom, axis.pixel(tick), bottom + 4, kSvgAxis);
    svg += svg_text(axis.pixel(tick), bottom + 17, "middle", kSvgTickText, axis.text(tick));
  }
  return svg + svg_text(left + kPlot / 2, bottom + 38, "middle", kSvgAxisText, figure.value_title) + "</svg>\n";
}

}  // namespace espalier
