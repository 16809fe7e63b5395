#include "job_kinds/svg.h"

#include <fmt/format.h>

#include "job_kinds/markup.h"

namespace espalier {

std::string svg_begin(double width, double height, const std::string& label) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "role=\"img\" font-family=\"Inter, Helvetica Neue, Arial, DejaVu Sans, sans-serif\" aria-label=\"{2}\">\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n",
      width, height, escaped(label));
}

std::string svg_text(double x, double y, const char* anchor, const char* attributes, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", x, y, anchor, attributes,
                     escaped(text));
}

std::string svg_upward_text(double x, double y, const char* attributes, const std::string& text) {
  const std::string turned = fmt::format("{0} transform=\"rotate(-90 {1:.1f} {2:.1f})\"", attributes, x, y);
  return svg_text(x, y, "middle", turned.c_str(), text);
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* attributes) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2,
                     attributes);
}

}  // namespace espalier
