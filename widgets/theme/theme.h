#pragma once
// The look of the whole window: colours of a light and a dark theme, three font sizes, a grid of 8 pixels.

#include <QColor>
#include <QFont>
#include <QObject>
#include <QPalette>

class QApplication;

namespace espalier {

// Distances are multiples of this many device independent pixels.
inline constexpr int kGrid = 8;

enum class ThemeMode { System, Light, Dark };

// Greys for structure, one accent for selection and actions, red only for errors and for what got worse.
struct ThemeColors {
  bool dark = false;
  QColor window;      // behind everything
  QColor surface;     // pages, fields, the ground of a chart
  QColor raised;      // hovered rows, headers
  QColor line;        // hairlines between things
  QColor strongLine;  // axes, frames of fields
  QColor text;
  QColor secondaryText;  // labels, units, captions; still 4.5 : 1 on surface
  QColor disabledText;
  QColor accent;       // selection frames, links, actions
  QColor accentText;   // on accent
  QColor selection;    // ground of a selected row
  QColor error;        // errors, and numbers that got worse
  QColor errorGround;  // ground of an error bar
  QColor better;       // numbers that got better (the accent's calm neighbour, never the only sign)
  QColor neutral;      // the middle of the diverging map
};

const ThemeColors& lightColors();
const ThemeColors& darkColors();

class Theme : public QObject {
  Q_OBJECT

 public:
  static Theme& instance();

  // Installs style, palette and fonts on the application. Call once, after it is made.
  void install(QApplication& application);

  ThemeMode mode() const { return m_mode; }
  void setMode(ThemeMode mode);
  // What is in force now.
  const ThemeColors& colors() const;
  bool isDark() const { return colors().dark; }

  // 1 = 100 %. Text sizes are multiplied by this; 0.75 to 3.
  double textScale() const { return m_textScale; }
  void setTextScale(double scale);

  QFont bodyFont() const;       // 13
  QFont secondaryFont() const;  // 11
  QFont titleFont() const;      // 16, semi-bold
  QFont monospaceFont() const;  // 13

  // True when the system or the user asks for no motion ($ESPALIER_REDUCE_MOTION=1, or the style has no animation).
  bool reducedMotion() const;

  static QPalette paletteFor(const ThemeColors& colors);
  // The rules that QPalette cannot say (tool tips, docks, splitters).
  static QString styleSheetFor(const ThemeColors& colors);

 Q_SIGNALS:
  // Colours or sizes changed; the application's palette has changed already.
  void changed();

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  Theme();
  void apply();
  QFont scaledFont(int pixels, QFont::Weight weight) const;

  QApplication* m_application = nullptr;
  ThemeMode m_mode = ThemeMode::System;
  bool m_systemDark = false;
  bool m_applying = false;
  double m_textScale = 1;
};

}  // namespace espalier
