#include "widgets/theme/color_map.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "widgets/theme/theme.h"

namespace espalier {
namespace {

// Samples of viridis (van der Walt and Smith) at equal steps.
constexpr std::array<QRgb, 20> kViridis = {0x440154, 0x481568, 0x482677, 0x453781, 0x3F4788, 0x39558C, 0x32648E,
                                           0x2D718E, 0x287D8E, 0x238A8D, 0x1F968B, 0x20A386, 0x29AF7F, 0x3CBC75,
                                           0x56C667, 0x74D055, 0x94D840, 0xB8DE29, 0xDCE318, 0xFDE725};
// Samples of cividis (Nunez, Anderton and Renslow 2018) at equal steps.
constexpr std::array<QRgb, 10> kCividis = {0x00204D, 0x00336F, 0x39486B, 0x575C6D, 0x707173,
                                           0x8A8779, 0xA69D75, 0xC4B56C, 0xE4CF5B, 0xFFEA46};

// Mixing happens in OKLab (Ottosson 2020), where equal steps look equal.
struct Lab {
  double l, a, b;
};

double toLinear(double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); }
double toGamma(double c) { return c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055; }

Lab toLab(QRgb rgb) {
  const double r = toLinear(qRed(rgb) / 255.0), g = toLinear(qGreen(rgb) / 255.0), b = toLinear(qBlue(rgb) / 255.0);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

QRgb toRgb(const Lab& lab) {
  const double l = std::pow(lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b, 3);
  const double m = std::pow(lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b, 3);
  const double s = std::pow(lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b, 3);
  const auto channel = [](double linear) {
    return static_cast<int>(std::lround(255 * std::clamp(toGamma(std::max(0.0, linear)), 0.0, 1.0)));
  };
  return qRgb(channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
              channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
              channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

QRgb mix(std::span<const QRgb> stops, double t) {
  const double position = t * static_cast<double>(stops.size() - 1);
  const size_t i = std::min(static_cast<size_t>(position), stops.size() - 2);
  const double f = position - static_cast<double>(i);
  const Lab a = toLab(stops[i]), b = toLab(stops[i + 1]);
  return toRgb({a.l + (b.l - a.l) * f, a.a + (b.a - a.a) * f, a.b + (b.b - a.b) * f});
}

double luminance(QRgb rgb) {
  return 0.2126 * toLinear(qRed(rgb) / 255.0) + 0.7152 * toLinear(qGreen(rgb) / 255.0) +
         0.0722 * toLinear(qBlue(rgb) / 255.0);
}

}  // namespace

QString toString(ColorMapKind kind) {
  switch (kind) {
    case ColorMapKind::Viridis:
      return QStringLiteral("Viridis");
    case ColorMapKind::Cividis:
      return QStringLiteral("Cividis");
    case ColorMapKind::Diverging:
      return QStringLiteral("Blue to red");
  }
  return {};
}

ColorMap::ColorMap(ColorMapKind kind, bool dark) : m_kind(kind) {
  // Away from zero is away from the ground: darker on light, lighter on dark.
  const QRgb neutral = (dark ? darkColors() : lightColors()).neutral.rgb();
  const std::array<QRgb, 5> light = {0x08418F, 0x4C8FCB, neutral, 0xE0705A, 0x9E1220};
  const std::array<QRgb, 5> night = {0xA6D4FF, 0x3F86CF, neutral, 0xD0523F, 0xFFC0B0};
  std::span<const QRgb> stops = kViridis;
  if (kind == ColorMapKind::Cividis) stops = kCividis;
  if (kind == ColorMapKind::Diverging) stops = dark ? night : light;
  for (size_t i = 0; i < m_table.size(); ++i) m_table[i] = mix(stops, static_cast<double>(i) / 255);
  m_nan = dark ? qRgb(0xFF, 0x4D, 0xE1) : qRgb(0xC4, 0x00, 0xA4);  // in none of the maps
}

QRgb ColorMap::at(double t) const {
  if (std::isnan(t)) return m_nan;
  return m_table[static_cast<size_t>(std::lround(std::clamp(t, 0.0, 1.0) * 255))];
}

QRgb ColorMap::colorOf(double value, double low, double high) const {
  return at(high > low ? (value - low) / (high - low) : (std::isnan(value) ? value : 0.5));
}

QColor ColorMap::textOn(double t) const { return readableOn(QColor(at(t))); }

QColor readableOn(const QColor& ground) {
  const double y = luminance(ground.rgb());
  const QRgb ink = qRgb(0x16, 0x18, 0x1B);
  return (y + 0.05) / (luminance(ink) + 0.05) > 1.05 / (y + 0.05) ? QColor(ink) : QColor(Qt::white);
}

}  // namespace espalier
