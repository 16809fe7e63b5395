#include "job_kinds/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

constexpr double kLogSpan = 20;
constexpr double kTicksWanted = 6.5;

// 1, 2 or 5 times a power of ten.
double round_step(double span) {
  const double raw = span / kTicksWanted;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power * 1.0001) return factor * power;
  }
  return 10 * power;
}

int decimals_of(double step) { return std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))); }

}  // namespace

Axis Axis::for_costs(const std::vector<double>& values, double begin_px, double end_px) {
  Axis axis;
  axis.begin_px_ = begin_px;
  axis.end_px_ = end_px;
  const auto [least, most] = std::ranges::minmax(values);
  axis.logarithmic_ = least > 0 && most / least > kLogSpan;
  if (!axis.logarithmic_) {
    axis.high_ = most > 0 ? most * 1.08 : 1;
    const double step = round_step(axis.high_);
    axis.decimals_ = decimals_of(step);
    for (int i = 0; i * step <= axis.high_; ++i) axis.ticks_.push_back(i * step);
    return axis;
  }
  axis.low_ = least / 1.3;
  axis.high_ = most * 1.3;
  for (double power = std::pow(10, std::floor(std::log10(axis.low_))); power <= axis.high_; power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor * power >= axis.low_ && factor * power <= axis.high_) axis.ticks_.push_back(factor * power);
    }
  }
  return axis;
}

Axis Axis::for_quality(const std::vector<double>& values, double begin_px, double end_px) {
  const auto [least, most] = std::ranges::minmax(values);
  const double margin = std::max(0.08 * (most - least), 0.5);
  return linear(least - margin, most + margin, begin_px, end_px);
}

Axis Axis::linear(double low, double high, double begin_px, double end_px) {
  Axis axis;
  axis.begin_px_ = begin_px;
  axis.end_px_ = end_px;
  axis.low_ = low;
  axis.high_ = high;
  const double step = round_step(axis.high_ - axis.low_);
  axis.decimals_ = decimals_of(step);
  for (double tick = std::ceil(axis.low_ / step) * step; tick <= axis.high_ + 1e-9 * step; tick += step) {
    axis.ticks_.push_back(tick);
  }
  return axis;
}

double Axis::pixel(double value) const {
  const double share = logarithmic_ ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return begin_px_ + share * (end_px_ - begin_px_);
}

std::string Axis::text(double tick) const {
  if (logarithmic_) return fmt::format("{:g}", tick);
  // -0 would show as such.
  return fmt::format("{:.{}f}", tick == 0 ? 0.0 : tick, decimals_);
}

}  // namespace espalier
