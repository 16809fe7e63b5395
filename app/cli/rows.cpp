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

// Members of a row in the order of reading, with what a person calls them.
constexpr std::pair<const char*, const char*> kQualityMembers[] = {
    {"accuracy", "accuracy"},
    {"exact", "exact match"},
    {"f1", "F1"},
    {"has_answer_exact", "exact match, questions with an answer"},
    {"has_answer_f1", "F1, questions with an answer"},
    {"no_answer_exact", "right of the questions without an answer"},
    {"best_f1", "F1 at the best threshold for these questions"},
    {"best_f1_threshold", "that threshold"},
    {"span_f1", "F1 of spans"},
    {"span_precision", "precision of spans"},
    {"span_recall", "recall of spans"},
    {"perplexity", "perplexity a token"},
    {"masked_perplexity", "perplexity of masked tokens"},
    {"word_perplexity", "perplexity a word"},
    {"character_perplexity", "perplexity a character"},
    {"token_log_likelihood", "log-likelihood a token, nats"},
    {"bleu", "BLEU"},
    {"brevity_penalty", "brevity penalty"},
    {"mcc", "Matthews correlation"},
    {"calibration_error", "calibration error"},
    {"nll", "negative log-likelihood, nats"},
    {"in_scope_accuracy", "accuracy in scope"},
    {"out_of_scope_recall", "recall out of scope"},
    {"pearson", "Pearson correlation"},
    {"spearman", "Spearman correlation"},
    {"mcnemar_p", "p of accuracy against baseline (McNemar)"},
    {"f1_p", "p of F1 against baseline (paired bootstrap)"},
    {"mcc_p", "p of Matthews against baseline (paired bootstrap)"},
    {"pearson_p", "p of Pearson against baseline (paired bootstrap)"},
    {"spearman_p", "p of Spearman against baseline (paired bootstrap)"},
    {"accuracy_p", "p of accuracy against baseline (paired bootstrap)"},
    {"span_f1_p", "p of F1 of spans against baseline (paired bootstrap)"},
    {"exact_p", "p of exact match against baseline (McNemar)"},
    {"token_f1_p", "p of F1 against baseline (approximate randomization)"},
    {"token_log_likelihood_p", "p of log-likelihood against baseline (paired bootstrap)"},
    {"bleu_p", "p of BLEU against baseline (paired bootstrap)"},
    {"label_loyalty", "label loyalty"},
    {"probability_loyalty", "probability loyalty"},
    {"fidelity_kl", "KL from baseline, nats"},
    {"shifted_accuracy", "accuracy, shifted set"},
    {"accuracy_drop", "drop in accuracy"},
    {"baseline_accuracy_drop", "drop of the baseline"},
    {"relative_gap", "relative gap"}};

// The member that rows are judged by.
std::string metric_of(const Json& row) { return row.value("metric", "accuracy"); }

std::string metric_name(const Json& row) {
  const std::string metric = metric_of(row);
  for (const auto& [member, name] : kQualityMembers) {
    if (metric == member) return name;
  }
  return metric;
}

std::string metric_text(const Json& row) {
  const std::string metric = metric_of(row);
  if (!row.contains(metric)) return "";
  const char* format = metric == "bleu" ? "{:.2f} ({:.2f}-{:.2f})" : "{:.3f} ({:.3f}-{:.3f})";
  return fmt::format(fmt::runtime(format), row[metric].get<double>(), row.value(metric + "_low", 0.0),
                     row.value(metric + "_high", 0.0));
}

std::string p_text(const Json& row) {
  for (const char* member :
       {"mcnemar_p", "span_f1_p", "accuracy_p", "token_f1_p", "token_log_likelihood_p", "bleu_p"}) {
    if (row.contains(member)) return fmt::format("{:.3f}", number(row, member));
  }
  return "";
}

std::string latency_text(const Json& row) {
  return row.contains("latency_ms_p50") ? fmt::format("{:.2f}", number(row, "latency_ms_p50")) : "";
}

}  // namespace

std::vector<QualityLine> quality_lines(const Json& row) {
  std::vector<QualityLine> lines;
  for (const auto& [member, label] : kQualityMembers) {
    if (!row.contains(member)) continue;
    const std::string low = std::string(member) + "_low", high = std::string(member) + "_high";
    lines.push_back({label, row[member].get<double>(), row.contains(low), row.value(low, 0.0), row.value(high, 0.0)});
  }
  return lines;
}

void print_row_line(const Json& row) {
  fmt::print("{:24} {} {}  {}  {} MACs  {} ms{}\n", label_of(row), metric_name(row), metric_text(row),
             bytes_text(number(row, "bundle_bytes")), count_text(number(row, "macs")), latency_text(row),
             row.value("cached", false) ? "  (from an earlier run)" : "");
  std::fflush(stdout);
}

void print_rows(const std::vector<Json>& rows, const std::vector<size_t>& front) {
  const std::set<size_t> on_front(front.begin(), front.end());
  const Json first = rows.empty() ? Json::object() : rows.front();
  const std::string metric = metric_name(first);
  TextTable table(
      {"", "recipe", metric + " (95 % interval)", "p", "bundle", "parameters", "MACs", "ms p50", "loyalty"});
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json& row = rows[i];
    table.add({on_front.contains(i) ? "*" : "", label_of(row), metric_text(row), p_text(row),
               bytes_text(number(row, "bundle_bytes")), count_text(number(row, "parameters")),
               count_text(number(row, "macs")), latency_text(row),
               row.contains("label_loyalty") ? fmt::format("{:.3f}", number(row, "label_loyalty")) : ""});
  }
  table.print(3);
  if (rows.empty()) return;
  fmt::print("\n* on the front: no other row has both higher {} and fewer bytes.\n", metric);
  if (first.contains("quality_basis")) {
    fmt::print("{} on {} examples of \"{}\"; {}; p: paired test against the baseline.\n", metric,
               first.value("examples", int64_t{0}), first.value("split", "dev"),
               first["quality_basis"].get<std::string>());
  } else if (first.contains("examples")) {
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
