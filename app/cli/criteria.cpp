#include "app/cli/criteria.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "introspect/criteria.h"

namespace espalier::cli {
namespace {

int64_t total_of(const Json& answer) {
  int64_t total = 0;
  for (const Json& layer : answer.at("kept")) total += static_cast<int64_t>(layer.size());
  return total;
}

// One line a layer: how the scores of its units spread.
void print_unit_table(const Json& scores) {
  TextTable table({"layer", "units", "least", "median", "most", "sum of the least half, %"});
  for (size_t layer = 0; layer < scores.size(); ++layer) {
    auto values = scores[layer].get<std::vector<double>>();
    if (values.empty()) continue;
    std::ranges::sort(values);
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    const double half =
        std::accumulate(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), 0.0);
    table.add({std::to_string(layer), std::to_string(values.size()), fmt::format("{:.3g}", values.front()),
               fmt::format("{:.3g}", values[values.size() / 2]), fmt::format("{:.3g}", values.back()),
               sum > 0 && values.front() >= 0 ? fmt::format("{:.1f}", 100 * half / sum) : ""});
  }
  table.print();
}

void print_layer_table(const Json& criteria) {
  std::vector<std::string> headers = {"layer"};
  for (const Json& entry : criteria) headers.push_back(entry.at("criterion"));
  TextTable table(headers);
  for (size_t layer = 0; layer < criteria[0].at("scores").size(); ++layer) {
    std::vector<std::string> row = {std::to_string(layer)};
    for (const Json& entry : criteria) row.push_back(fmt::format("{:.4f}", entry["scores"][layer][0].get<double>()));
    table.add(row);
  }
  table.print();
}

void print_agreement(const Json& answer) {
  const Json& criteria = answer.at("criteria");
  const bool curve = criteria[0].contains("within");
  std::vector<std::string> headers = {"criterion", "seconds"};
  if (curve) headers.insert(headers.end(), {"curve s", "can go"});
  for (const Json& entry : criteria) headers.push_back("tau " + entry.at("criterion").get<std::string>());
  TextTable table(headers);
  for (size_t i = 0; i < criteria.size(); ++i) {
    std::vector<std::string> row = {criteria[i].at("criterion"),
                                    fmt::format("{:.1f}", criteria[i].at("seconds").get<double>())};
    if (curve) {
      row.push_back(fmt::format("{:.1f}", criteria[i].at("curve_seconds").get<double>()));
      row.push_back(std::to_string(criteria[i].at("within").get<int64_t>()));
    }
    for (const Json& tau : answer.at("agreement")[i]) row.push_back(fmt::format("{:+.2f}", tau.get<double>()));
    table.add(row);
  }
  table.print();
}

void print_curve(const Json& answer) {
  const Json& criteria = answer.at("criteria");
  std::vector<std::string> headers = {"removed"};
  std::set<int64_t> counts;
  std::vector<std::map<int64_t, double>> accuracies;
  for (const Json& entry : criteria) {
    headers.push_back(entry.at("criterion"));
    accuracies.emplace_back();
    for (const Json& point : entry.at("curve")) {
      counts.insert(point.at("removed").get<int64_t>());
      accuracies.back()[point.at("removed").get<int64_t>()] = point.at("accuracy").get<double>();
    }
  }
  TextTable table(headers);
  for (const int64_t count : counts) {
    std::vector<std::string> row = {std::to_string(count)};
    for (const auto& curve : accuracies) {
      row.push_back(curve.contains(count) ? fmt::format("{:.1f}", 100 * curve.at(count)) : "");
    }
    table.add(row);
  }
  fmt::print("\naccuracy, %, with the least important {} closed\n", answer.at("of").get<std::string>());
  table.print();
}

}  // namespace

