#include "job_kinds/figures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace espalier {
namespace {

int64_t count(const std::string& text, const std::string& part) {
  int64_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

MatrixFigure small_matrix() {
  return {.title = "A <title>",
          .conditions = "of a test",
          .row_title = "layer",
          .column_title = "head",
          .value_title = "nats",
          .row_names = {"r0", "r1"},
          .column_names = {"c0", "c1", "c2"},
          .values = {{0, 1, 2}, {3, std::numeric_limits<double>::quiet_NaN(), 5}},
          .low = {},
          .high = {}};
}

TEST(Figures, AMatrixHasACellAValueAndEscapedNames) {
  const std::string svg = matrix_svg(small_matrix());
  EXPECT_EQ(svg.rfind("<svg ", 0), 0U);
  EXPECT_NE(svg.find("A &lt;title&gt;"), std::string::npos);
  EXPECT_EQ(count(svg, "<rect"), 1 + 6 + 48);         // ground, cells, steps of the bar
  EXPECT_NE(svg.find("#00204D"), std::string::npos);  // the lowest colour
  EXPECT_NE(svg.find("#FFEA46"), std::string::npos);  // the highest
  EXPECT_EQ(count(svg, "#e4e4e4"), 1);                // what is missing
  for (const char* name : {"r1", "c2", "layer", "head", "nats", "of a test", ">5.00<"}) {
    EXPECT_NE(svg.find(name), std::string::npos) << name;
  }
}

TEST(Figures, AroundZeroTheMiddleIsWhite) {
  MatrixFigure figure = small_matrix();
  figure.around_zero = true;
  figure.values = {{-2, 0, 1}};
  const std::string svg = matrix_svg(figure);
  EXPECT_NE(svg.find("#F7F7F7"), std::string::npos);
  EXPECT_NE(svg.find("#2166AC"), std::string::npos);
}

TEST(Figures, NothingToShowIsSaid) {
  MatrixFigure figure = small_matrix();
  figure.values = {};
  EXPECT_NE(matrix_svg(figure).find("no values"), std::string::npos);
  EXPECT_NE(curves_svg({"t", "c", {CurvePanel{"x", "y", {}, {}}}}).find("no values"), std::string::npos);
}

TEST(Figures, CurvesHaveALegendAndStayInside) {
  CurvePanel panel{.x_title = "removed", .y_title = "%", .curves = {}, .level = 50, .level_name = "half"};
  for (const char* name : {"one", "two", "three"}) panel.curves.push_back({name, {0, 10, 20}, {90, 80, 10}});
  const std::string svg = curves_svg({"Title", "conditions", {panel, panel}});
  EXPECT_EQ(count(svg, "class=\"curve\""), 6);
  EXPECT_EQ(count(svg, ">three</text>"), 1);
  EXPECT_EQ(count(svg, ">half</text>"), 1);  // in the legend
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Figures, BarsGoBothWaysFromZero) {
  const std::string svg = bars_svg({"Title", "conditions", "logit", {"good", "not", "lost"}, {2, -1, 0}});
  EXPECT_EQ(count(svg, "class=\"bar\""), 3);
  EXPECT_EQ(count(svg, "#0072B2"), 2);
  EXPECT_EQ(count(svg, "#D55E00"), 1);
  EXPECT_EQ(bars_svg({"Title", "", "", {}, {}}).find("nan"), std::string::npos);
}

}  // namespace
}  // namespace espalier
