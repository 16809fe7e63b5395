#include "job_kinds/report.h"
#include "base/json.h"

#include <regex>

#include "base/rng.h"
#include "job_kinds/axis.h"
#include "job_kinds/front.h"
#include "job_kinds/label_layout.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

Json row_of(const std::string& name, const std::vector<std::string>& methods, double accuracy, double bytes,
            double ms) {
  Json row = {{"methods", methods},
              {"method", methods.empty() ? "" : methods.back()},
              {"accuracy", accuracy},
              {"accuracy_low", accuracy - 0.02},
              {"accuracy_high", accuracy + 0.02},
              {"examples", 872},
              {"split", "dev"},
              {"bundle_bytes", bytes},
              {"parameters", 1000000},
              {"macs", 2000000000},
              {"latency_ms_p10", ms * 0.97},
              {"latency_ms_p50", ms},
              {"latency_ms_p90", ms * 1.1},
              {"latency_batch", 1},
              {"latency_length", 128},
              {"latency_threads", 1},
              {"kernels", "avx512 vnni"},
              {"cpu_model", "A processor"}};
  if (!name.empty()) row["name"] = name;
  return row;
}

std::vector<Json> nine_rows() {
  return {row_of("", {}, 0.95, 4e6, 3),
          row_of("magnitude 50 %", {"prune.magnitude"}, 0.94, 3.1e6, 3.01),
          row_of("heads 25 %", {"prune.heads"}, 0.945, 3.7e6, 2.7),
          row_of("neurons 25 %", {"prune.neurons"}, 0.943, 3.5e6, 2.6),
          row_of("share 2 of 4", {"share.layers"}, 0.92, 2.3e6, 3.0),
          row_of("svd 50 %", {"factorize.svd"}, 0.93, 3.2e6, 2.8),
          row_of("int8", {"quantize.q8"}, 0.948, 1.1e6, 1.4),
          row_of("2 layers", {"distill.kd"}, 0.91, 2.4e6, 1.6),
          row_of("heads + int8 <&>", {"prune.heads", "quantize.q8"}, 0.941, 1.0e6, 1.3)};
}

TEST(Front, HoldsWhatNoOtherRowBeats) {
  std::vector<Json> rows = {row_of("a", {}, 0.9, 10, 1), row_of("b", {}, 0.8, 5, 1), row_of("c", {}, 0.7, 7, 1),
                            row_of("d", {}, 0.9, 12, 1), row_of("e", {}, 0.95, 20, 1)};
  EXPECT_EQ(pareto_front(rows), (std::vector<size_t>{1, 0, 4}));
  rows.push_back({{"accuracy", 1.0}});
  rows.push_back(row_of("twin of b", {}, 0.8, 5, 1));
  EXPECT_EQ(pareto_front(rows), (std::vector<size_t>{1, 6, 0, 4}));
  EXPECT_TRUE(pareto_front({}).empty());
}

TEST(Axis, TicksAreRoundAndInside) {
  const Axis axis = Axis::for_costs({1.2, 91}, 0, 100);
  EXPECT_TRUE(axis.logarithmic());
  const Axis linear = Axis::for_costs({10, 91}, 0, 100);
  EXPECT_FALSE(linear.logarithmic());
  EXPECT_EQ(linear.text(linear.ticks()[0]), "0");
  EXPECT_EQ(linear.text(linear.ticks()[1]), "20");
  const Axis quality = Axis::for_quality({90.5, 90.5}, 100, 0);
  EXPECT_GE(quality.ticks().size(), 2u);
  for (const Axis* each : {&axis, &linear, &quality}) {
    for (const double tick : each->ticks()) {
      EXPECT_GE(each->pixel(tick), -1e-9);
      EXPECT_LE(each->pixel(tick), 100 + 1e-9);
    }
  }
  EXPECT_GT(quality.pixel(90.4), quality.pixel(90.6));
}

