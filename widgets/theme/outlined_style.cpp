#include "widgets/theme/outlined_style.h"

#include <QPainter>
#include <QStyleFactory>
#include <QStyleOption>

#include "widgets/theme/theme.h"

namespace espalier {

namespace {

// Fusion's frames are the window's colour darkened by this.
constexpr int kFusionDarker = 140;
constexpr qreal kButtonRadius = 2;
// Palettes come and go with the theme; a few are alive at a time.
constexpr qsizetype kMostPalettes = 64;

template <typename Option>
Option withPalette(const Option& option, const QPalette& palette) {
  Option copy = option;
  copy.palette = palette;
  return copy;
}

}  // namespace

OutlinedStyle::OutlinedStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}

const QPalette& OutlinedStyle::outlined(const QPalette& palette) const {
  if (m_palettes.size() > kMostPalettes) m_palettes.clear();
  QPalette& made = m_palettes[palette.cacheKey()];
  if (made.resolveMask() == 0) {
    made = palette;
    made.setColor(QPalette::All, QPalette::Window, Theme::instance().colors().strongLine.lighter(kFusionDarker));
  }
  return made;
}

void OutlinedStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                                  const QWidget* widget) const {
  const bool panel = element == PE_PanelButtonCommand || element == PE_PanelButtonTool;
  if (option && panel && option->state.testFlag(State_On)) {
    // Fusion darkens what is switched on, which a dark ground swallows.
    const ThemeColors& colors = Theme::instance().colors();
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(colors.accent);
    painter->setBrush(colors.selection);
    painter->drawRoundedRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5), kButtonRadius, kButtonRadius);
    painter->restore();
    return;
  }
  const bool enabled = option && option->state.testFlag(State_Enabled);
  if (enabled && Theme::instance().isDark()) {
    const QPalette& palette = outlined(option->palette);
    if (const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option); frame && element == PE_FrameLineEdit) {
      const QStyleOptionFrame copy = withPalette(*frame, palette);
      return QProxyStyle::drawPrimitive(element, &copy, painter, widget);
    }
    if (const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option);
        button &&
        (element == PE_PanelButtonCommand || element == PE_IndicatorCheckBox || element == PE_IndicatorRadioButton)) {
      const QStyleOptionButton copy = withPalette(*button, palette);
      return QProxyStyle::drawPrimitive(element, &copy, painter, widget);
    }
  }
  QProxyStyle::drawPrimitive(element, option, painter, widget);
}

void OutlinedStyle::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                                       const QWidget* widget) const {
  const bool enabled = option && option->state.testFlag(State_Enabled);
  if (enabled && Theme::instance().isDark()) {
    const QPalette& palette = outlined(option->palette);
    if (const auto* box = qstyleoption_cast<const QStyleOptionComboBox*>(option); box && control == CC_ComboBox) {
      const QStyleOptionComboBox copy = withPalette(*box, palette);
      return QProxyStyle::drawComplexControl(control, &copy, painter, widget);
    }
    if (const auto* spin = qstyleoption_cast<const QStyleOptionSpinBox*>(option); spin && control == CC_SpinBox) {
      const QStyleOptionSpinBox copy = withPalette(*spin, palette);
      return QProxyStyle::drawComplexControl(control, &copy, painter, widget);
    }
  }
  QProxyStyle::drawComplexControl(control, option, painter, widget);
}

int OutlinedStyle::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  if (metric == PM_TabBarTabHSpace) return 3 * kGrid / 2;
  return QProxyStyle::pixelMetric(metric, option, widget);
}

}  // namespace espalier