std::shared_ptr<CriteriaOptions> add_criteria_options(CLI::App* verb, const std::string& criteria_help) {
  auto options = std::make_shared<CriteriaOptions>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Labelled examples")->capture_default_str();
  verb->add_option("--split", options->split, "Split that the ranking is made on")->capture_default_str();
  verb->add_option("--max-examples", options->max_examples, "Of each split, the first ones")
      ->capture_default_str()
      ->check(above_zero());
  verb->add_option("--criterion", options->criteria, criteria_help)->delimiter(',');
  verb->add_flag("--curve", options->curve, "Accuracy as more and more of them go, in the order of each criterion");
  verb->add_option("--curve-split", options->curve_split,
                   "Split that the curve is measured on; empty: the task's evaluation split");
  verb->add_option("--curve-step", options->curve_step, "Removed from point to point; 0: a 24th of all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--tolerance", options->tolerance, "Points of accuracy that may be lost for \"can go\"")
      ->capture_default_str()
      ->check(between(0, 100));
  verb->add_option("--seed", options->seed, "Of the random order and of learnt gates")->capture_default_str();
  verb->add_option("--svg", options->svg,
                   "Write a figure: the curve, the agreement of several criteria, or the scores");
  return options;
}

JobSpec importance_spec(const CriteriaOptions& options, const std::string& of) {
  JobSpec spec;
  spec.kind = "importance";
  spec.seed = options.seed;
  std::vector<std::string> criteria = options.criteria;
  if (criteria == std::vector<std::string>{"all"}) {
    criteria.clear();
    for (const Criterion criterion : criteria_of(prunable_from(of))) criteria.emplace_back(to_string(criterion));
  }
  spec.settings = {{"model", absolute_or_name(options.model)},
                   {"task", absolute_or_name(options.task)},
                   {"of", of},
                   {"criteria", criteria},
                   {"split", options.split},
                   {"max_examples", options.max_examples},
                   {"curve", options.curve},
                   {"curve_split", options.curve_split},
                   {"curve_step", options.curve_step},
                   {"tolerance", options.tolerance / 100}};
  return spec;
}

void print_head_table(const Json& scores, const Json& kept) {
  size_t columns = 0;
  for (const Json& heads : kept) {
    for (const Json& head : heads) columns = std::max(columns, head.get<size_t>() + 1);
  }
  std::vector<std::string> headers = {"layer"};
  for (size_t head = 0; head < columns; ++head) headers.push_back(fmt::format("head {}", head));
  TextTable table(headers);
  for (size_t i = 0; i < scores.size(); ++i) {
    std::vector<std::string> row(columns + 1);
    row[0] = std::to_string(i);
    for (size_t h = 0; h < scores[i].size(); ++h) {
      row[kept[i][h].get<size_t>() + 1] = fmt::format("{:.4f}", scores[i][h].get<double>());
    }
    table.add(row);
  }
  table.print();
}

void print_importance(const Json& answer) {
  const Json& criteria = answer.at("criteria");
  const auto of = answer.at("of").get<std::string>();
  if (of == "layers") {
    print_layer_table(criteria);
    fmt::print("\n");
  } else if (criteria.size() == 1) {
    fmt::print("by {}\n", criteria[0].at("criterion").get<std::string>());
    of == "heads" ? print_head_table(criteria[0].at("scores"), answer.at("kept"))
                  : print_unit_table(criteria[0].at("scores"));
    fmt::print("\n");
  }
  print_agreement(answer);
  if (criteria[0].contains("curve")) print_curve(answer);
  fmt::print("\n{} {}, ranked on {} examples of \"{}\"; tau: Kendall's tau-b of two rankings\n", total_of(answer), of,
             answer.value("examples", 0), answer.value("split", ""));
  if (!criteria[0].contains("curve")) return;
  fmt::print("accuracy on {} examples of \"{}\"; can go: the most whose closing never costs more than {:g} points\n",
             answer.value("curve_examples", 0), answer.value("curve_split", ""), 100 * answer.value("tolerance", 0.01));
}

}  // namespace espalier::cli