TEST(Labels, NeverOverlapEachOtherOrAMark) {
  Rng rng(3);
  const Box area = {0, 0, 400, 300};
  for (int round = 0; round < 50; ++round) {
    std::vector<Label> labels;
    std::vector<Box> marks;
    for (int i = 0; i < 12; ++i) {
      Label label;
      label.text = std::string(4 + rng.below(20), 'x');
      label.x = 20 + 360 * rng.uniform() * (round % 3 == 0 ? 0.2 : 1);
      label.y = 20 + 260 * rng.uniform() * (round % 3 == 0 ? 0.2 : 1);
      labels.push_back(label);
      marks.push_back({label.x - 6, label.y - 6, label.x + 6, label.y + 6});
    }
    place_labels(labels, marks, {{0, 150, 400, 151}}, area, 6, 13);
    size_t placed = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (!labels[i].box) continue;
      ++placed;
      EXPECT_TRUE(labels[i].box->inside(area));
      for (const Box& mark : marks) EXPECT_FALSE(mark.overlaps(*labels[i].box));
      for (size_t j = 0; j < i; ++j) EXPECT_FALSE(labels[j].box && labels[j].box->overlaps(*labels[i].box));
    }
    EXPECT_GE(placed, 11u);
  }
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Every tag that opens closes, in order.
void expect_well_formed(const std::string& markup) {
  static const std::regex tag("<(/?)([a-zA-Z0-9]+)[^<>]*?(/?)>");
  std::vector<std::string> open;
  for (auto it = std::sregex_iterator(markup.begin(), markup.end(), tag); it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[2];
    if (name == "br" || name == "meta" || (*it)[3].length() > 0) continue;
    if ((*it)[1].length() == 0) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    EXPECT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(TradeoffSvg, ShowsEveryRowInBothPanels) {
  const std::string svg = tradeoff_svg(nine_rows());
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<title>"), 18u);
  EXPECT_EQ(count(svg, "class=\"front\""), 3u);  // two panels and the legend
  EXPECT_EQ(count(svg, "class=\"baseline\""), 2u);
  for (const char* label : {"baseline", "int8", "heads 25 %", "heads + int8 &lt;&amp;&gt;"}) {
    EXPECT_GE(count(svg, std::string(">") + label + "</text>"), 2u) << label;
  }
  EXPECT_NE(svg.find("Bundle size, MB"), std::string::npos);
  EXPECT_NE(svg.find("Latency, ms (batch 1, 128 tokens, 1 thread)"), std::string::npos);
  EXPECT_NE(svg.find("Accuracy on dev, %"), std::string::npos);
  EXPECT_NE(svg.find("#0072B2"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(TradeoffSvg, DrawsNothingFromNothing) {
  expect_well_formed(tradeoff_svg({}));
  expect_well_formed(tradeoff_svg({{{"method", ""}, {"accuracy", 0.9}}}));
  EXPECT_NE(tradeoff_svg({}).find("not measured"), std::string::npos);
}

TEST(TradeoffSvg, FamiliesOfRows) {
  EXPECT_EQ(family_of_row(row_of("", {}, 0, 1, 1)), "baseline");
  EXPECT_EQ(family_of_row(row_of("", {"prune.heads", "prune.neurons"}, 0, 1, 1)), "prune");
  EXPECT_EQ(family_of_row(row_of("", {"prune.heads", "quantize.q8"}, 0, 1, 1)), "combined");
  EXPECT_EQ(label_of_row(row_of("", {"prune.heads"}, 0, 1, 1)), "+ prune.heads");
}

TEST(ReportHtml, HoldsTableConditionsRecipesAndCommands) {
  Recipe recipe;
  recipe.name = "heads & int8";
  recipe.model = "lab";
  recipe.task = "lab";
  recipe.steps.push_back({"prune.heads", {{"fraction", 0.25}}, {}, true});
  std::vector<Json> rows = nine_rows();
  rows[1]["notes"] = {"The latency did not move: <b>zeros</b>."};
  const std::string html = report_html("A <title>", {recipe}, rows);
  expect_well_formed(html.substr(html.find("<html")));
  EXPECT_NE(html.find("A &lt;title&gt;"), std::string::npos);
  EXPECT_NE(html.find("&lt;b&gt;zeros&lt;/b&gt;"), std::string::npos);
  EXPECT_NE(html.find("872 examples of dev"), std::string::npos);
  EXPECT_NE(html.find("avx512 vnni"), std::string::npos);
  EXPECT_NE(html.find("espalier run"), std::string::npos);
  EXPECT_NE(html.find("prune.heads"), std::string::npos);
  EXPECT_EQ(count(html, "★</td>"), pareto_front(rows).size());
  EXPECT_EQ(count(html, "http://") + count(html, "https://"), count(html, "http://www.w3.org/2000/svg"));
  EXPECT_NE(report_html("Empty", {}, {}).find("Nothing has been measured"), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
