#include <gtest/gtest.h>

#include <QSignalSpy>
#include <cmath>
#include <set>

#include "widgets/theme/color_map.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"
#include "widgets/theme/theme.h"

namespace espalier {
namespace {

double luminance(const QColor& color) {
  const auto linear = [](double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

double contrast(const QColor& a, const QColor& b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

TEST(Theme, TextReadsOnItsGround) {
  for (const ThemeColors* c : {&lightColors(), &darkColors()}) {
    for (const QColor& ground : {c->surface, c->window, c->raised}) {
      EXPECT_GE(contrast(c->text, ground), 7);
      EXPECT_GE(contrast(c->secondaryText, ground), 4.5);
      EXPECT_GE(contrast(c->error, ground), 4.5);
    }
    EXPECT_GE(contrast(c->accentText, c->accent), 4.5);
    EXPECT_GE(contrast(c->accent, c->surface), 3);
    EXPECT_GE(contrast(c->text, c->selection), 4.5);
    EXPECT_GE(contrast(c->error, c->errorGround), 4.5);
  }
}

TEST(Theme, SwitchesAndTells) {
  Theme& theme = Theme::instance();
  theme.setMode(ThemeMode::Light);
  QSignalSpy changes(&theme, &Theme::changed);
  theme.setMode(ThemeMode::Dark);
  EXPECT_TRUE(theme.isDark());
  EXPECT_EQ(changes.count(), 1);
  theme.setMode(ThemeMode::Light);
  EXPECT_FALSE(theme.isDark());
  theme.setTextScale(2);
  EXPECT_GT(theme.bodyFont().pixelSize(), 20);
  theme.setTextScale(1);
  EXPECT_LT(theme.secondaryFont().pixelSize(), theme.bodyFont().pixelSize());
  EXPECT_LT(theme.bodyFont().pixelSize(), theme.titleFont().pixelSize());
}

TEST(ColorMap, SequentialMapsGrowLighterStepByStep) {
  for (const ColorMapKind kind : {ColorMapKind::Viridis, ColorMapKind::Cividis}) {
    const ColorMap map(kind, false);
    for (size_t i = 1; i < 256; ++i) {
      EXPECT_GE(luminance(QColor(map.table()[i])) + 2e-3, luminance(QColor(map.table()[i - 1]))) << i;
    }
    EXPECT_GT(luminance(QColor(map.at(1))), luminance(QColor(map.at(0))) + 0.5);
  }
  EXPECT_EQ(QColor(ColorMap(ColorMapKind::Viridis, false).at(0)), QColor(0x44, 0x01, 0x54));
  EXPECT_EQ(QColor(ColorMap(ColorMapKind::Viridis, true).at(1)), QColor(0xFD, 0xE7, 0x25));
}

TEST(ColorMap, DivergingIsCentredOnTheThemesNeutral) {
  for (const bool dark : {false, true}) {
    const ColorMap map(ColorMapKind::Diverging, dark);
    const QColor middle(map.colorOf(0, -2, 2)), neutral = (dark ? darkColors() : lightColors()).neutral;
    EXPECT_NEAR(middle.red(), neutral.red(), 3);
    EXPECT_NEAR(middle.blue(), neutral.blue(), 3);
    const QColor below(map.colorOf(-2, -2, 2)), above(map.colorOf(2, -2, 2));
    EXPECT_GT(below.blue(), below.red());
    EXPECT_GT(above.red(), above.blue());
    // Further from zero is further from the ground.
    EXPECT_GT(contrast(below, middle), contrast(QColor(map.colorOf(-0.5, -2, 2)), middle));
    EXPECT_EQ(map.colorOf(std::nan(""), -2, 2), map.nanColor());
    EXPECT_EQ(map.colorOf(99, -2, 2), map.at(1));
  }
}

TEST(Series, FamiliesDifferInColourAndShape) {
  std::set<QRgb> colors;
  std::set<int> markers;
  for (const char* family : {"baseline", "prune", "share", "factorize", "quantize", "distill", "combined"}) {
    const SeriesStyle style = familyStyle(QString::fromLatin1(family), false);
    colors.insert(style.color.rgb());
    markers.insert(static_cast<int>(style.marker));
  }
  EXPECT_EQ(colors.size(), 7u);
  EXPECT_EQ(markers.size(), 7u);
}

TEST(Numbers, ThreeSignificantDigits) {
  EXPECT_EQ(formatNumber(0.91251), QStringLiteral("0.913"));
  EXPECT_EQ(formatNumber(-0.0312), QStringLiteral("−0.0312"));
  EXPECT_EQ(formatNumber(0), QStringLiteral("0"));
  EXPECT_EQ(formatNumber(9.996), QStringLiteral("10.0"));
  EXPECT_EQ(formatNumber(1.5e-7), QStringLiteral("1.50e−7"));
  EXPECT_EQ(formatNumber(12345.6), QString::fromUtf8("12\u2009346"));
  EXPECT_EQ(formatNumber(std::nan("")), QString::fromUtf8("\u2013"));
  EXPECT_EQ(formatBytes(90868376), QString::fromUtf8("90.9\u00A0MB"));
  EXPECT_EQ(formatBytes(999999), QString::fromUtf8("1.00\u00A0MB"));
  EXPECT_EQ(formatBytes(512), QString::fromUtf8("512\u00A0B"));
  EXPECT_EQ(formatInterval(0.913, 0.892, 0.93), QString::fromUtf8("0.913 (0.892\u20130.930)"));
  EXPECT_EQ(formatCount(30522), QString::fromUtf8("30\u2009522"));
}

TEST(Numbers, TicksAreRoundAndFew) {
  for (const auto& [low, high] :
       std::vector<std::pair<double, double>>{{0, 1}, {-0.31, 0.28}, {0.842, 0.931}, {0, 30522}, {1e-9, 3e-9}}) {
    const auto ticks = niceTicks(low, high, 6);
    EXPECT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 6u);
    for (const double tick : ticks) {
      EXPECT_GE(tick, low - (high - low) * 1e-6);
      EXPECT_LE(tick, high + (high - low) * 1e-6);
    }
  }
  EXPECT_EQ(niceTicks(0, 100, 5), (std::vector<double>{0, 50, 100}));
  EXPECT_TRUE(niceTicks(1, 1, 5).empty());
  EXPECT_TRUE(logTicks(0, 5, 5).empty());
  EXPECT_EQ(tickLabels({0.0, 0.05, 0.1}), (QStringList{"0.00", "0.05", "0.10"}));
  EXPECT_EQ(tickLabels({1, 10, 100}), (QStringList{"1", "10", "100"}));
}

}  // namespace
}  // namespace espalier
