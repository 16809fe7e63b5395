#pragma once
#include <QHash>
#include <QPalette>
#include <QProxyStyle>

namespace espalier {

// Fusion, with frames of fields and buttons that show on a dark ground: Fusion draws them darker than the window, which
// on a dark window is nearly the window itself. Tabs are narrower, so that the names of all pages find room.
class OutlinedStyle : public QProxyStyle {
  Q_OBJECT

 public:
  OutlinedStyle();

  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override;
  void drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                          const QWidget* widget) const override;
  int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override;

 private:
  // Fusion keeps drawings by palette, so that the same palette has to come for the same one.
  const QPalette& outlined(const QPalette& palette) const;

  mutable QHash<qint64, QPalette> m_palettes;
};

}  // namespace espalier
