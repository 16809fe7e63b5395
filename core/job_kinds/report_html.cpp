#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/json.h"
#include "base/version.h"
#include "job_kinds/front.h"
#include "job_kinds/markup.h"
#include "job_kinds/report.h"

namespace espalier {
namespace {

using Conditions = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kPageStyle = R"(
:root { color-scheme: light; }
body { font: 14px/1.5 "Inter", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; color: #222; background: #fff;
  max-width: 1080px; margin: 32px auto; padding: 0 24px; }
h1 { font-size: 24px; margin: 0 0 8px; } h2 { font-size: 16px; margin: 32px 0 8px; }
p { margin: 8px 0; } figure { margin: 16px 0; } svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 4px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid #e4e4e4; }
th { font-weight: 600; vertical-align: bottom; border-bottom: 1px solid #888; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.worse { color: #b00020; } .unit { font-weight: 400; color: #666; } tr.front td:first-child { font-weight: 600; }
table.conditions th, table.conditions td { text-align: left; border: 0; padding: 2px 16px 2px 0; white-space: normal; }
.quiet { color: #666; } ul { padding-left: 20px; margin: 8px 0; }
pre { background: #f6f6f6; padding: 12px; overflow-x: auto; font-size: 12px; line-height: 1.4; }
@media print { body { margin: 0; max-width: none; } pre { white-space: pre-wrap; } h2 { break-after: avoid; } }
)";

// Three significant digits, without an exponent.
std::string three_digits(double value) {
  if (value == 0 || !std::isfinite(value)) return "0";
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(std::abs(value)))), 0, 6);
  return fmt::format("{:.{}f}", value, decimals);
}

struct Column {
  std::string title, unit;
  std::function<std::string(const Json& row, const Json& baseline)> text;  // empty: not measured
};

std::string number_or_nothing(const Json& row, const char* member, double scale) {
  return row.contains(member) ? three_digits(row.at(member).get<double>() * scale) : "";
}

std::string ratio(const Json& row, const Json& baseline, const char* member) {
  if (!row.contains(member) || !baseline.contains(member) || row.at(member) == 0) return "";
  return three_digits(baseline.at(member).get<double>() / row.at(member).get<double>());
}

std::vector<Column> columns() {
  return {
      {"Accuracy", "%, 95 % interval",
       [](const Json& row, const Json&) {
         if (!row.contains("accuracy")) return std::string();
         return fmt::format("{:.2f} <span class=\"unit\">({:.1f}–{:.1f})</span>",
                            100 * row.at("accuracy").get<double>(), 100 * row.value("accuracy_low", 0.0),
                            100 * row.value("accuracy_high", 0.0));
       }},
      {"Change", "points",
       [](const Json& row, const Json& baseline) {
         if (!row.contains("accuracy") || !baseline.contains("accuracy") || &row == &baseline) return std::string();
         return fmt::format("{:+.2f}",
                            100 * (row.at("accuracy").get<double>() - baseline.at("accuracy").get<double>()));
       }},
      {"McNemar", "p",
       [](const Json& row, const Json&) {
         if (!row.contains("mcnemar_p")) return std::string();
         const double p = row.at("mcnemar_p");
         return p < 0.001 ? std::string("&lt; 0.001") : fmt::format("{:.3f}", p);
       }},
      {"F1", "%", [](const Json& row, const Json&) { return number_or_nothing(row, "f1", 100); }},
      {"MCC", "", [](const Json& row, const Json&) { return number_or_nothing(row, "mcc", 1); }},
      {"Pearson", "", [](const Json& row, const Json&) { return number_or_nothing(row, "pearson", 1); }},
      {"Spearman", "", [](const Json& row, const Json&) { return number_or_nothing(row, "spearman", 1); }},
      {"Bundle", "MB", [](const Json& row, const Json&) { return number_or_nothing(row, "bundle_bytes", 1e-6); }},
      {"Smaller", "times", [](const Json& row, const Json& base) { return ratio(row, base, "bundle_bytes"); }},
      {"Parameters", "M", [](const Json& row, const Json&) { return number_or_nothing(row, "parameters", 1e-6); }},
      {"MACs", "G", [](const Json& row, const Json&) { return number_or_nothing(row, "macs", 1e-9); }},
      {"Latency", "ms, median (10–90 %)",
       [](const Json& row, const Json&) {
         if (!row.contains("latency_ms_p50")) return std::string();
         return fmt::format("{} <span class=\"unit\">({}–{})</span>", three_digits(row.at("latency_ms_p50")),
                            three_digits(row.value("latency_ms_p10", 0.0)),
                            three_digits(row.value("latency_ms_p90", 0.0)));
       }},
      {"Faster", "times", [](const Json& row, const Json&) { return number_or_nothing(row, "speedup", 1); }},
      {"Same label", "%", [](const Json& row, const Json&) { return number_or_nothing(row, "label_loyalty", 100); }},
      {"Probability loyalty", "",
       [](const Json& row, const Json&) { return number_or_nothing(row, "probability_loyalty", 1); }}};
}

const Json& baseline_of(const std::vector<Json>& rows) {
  const auto found = std::ranges::find_if(rows, [](const Json& row) { return family_of_row(row) == "baseline"; });
  return found == rows.end() ? rows.front() : *found;
}

std::string table_html(const std::vector<Json>& rows) {
  const Json& baseline = baseline_of(rows);
  const std::vector<size_t> front = pareto_front(rows);
  std::vector<Column> shown;
  for (Column& column : columns()) {
    if (std::ranges::any_of(rows, [&](const Json& row) { return !column.text(row, baseline).empty(); })) {
      shown.push_back(std::move(column));
    }
  }
  std::string html = "<div class=\"scroll\"><table>\n<tr><th>Model</th>";
  for (const Column& column : shown) {
    html += "<th>" + column.title + (column.unit.empty() ? "" : "<br><span class=\"unit\">" + column.unit + "</span>") +
            "</th>";
  }
  html += "</tr>\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool on_front = std::ranges::find(front, i) != front.end();
    html += on_front ? "<tr class=\"front\">" : "<tr>";
    html += "<td>" + escaped(label_of_row(rows[i])) + (on_front ? " ★" : "") + "</td>";
    for (const Column& column : shown) {
      const std::string text = column.text(rows[i], baseline);
      const bool worse = column.title == "Change" && text.starts_with('-') && rows[i].value("mcnemar_p", 1.0) < 0.05;
      html += (worse ? "<td class=\"worse\">" : "<td>") + text + "</td>";
    }
    html += "</tr>\n";
  }
  return html +
         "</table></div>\n<p class=\"quiet\">★ on the front: no other row is both smaller and more accurate. "
         "Red: worse than the baseline beyond chance (paired test, p &lt; 0.05). Faster: against the baseline "
         "timed in turn with the row.</p>\n";
}

