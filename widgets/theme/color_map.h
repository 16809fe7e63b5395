#pragma once
#include <QColor>
#include <QString>
#include <array>

namespace espalier {

enum class ColorMapKind {
  Viridis,    // sequential (van der Walt and Smith 2015)
  Cividis,    // sequential, the same to most colour vision (Nunez 2018)
  Diverging,  // signed: blue, the theme's neutral at zero, red
};

QString toString(ColorMapKind kind);

// 256 colours. Values outside the range take the end colours; NaN takes nanColor.
class ColorMap {
 public:
  ColorMap(ColorMapKind kind, bool dark);

  ColorMapKind kind() const { return m_kind; }
  // 0 <= t <= 1; clamped.
  QRgb at(double t) const;
  // Position of `value` in [low, high], then its colour. An empty range gives the middle.
  QRgb colorOf(double value, double low, double high) const;
  QRgb nanColor() const { return m_nan; }
  // Black or white, whichever reads better on at(t).
  QColor textOn(double t) const;
  const std::array<QRgb, 256>& table() const { return m_table; }

 private:
  ColorMapKind m_kind;
  std::array<QRgb, 256> m_table;
  QRgb m_nan;
};

// Black or white, whichever has more contrast with `ground`.
QColor readableOn(const QColor& ground);

}  // namespace espalier
