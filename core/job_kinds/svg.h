#pragma once
// Pieces of SVG as attributes, not as a style sheet: word processors and drawing programs read these too.

#include <string>

namespace espalier {

inline constexpr const char* kSvgAxis = "stroke=\"#888888\" stroke-width=\"1\"";
inline constexpr const char* kSvgLabelText = "font-size=\"11\" fill=\"#222222\"";
inline constexpr const char* kSvgTickText = "font-size=\"11\" fill=\"#555555\"";
inline constexpr const char* kSvgAxisText = "font-size=\"13\" fill=\"#222222\"";
inline constexpr const char* kSvgTitleText = "font-size=\"16\" font-weight=\"600\" fill=\"#222222\"";

// The opening tag and a white ground; lengths in CSS pixels. `label` is read out in place of the picture.
std::string svg_begin(double width, double height, const std::string& label);
// anchor: "start", "middle" or "end".
std::string svg_text(double x, double y, const char* anchor, const char* attributes, const std::string& text);
// The same turned to read upwards.
std::string svg_upward_text(double x, double y, const char* attributes, const std::string& text);
std::string svg_line(double x1, double y1, double x2, double y2, const char* attributes);

}  // namespace espalier