std::string notes_html(const std::vector<Json>& rows) {
  std::string items;
  for (const Json& row : rows) {
    for (const char* member : {"warnings", "notes"}) {
      for (const Json& text : row.value(member, Json::array())) {
        items += "<li><b>" + escaped(label_of_row(row)) + "</b>: " + escaped(text.get<std::string>()) + "</li>\n";
      }
    }
  }
  return items.empty() ? "" : "<h2>Why some numbers did not move</h2>\n<ul>\n" + items + "</ul>\n";
}

std::string recipes_html(const std::vector<Recipe>& recipes) {
  std::string html;
  for (size_t i = 0; i < recipes.size(); ++i) {
    std::string name = recipes[i].name.empty() ? "recipe " + std::to_string(i + 1) : recipes[i].name;
    std::string file = name + ".json";
    std::ranges::replace_if(
        file, [](char c) { return c == '/' || c == '"' || c == '\\'; }, '-');
    html += "<h2>" + escaped(name) + "</h2>\n<p><code>" + escaped(command_line_of(recipes[i], file)) +
            "</code></p>\n<pre>" + escaped(to_json(recipes[i]).dump(2, ' ', false, Json::error_handler_t::replace)) +
            "</pre>\n";
  }
  return html;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> report_conditions(const std::vector<Json>& rows) {
  Conditions conditions;
  const auto first_with = [&](const char* member) -> const Json* {
    const auto found = std::ranges::find_if(rows, [&](const Json& row) { return row.contains(member); });
    return found == rows.end() ? nullptr : &*found;
  };
  if (const Json* row = first_with("quality_basis")) {
    conditions.emplace_back("Quality", fmt::format("{} examples of {}; {}", row->value("examples", 0),
                                                   row->value("split", "the split"), row->value("quality_basis", "")));
  } else if (const Json* counted = first_with("examples")) {
    conditions.emplace_back("Quality",
                            fmt::format("{} examples of {}, every one; Wilson interval for accuracy, "
                                        "bootstrap of 1,000 for F1 and MCC",
                                        counted->value("examples", 0), counted->value("split", "the split")));
  }
  if (const Json* row = first_with("latency_ms_p50")) {
    const int threads = row->value("latency_threads", 1);
    conditions.emplace_back("Latency", fmt::format("batch {}, {} tokens, {} thread{}; at least 5 warm-up and 30 timed "
                                                   "runs, tokenization excluded",
                                                   row->value("latency_batch", 1), row->value("latency_length", 128),
                                                   threads, threads == 1 ? "" : "s"));
    conditions.emplace_back("Processor", row->value("cpu_model", "") + ", kernels " + row->value("kernels", ""));
  }
  if (first_with("macs") != nullptr) {
    conditions.emplace_back("MACs",
                            "multiply-accumulates of one pass over 128 tokens; 1 MAC = 2 FLOPs; norms, softmax "
                            "and activations not counted");
  }
  conditions.emplace_back("Program", std::string("Espalier ") + kVersion);
  return conditions;
}

std::string report_html(const std::string& title, const std::vector<Recipe>& recipes, const std::vector<Json>& rows,
                        const Conditions& conditions) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" + escaped(title) +
                     "</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n<style>" + kPageStyle +
                     "</style></head>\n<body>\n<h1>" + escaped(title) + "</h1>\n";
  if (!recipes.empty()) {
    html += "<p>" + escaped(recipes.front().model) + " on " + escaped(recipes.front().task) + "</p>\n";
  }
  if (rows.empty()) {
    html += "<p>Nothing has been measured yet.</p>\n";
  } else {
    html += "<figure>" + tradeoff_svg(rows) + "</figure>\n" + table_html(rows) + notes_html(rows);
  }
  html += "<h2>Conditions</h2>\n<table class=\"conditions\">\n";
  for (const auto& [name, value] : conditions.empty() ? report_conditions(rows) : conditions) {
    html += "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
  }
  return html + "</table>\n" + recipes_html(recipes) + "</body></html>\n";
}

}  // namespace espalier
