#include "measure/carbon.h"

#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(Lacoste, RoundsAtEachStep) {
  const LacosteInput input = {250, 100, 557, 0};
  EXPECT_DOUBLE_EQ(lacoste_estimate(input).kwh, 25.00);
  EXPECT_DOUBLE_EQ(lacoste_estimate(input).kg_per_kwh, 0.56);
  EXPECT_DOUBLE_EQ(lacoste_estimate(input).kg_co2, 14.00);
  EXPECT_NEAR(lacoste_unrounded(input).kg_co2, 13.925, 1e-12);
  // 14.00 of which 33 % are 4.62.
  EXPECT_DOUBLE_EQ(lacoste_estimate({250, 100, 557, 33}).offset_kg, 4.62);
  EXPECT_DOUBLE_EQ(lacoste_estimate({100, 0.04, 557, 0}).kwh, 0.0);
}

TEST(Tracker, OfARecordedTrace) {
  const PowerSample hour = {3600, 100, 0.5, 0, 0, 0, 0};
  EXPECT_NEAR(tracker_kwh({hour}), 0.079, 1e-12);
  EXPECT_NEAR(tracker_kwh({hour}, 1), 0.05, 1e-12);
  EXPECT_NEAR(tracker_kwh({hour, hour}), 2 * tracker_kwh({hour}), 1e-12);
  PowerSample more = hour;
  more.cpu_share = 0.6;
  EXPECT_GT(tracker_kwh({more}), tracker_kwh({hour}));
  EXPECT_NEAR(tracker_kwh({{3600, 10, 1, 20, 0.5, 30, 0.1}}, 1), 0.023, 1e-12);
}

TEST(CodeCarbon, KnownFigures) {
  EXPECT_DOUBLE_EQ(mix_g_per_kwh({{"coal", 0.5}, {"wind", 0.5}}), 510.5);
  EXPECT_DOUBLE_EQ(mix_g_per_kwh({{"coal", 50}, {"wind", 50}}), 510.5);
  EXPECT_DOUBLE_EQ(ram_watts_by_size(64), 24);
  EXPECT_DOUBLE_EQ(ram_watts_by_modules(1, true), 10);
  EXPECT_DOUBLE_EQ(ram_watts_by_modules(1, false), 5);
  EXPECT_DOUBLE_EQ(ram_watts_by_modules(4, true), 20);
  EXPECT_DOUBLE_EQ(fallback_cpu_watts(65), 32.5);
  EXPECT_GT(fallback_cpu_watts(std::nullopt), 0);
  // Shares play no part.
  EXPECT_NEAR(codecarbon_kwh({{3600, 100, 0.1, 20, 0, 30, 0}}), 0.15, 1e-12);
  EXPECT_NEAR(codecarbon_kwh({{3600, 100, 0.1, 20, 0, 30, 0}}, 2), 0.3, 1e-12);
}

TEST(CodeCarbon, SourcesOfThePublishedTable) {
  const std::vector<std::pair<std::string, double>> table = {{"coal", 995},      {"petroleum", 816}, {"gas", 743},
                                                             {"geothermal", 38}, {"hydro", 26},      {"nuclear", 29},
                                                             {"solar", 48},      {"wind", 26}};
  for (const auto& [source, value] : table) EXPECT_EQ(source_g_per_kwh(source), value) << source;
  EXPECT_NE(std::string(expect_error([] { source_g_per_kwh("peat"); }).what()).find("nuclear"), std::string::npos);
}

TEST(Grid, AnUnknownRegionIsTheWorldAndSaysSo) {
  EXPECT_EQ(grid_intensity("atlantis").g_per_kwh, 475);
  EXPECT_FALSE(grid_intensity("atlantis").known);
  EXPECT_EQ(grid_intensity("atlantis").region, "world");
  EXPECT_NE(grid_intensity("atlantis").source.find("atlantis"), std::string::npos);
  EXPECT_TRUE(grid_intensity("DE").known);
  EXPECT_EQ(grid_intensity("DE").g_per_kwh, grid_intensity("de").g_per_kwh);
  for (const GridIntensity& region : known_intensities()) {
    EXPECT_FALSE(region.source.empty());
    EXPECT_GT(region.g_per_kwh, 0);
  }
}

TEST(Joules, PerKilowattHour) {
  EXPECT_DOUBLE_EQ(joules_from_kwh(1), 3.6e6);
  EXPECT_DOUBLE_EQ(kwh_from_joules(joules_from_kwh(0.3)), 0.3);
}

}  // namespace
}  // namespace espalier::test
