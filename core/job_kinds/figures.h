#pragma once
// Figures for print as SVG: a matrix, curves, bars. Every one has a title, and under it the conditions that its numbers
// hold under. Colours survive colour blindness and grey print: cividis (Nunez, Anderton and Renslow 2018) from low to
// high, blue-white-red around zero, Okabe and Ito with dashes for lines.

#include <optional>
#include <string>
#include <vector>

namespace espalier {

struct MatrixFigure {
  std::string title, conditions;
  std::string row_title, column_title;
  std::string value_title;  // beside the colour bar, with the unit
  std::vector<std::string> row_names, column_names;
  std::vector<std::vector<double>> values;  // [row][column]; rows may be short, NaN and what is missing stay grey
  bool around_zero = false;                 // colours on both sides of zero
  std::optional<double> low, high;          // ends of the colours; else those of the values
};
// Numbers stand in the cells where these are large enough. Without a value the picture says so.
std::string matrix_svg(const MatrixFigure& figure);

struct Curve {
  std::string name;
  std::vector<double> x, y;
  bool steps = false;  // y holds from its x to the next: histograms
};
struct CurvePanel {
  std::string x_title, y_title;
  std::vector<Curve> curves;
  std::optional<double> level;  // a thin line across
  std::string level_name = {};
  bool y_from_zero = true;
};
struct CurveFigure {
  std::string title, conditions;
  std::vector<CurvePanel> panels;  // side by side; one legend, by name
};
std::string curves_svg(const CurveFigure& figure);

struct BarFigure {
  std::string title, conditions;
  std::string value_title;
  std::vector<std::string> names;  // one bar each, downwards
  std::vector<double> values;
};
std::string bars_svg(const BarFigure& figure);

}  // namespace espalier
