#pragma once
#include <QList>
#include <QWidget>

#include "widgets/theme/color_map.h"
#include "widgets/theme/theme.h"

class QAction;
class QToolButton;

namespace espalier {

// What a colour scale stands for at one moment.
struct ColorScale {
  ColorMapKind map = ColorMapKind::Diverging;
  double low = -1, high = 1;          // the ends of the colours
  double fullLow = -1, fullHigh = 1;  // what the data holds
  bool clipsLow() const { return fullLow < low; }
  bool clipsHigh() const { return fullHigh > high; }
};

// A vertical colour bar with its range, pointed ends where values are clipped, and a menu that says how much to clip
// and which map to use.
class ColorBar : public QWidget {
  Q_OBJECT

 public:
  explicit ColorBar(QWidget* parent = nullptr);

  const ColorScale& scale() const { return m_scale; }
  void setScale(const ColorScale& scale);
  // Share of values inside the colours: 1 (all), 0.9999, 0.999, 0.99, 0.95. Does not emit.
  double clip() const { return m_clip; }
  void setClip(double share);
  // Without the menu the bar is only a legend.
  void setInteractive(bool interactive);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

  // Draws bar and labels into `area`, for pictures and for charts that hold no widget.
  static void paintBar(QPainter& painter, const QRectF& area, const ColorScale& scale, const ThemeColors& colors,
                       const QFont& font);
  // Width that paintBar needs.
  static double barWidth(const ColorScale& scale, const QFont& font);

 Q_SIGNALS:
  void clipChosen(double share);
  void mapChosen(espalier::ColorMapKind map);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void buildMenu();
  void markChoices();
  void retheme();
  void placeButton();

  ColorScale m_scale;
  double m_clip = 0.999;
  bool m_interactive = true;
  QToolButton* m_button = nullptr;
  QList<QAction*> m_clipActions;  // data: the share
  QList<QAction*> m_mapActions;   // data: the map
};

}  // namespace espalier
