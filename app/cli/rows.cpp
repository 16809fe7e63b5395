#include "app/cli/rows.h"

#include <fmt/format.h>

#include <set>

#include "app/cli/program.h"

namespace espalier::cli {
namespace {

double number(const Json& row, const char* key) { return row.contains(key) ? row[key].get<double>() : 0; }

std::string label_of(const Json& row) {
  if (row.contains("name")) return row["name"].get<std::string>();
  const std::string method = row.value("method", "");
  return method.empty() ? "baseline" : method;
}

std::string accuracy_text(const Json& row) {
  if (!row.contains("accuracy")) return "";
  return fmt::format("{:.3f} ({:.3f}-{:.3f})", number(row, "accuracy"), number(row, "accuracy_low"),
                     number(row, "accuracy_high"));
}

std::string latency_text(const Json& row) {
  return row.contains("latency_ms_p50") ? fmt::format("{:.2f}", number(row, "latency_ms_p50")) : "";
}

}  // namespace

void print_row_line(const Json& row) {
  fmt::print("{:24} accuracy {}  {}  {} MACs  {} ms{}\n", label_of(row), accuracy_text(row),
             bytes_text(number(row, "bundle_bytes")), count_text(number(row, "macs")), latency_text(row),
             row.value("cached", false) ? "  (from an earlier run)" : "");
  std::fflush(stdout);
}

void print_rows(const std::vector<Json>& rows, const std::vector<size_t>& front) {
  const std::set<size_t> on_front(front.begin(), front.end());
  TextTable table({"", "recipe", "accuracy (95 % interval)", "p", "bundle", "parameters", "MACs", "ms p50", "loyalty"});
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json& row = rows[i];
    table.add({on_front.contains(i) ? "*" : "", label_of(row), accuracy_text(row),
               row.contains("mcnemar_p") ? fmt::format("{:.3f}", number(row, "mcnemar_p")) : "",
               bytes_text(number(row, "bundle_bytes")), count_text(number(row, "parameters")),
               count_text(number(row, "macs")), latency_text(row),
               row.contains("label_loyalty") ? fmt::format("{:.3f}", number(row, "label_loyalty")) : ""});
  }
  table.print(3);
  if (rows.empty()) return;
  const Json& first = rows.front();
  fmt::print("\n* on the front: no other row has both higher accuracy and fewer bytes.\n");
  if (first.contains("examples")) {
    fmt::print("accuracy on {} examples of \"{}\", Wilson interval; p: McNemar's test against the baseline.\n",
               first["examples"].get<int64_t>(), first.value("split", "dev"));
  }
  if (first.contains("latency_length")) {
    fmt::print("latency and MACs: batch {}, {} tokens; latency on {} thread(s), kernels {}.\n",
               first.value("latency_batch", 1), first["latency_length"].get<int64_t>(),
               first.value("latency_threads", 1), first.value("kernels", ""));
  }
  for (const Json& row : rows) {
    for (const auto& note : row.value("notes", Json::array())) {
      fmt::print("{}: {}\n", label_of(row), note.get<std::string>());
    }
  }
}

}  // namespace espalier::cli
