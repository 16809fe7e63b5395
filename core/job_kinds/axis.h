#pragma once
#include <string>
#include <vector>

namespace espalier {

// A linear or logarithmic scale from data to pixels with round ticks.
class Axis {
 public:
  // From 0; logarithmic when the values span more than a factor of 20.
  static Axis for_costs(const std::vector<double>& values, double begin_px, double end_px);
  // Linear around the values.
  static Axis for_quality(const std::vector<double>& values, double begin_px, double end_px);

  // Linear from low to high; low < high.
  static Axis linear(double low, double high, double begin_px, double end_px);

  double pixel(double value) const;
  const std::vector<double>& ticks() const { return ticks_; }
  // A tick's text; all ticks of an axis have the same number of decimals.
  std::string text(double tick) const;
  bool logarithmic() const { return logarithmic_; }

 private:
  double low_ = 0, high_ = 1, begin_px_ = 0, end_px_ = 1;
  bool logarithmic_ = false;
  int decimals_ = 0;
  std::vector<double> ticks_;
};

}  // namespace espalier
