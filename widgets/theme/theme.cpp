#include "widgets/theme/theme.h"

#include <QApplication>
#include <QEvent>
#include <QFontDatabase>
#include <QScreen>
#include <QStyle>
#include <QStyleHints>
#include <QToolTip>
#include <algorithm>

#include "widgets/theme/outlined_style.h"

namespace espalier {
namespace {

ThemeColors makeLight() {
  ThemeColors c;
  c.dark = false;
  c.window = QColor(0xF2, 0xF3, 0xF5);
  c.surface = QColor(0xFF, 0xFF, 0xFF);
  c.raised = QColor(0xF6, 0xF7, 0xF9);
  c.line = QColor(0xE0, 0xE2, 0xE6);
  c.strongLine = QColor(0xAD, 0xB2, 0xBA);
  c.text = QColor(0x1B, 0x1D, 0x21);
  c.secondaryText = QColor(0x5B, 0x61, 0x6B);
  c.disabledText = QColor(0x9A, 0xA0, 0xA9);
  c.accent = QColor(0x1F, 0x66, 0xD6);
  c.accentText = QColor(0xFF, 0xFF, 0xFF);
  c.selection = QColor(0xDC, 0xE8, 0xFB);
  c.error = QColor(0xB3, 0x1B, 0x1B);
  c.errorGround = QColor(0xFC, 0xE9, 0xE8);
  c.better = QColor(0x1F, 0x66, 0xD6);
  c.neutral = QColor(0xF3, 0xF3, 0xF2);
  return c;
}

ThemeColors makeDark() {
  ThemeColors c;
  c.dark = true;
  c.window = QColor(0x19, 0x1B, 0x1E);
  c.surface = QColor(0x20, 0x22, 0x26);
  c.raised = QColor(0x2A, 0x2D, 0x32);
  c.line = QColor(0x34, 0x37, 0x3D);
  c.strongLine = QColor(0x6E, 0x74, 0x7E);
  c.text = QColor(0xE6, 0xE8, 0xEB);
  c.secondaryText = QColor(0xA4, 0xAA, 0xB4);
  c.disabledText = QColor(0x6E, 0x75, 0x7F);
  c.accent = QColor(0x6C, 0xA6, 0xFF);
  c.accentText = QColor(0x0E, 0x14, 0x1C);
  c.selection = QColor(0x27, 0x3B, 0x58);
  c.error = QColor(0xFF, 0x8A, 0x80);
  c.errorGround = QColor(0x43, 0x24, 0x24);
  c.better = QColor(0x6C, 0xA6, 0xFF);
  c.neutral = QColor(0x2B, 0x2D, 0x31);
  return c;
}

bool systemIsDark() {
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
  const Qt::ColorScheme scheme = QGuiApplication::styleHints()->colorScheme();
  if (scheme != Qt::ColorScheme::Unknown) return scheme == Qt::ColorScheme::Dark;
#endif
  const QPalette palette = QGuiApplication::palette();
  return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

}  // namespace

const ThemeColors& lightColors() {
  static const ThemeColors kColors = makeLight();
  return kColors;
}

const ThemeColors& darkColors() {
  static const ThemeColors kColors = makeDark();
  return kColors;
}

Theme::Theme() = default;

Theme& Theme::instance() {
  static Theme theme;
  return theme;
}

void Theme::install(QApplication& application) {
  m_application = &application;
  m_systemDark = systemIsDark();
  QApplication::setStyle(new OutlinedStyle);
  application.installEventFilter(this);
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
  connect(QGuiApplication::styleHints(), &QStyleHints::colorSchemeChanged, this, [this] {
    m_systemDark = systemIsDark();
    if (m_mode == ThemeMode::System) apply();
  });
#endif
  apply();
}

void Theme::setMode(ThemeMode mode) {
  if (mode == m_mode) return;
  const bool wasDark = isDark();
  m_mode = mode;
  if (isDark() != wasDark) apply();
}

const ThemeColors& Theme::colors() const {
  const bool dark = m_mode == ThemeMode::Dark || (m_mode == ThemeMode::System && m_systemDark);
  return dark ? darkColors() : lightColors();
}

void Theme::setTextScale(double scale) {
  scale = std::clamp(scale, 0.75, 3.0);
  if (scale == m_textScale) return;
  m_textScale = scale;
  apply();
}

void Theme::apply() {
  if (m_application != nullptr) {
    m_applying = true;
    QApplication::setPalette(paletteFor(colors()));
    QApplication::setFont(bodyFont());
    m_application->setStyleSheet(styleSheetFor(colors()));
    QToolTip::setFont(bodyFont());
    m_applying = false;
  }
  Q_EMIT changed();
}

// Before Qt 6.5 a change of the system's theme shows only as this event; the palette that the system now wants appears
// once ours is taken off.
bool Theme::eventFilter(QObject* object, QEvent* event) {
  if (object == m_application && event->type() == QEvent::ThemeChange && !m_applying) {
    m_applying = true;
    QApplication::setPalette(QPalette());
    m_systemDark = systemIsDark();
    m_applying = false;
    apply();
  }
  return QObject::eventFilter(object, event);
}

QFont Theme::scaledFont(int pixels, QFont::Weight weight) const {
  QFont font = QFontDatabase::systemFont(QFontDatabase::GeneralFont);
  const QScreen* screen = QGuiApplication::primaryScreen();
  const double dpi = screen == nullptr ? 96 : screen->logicalDotsPerInch();
  font.setPixelSize(std::max(1, static_cast<int>(pixels * m_textScale * dpi / 96 + 0.5)));
  font.setWeight(weight);
#if QT_VERSION >= QT_VERSION_CHECK(6, 7, 0)
  font.setFeature("tnum", 1);  // figures of one width; before Qt 6.7 the usual interface fonts have them by default
#endif
  return font;
}

QFont Theme::bodyFont() const { return scaledFont(13, QFont::Normal); }
QFont Theme::secondaryFont() const { return scaledFont(11, QFont::Normal); }
QFont Theme::titleFont() const { return scaledFont(16, QFont::DemiBold); }

QFont Theme::monospaceFont() const {
  QFont font = scaledFont(13, QFont::Normal);
  const QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  font.setFamilies(fixed.families());
  font.setFixedPitch(true);
  font.setStyleHint(QFont::Monospace);
  return font;
}

bool Theme::reducedMotion() const {
  if (qEnvironmentVariableIntValue("ESPALIER_REDUCE_MOTION") == 1) return true;
  return QApplication::style()->styleHint(QStyle::SH_Widget_Animation_Duration) == 0;
}

QPalette Theme::paletteFor(const ThemeColors& c) {
  QPalette p;
  const auto set = [&](QPalette::ColorRole role, const QColor& normal, const QColor& disabled) {
    p.setColor(QPalette::Active, role, normal);
    p.setColor(QPalette::Inactive, role, normal);
    p.setColor(QPalette::Disabled, role, disabled);
  };
  set(QPalette::Window, c.window, c.window);
  set(QPalette::WindowText, c.text, c.disabledText);
  set(QPalette::Base, c.surface, c.window);
  set(QPalette::AlternateBase, c.raised, c.window);
  set(QPalette::Text, c.text, c.disabledText);
  set(QPalette::PlaceholderText, c.secondaryText, c.disabledText);
  set(QPalette::Button, c.dark ? c.raised : c.window, c.window);
  set(QPalette::ButtonText, c.text, c.disabledText);
  set(QPalette::BrightText, c.accentText, c.disabledText);
  set(QPalette::Highlight, c.accent, c.strongLine);
  set(QPalette::HighlightedText, c.accentText, c.surface);
  set(QPalette::Link, c.accent, c.disabledText);
  set(QPalette::LinkVisited, c.accent, c.disabledText);
  set(QPalette::ToolTipBase, c.dark ? c.raised : c.surface, c.raised);
  set(QPalette::ToolTipText, c.text, c.text);
  set(QPalette::Light, c.dark ? c.strongLine : c.surface, c.raised);
  set(QPalette::Midlight, c.raised, c.raised);
  set(QPalette::Mid, c.line, c.line);
  set(QPalette::Dark, c.strongLine, c.line);
  set(QPalette::Shadow, c.dark ? QColor(0, 0, 0) : QColor(0x70, 0x75, 0x7C), c.line);
  return p;
}

QString Theme::styleSheetFor(const ThemeColors& c) {
  return QStringLiteral(
             "QToolTip { background: %1; color: %2; border: 1px solid %3; padding: 4px 6px; }"
             "QMainWindow::separator { background: %4; width: 1px; height: 1px; }"
             "QSplitter::handle { background: %4; }"
             "QSplitter::handle:horizontal { width: 1px; } QSplitter::handle:vertical { height: 1px; }"
             "QHeaderView { background: %5; }"
             "QHeaderView::section { background: %5; color: %6; border: none; border-bottom: 1px solid %4; "
             "padding: 4px 6px; }"
             "QHeaderView::section:hover { color: %2; }")
      .arg((c.dark ? c.raised : c.surface).name(), c.text.name(), c.strongLine.name(), c.line.name(), c.surface.name(),
           c.secondaryText.name());
}

}  // namespace espalier
