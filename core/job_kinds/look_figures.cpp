#include "job_kinds/look_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/json.h"
#include "job_kinds/figures.h"

namespace espalier {
namespace {

using Scores = std::vector<std::vector<double>>;

// What a criterion's numbers are (criteria.h).
std::string unit_of(const std::string& criterion) {
  static const std::map<std::string, std::string> units = {{"michel", "mean |dL/dgate|, norm of a layer 1"},
                                                           {"taylor", "mean (dL/dgate)\u00b2"},
                                                           {"ablation", "rise of the loss, nats"},
                                                           {"voita", "log alpha of the gate"},
                                                           {"confidence", "confidence"},
                                                           {"entropy", "minus entropy, nats"},
                                                           {"influence", "1 - cosine"},
                                                           {"activation", "activation x weight norm"},
                                                           {"magnitude", "norm in x norm out"}};
  const auto found = units.find(criterion);
  return found == units.end() ? criterion : found->second;
}

std::vector<std::string> numbered(const std::string& name, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(fmt::format("{}{}", name, i));
  return names;
}

// null becomes NaN.
std::vector<double> numbers(const Json& row) {
  std::vector<double> values;
  for (const Json& value : row) {
    values.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  }
  return values;
}

Curve histogram_curve(const Json& histogram, const std::string& name) {
  const auto counts = histogram.at("counts").get<std::vector<double>>();
  const double low = histogram.at("low"), high = histogram.at("high");
  const double total = std::max(1.0, std::accumulate(counts.begin(), counts.end(), 0.0));
  Curve curve{.name = name, .x = {}, .y = {}, .steps = true};
  for (size_t i = 0; i <= counts.size(); ++i) {
    curve.x.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(counts.size()));
    curve.y.push_back(i < counts.size() ? 100 * counts[i] / total : 0);
  }
  return curve;
}

Curve energy_curve(const Json& spectrum, const std::string& name) {
  const auto values = spectrum.at("values").get<std::vector<double>>();
  const double total = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  Curve curve{.name = name, .x = {0}, .y = {0}};
  double kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    kept += values[i] * values[i];
    curve.x.push_back(100 * static_cast<double>(i + 1) / static_cast<double>(values.size()));
    curve.y.push_back(total > 0 ? 100 * kept / total : 100);
  }
  return curve;
}

std::string ranked_on(const Json& answer, const std::string& model) {
  return fmt::format("{}, {} examples of \"{}\"", model, answer.value("examples", 0), answer.value("split", ""));
}

// The columns are the heads' numbers in the model as first opened; those that are gone stay grey.
std::string heads_svg(const Scores& scores, const Json& kept, const std::string& criterion,
                      const std::string& conditions) {
  MatrixFigure figure{.title = "Importance of attention heads: " + criterion,
                      .conditions = conditions,
                      .row_title = "layer",
                      .column_title = "head",
                      .value_title = unit_of(criterion),
                      .row_names = numbered("", scores.size()),
                      .column_names = {},
                      .values = {},
                      .low = {},
                      .high = {}};
  size_t columns = 0;
  for (size_t layer = 0; layer < scores.size(); ++layer) {
    std::vector<double> row;
    for (size_t head = 0; head < scores[layer].size(); ++head) {
      const auto number = kept[layer][head].get<size_t>();
      if (row.size() <= number) row.resize(number + 1, std::numeric_limits<double>::quiet_NaN());
      row[number] = scores[layer][head];
    }
    columns = std::max(columns, row.size());
    figure.values.push_back(std::move(row));
  }
  for (std::vector<double>& row : figure.values) row.resize(columns, std::numeric_limits<double>::quiet_NaN());
  figure.column_names = numbered("", columns);
  return matrix_svg(figure);
}

std::string units_svg(const Scores& scores, const std::string& criterion, const std::string& conditions) {
  CurvePanel panel{.x_title = "units of the layer, least important first, %",
                   .y_title = unit_of(criterion),
                   .curves = {},
                   .level = {},
                   .y_from_zero = false};
  for (size_t layer = 0; layer < scores.size(); ++layer) {
    Curve curve{.name = fmt::format("layer {}", layer), .x = {}, .y = scores[layer]};
    std::ranges::sort(curve.y);
    for (size_t i = 0; i < curve.y.size(); ++i) {
      curve.x.push_back(100 * static_cast<double>(i + 1) / static_cast<double>(curve.y.size()));
    }
    panel.curves.push_back(std::move(curve));
  }
  return curves_svg({"Importance of feed-forward units: " + criterion, conditions, {panel}});
}

std::string layers_svg(const Scores& scores, const std::string& criterion, const std::string& conditions) {
  BarFigure figure{.title = "Importance of layers: " + criterion,
                   .conditions = conditions,
                   .value_title = criterion == "michel" ? "mean |dL/dgate|" : unit_of(criterion),
                   .names = numbered("layer ", scores.size()),
                   .values = {}};
  for (const std::vector<double>& layer : scores) figure.values.push_back(layer.at(0));
  return bars_svg(figure);
}

std::string agreement_svg(const Json& answer, const std::string& conditions) {
  MatrixFigure figure{.title = "Agreement of criteria on " + answer.at("of").get<std::string>(),
                      .conditions = conditions,
                      .row_title = "",
                      .column_title = "",
                      .value_title = "Kendall's tau-b",
                      .row_names = {},
                      .column_names = {},
                      .values = answer.at("agreement").get<Scores>(),
                      .around_zero = true,
                      .low = -1,
                      .high = 1};
  for (const Json& entry : answer.at("criteria")) figure.row_names.push_back(entry.at("criterion"));
  figure.column_names = figure.row_names;
  return matrix_svg(figure);
}

std::string removal_svg(const Json& answer, const std::string& conditions) {
  const auto of = answer.at("of").get<std::string>();
  const double tolerance = 100 * answer.at("tolerance").get<double>();
  CurvePanel panel{
      .x_title = of + " removed, least important first",
      .y_title = fmt::format("accuracy on {}, %", answer.at("curve_split").get<std::string>()),
      .curves = {},
      .level = {},
      .level_name = fmt::format("{:g} point{} below the whole model", tolerance, tolerance == 1 ? "" : "s"),
      .y_from_zero = false};
  for (const Json& entry : answer.at("criteria")) {
    Curve curve{.name = entry.at("criterion"), .x = {}, .y = {}};
    for (const Json& point : entry.at("curve")) {
      curve.x.push_back(point.at("removed"));
      curve.y.push_back(100 * point.at("accuracy").get<double>());
    }
    panel.level = curve.y.front() - tolerance;
    panel.curves.push_back(std::move(curve));
  }
  return curves_svg({fmt::format("Accuracy as {} are removed", of),
                     fmt::format("{}; accuracy on {} examples of \"{}\"", conditions, answer.value("curve_examples", 0),
                                 answer.value("curve_split", "")),
                     {panel}});
}

}  // namespace

std::string attention_measure_svg(const Json& answer, const std::string& model, const std::string& stack,
                                  const std::string& measure) {
  const std::string member = stack == "encoder" ? "measures" : stack + "_measures";
  if (!answer.contains(member)) {
    throw Error(ErrorKind::InvalidInput, {"the model has no such attention", "", stack, "encoder", ""});
  }
  const Json& values = answer.at(member).at(measure);
  const bool share = measure != "entropy" && measure != "distance";
  const std::string unit = measure == "entropy" ? "nats" : measure == "distance" ? "tokens" : "%";
  MatrixFigure figure{.title = fmt::format("Attention of every head: {}", measure),
                      .conditions = values.is_object() ? fmt::format("{}, mean of {}", stack, ranked_on(answer, model))
                                                       : fmt::format("{} of {}, one sentence of {} tokens", stack,
                                                                     model, answer.at("tokens").size()),
                      .row_title = "layer",
                      .column_title = "head",
                      .value_title = fmt::format("{}, {}", measure, unit),
                      .row_names = {},
                      .column_names = {},
                      .values = {},
                      .low = {},
                      .high = {}};
  size_t columns = 0;
  for (const Json& layer : values.is_object() ? values.at("mean") : values) {
    figure.values.push_back(numbers(layer));
    for (double& value : figure.values.back()) value *= share ? 100 : 1;
    columns = std::max(columns, figure.values.back().size());
  }
  figure.row_names = numbered("", figure.values.size());
  figure.column_names = numbered("", columns);
  return matrix_svg(figure);
}

std::string attention_matrix_svg(const Json& answer, const std::string& model, const std::string& stack,
                                 const std::string& head) {
  MatrixFigure figure{.title = "Attention of head " + head,
                      .conditions = fmt::format("{} of {}; every row adds up to 100 %", stack, model),
                      .row_title = "query",
                      .column_title = "key",
                      .value_title = "attention, %",
                      .row_names = answer.at(stack == "encoder" ? "tokens" : "target_tokens"),
                      .column_names = answer.at(stack == "decoder" ? "target_tokens" : "tokens"),
                      .values = {},
                      .low = 0,
                      .high = {}};
  for (const Json& row : answer.at("matrix")) {
    figure.values.push_back(numbers(row));
    for (double& value : figure.values.back()) value *= 100;
  }
  return matrix_svg(figure);
}

std::string saliency_svg(const Json& answer, const std::string& model) {
  const auto label = answer.at("explained_label").get<size_t>();
  const Json& labels = answer.at("labels");
  const std::string name = label < labels.size() ? labels[label].get<std::string>() : std::to_string(label);
  std::string conditions =
      fmt::format("{}, probability {:.3f}", model, answer.at("probabilities")[label].get<double>());
  if (answer.contains("completeness_error")) {
    conditions += fmt::format(", completeness error {:.4f}", answer["completeness_error"].get<double>());
  }
  return bars_svg({.title = "Saliency of tokens for \"" + name + "\"",
                   .conditions = conditions,
                   .value_title = answer.at("method"),
                   .names = answer.at("tokens"),
                   .values = numbers(answer.at("scores"))});
}

std::string weight_svg(const Json& answer, const std::string& model, const std::string& other) {
  const Json& weight = answer.at("weight");
  CurvePanel counts{.x_title = "value", .y_title = "share of the values in a bin, %", .curves = {}, .level = {}};
  CurvePanel energy{
      .x_title = "rank, % of the full one", .y_title = "energy, %", .curves = {}, .level = 99, .level_name = "99 %"};
  const auto add = [&](const Json& of, const std::string& name) {
    counts.curves.push_back(histogram_curve(of.at("histogram"), name));
    if (of.contains("spectrum")) energy.curves.push_back(energy_curve(of.at("spectrum"), name));
  };
  add(weight, model);
  if (weight.contains("other")) add(weight["other"], other);
  CurveFigure figure{
      .title = "Weight " + weight.at("slot").get<std::string>(),
      .conditions = fmt::format("{}, {} {}", model, weight.at("shape").dump(), weight.at("form").get<std::string>()),
      .panels = {counts}};
  if (!energy.curves.empty()) figure.panels.push_back(energy);
  return curves_svg(figure);
}

std::string activations_svg(const Json& answer, const std::string& model, const std::string& baseline) {
  const bool two = answer.contains("baseline_cka");
  MatrixFigure figure{.title = two ? "Similarity of the layers of two models" : "Similarity of layers",
                      .conditions = fmt::format("{}{}; {} tokens of \"{}\"", model, two ? " and " + baseline : "",
                                                answer.value("tokens", 0), answer.value("split", "")),
                      .row_title = two ? "model" : "",
                      .column_title = two ? "baseline" : "",
                      .value_title = "linear CKA",
                      .row_names = {},
                      .column_names = {},
                      .values = {},
                      .low = 0,
                      .high = 1};
  for (const Json& row : answer.at(two ? "baseline_cka" : "cka")) figure.values.push_back(numbers(row));
  const auto names = [](size_t count) {
    std::vector<std::string> all = numbered("layer ", count - 1);
    all.insert(all.begin(), "embeddings");
    return all;
  };
  figure.row_names = names(figure.values.size());
  figure.column_names = names(figure.values.front().size());
  return matrix_svg(figure);
}

std::string importance_svg(const Json& answer, const std::string& model) {
  const std::string conditions = ranked_on(answer, model);
  if (answer.contains("heads")) return heads_svg(answer.at("heads"), answer.at("kept"), "michel", conditions);
  if (answer.contains("units")) return units_svg(answer.at("units"), "michel", conditions);
  const Json& criteria = answer.at("criteria");
  if (criteria[0].contains("curve")) return removal_svg(answer, conditions);
  if (criteria.size() > 1) return agreement_svg(answer, conditions);
  const auto of = answer.at("of").get<std::string>();
  const auto criterion = criteria[0].at("criterion").get<std::string>();
  const auto scores = criteria[0].at("scores").get<Scores>();
  if (of == "heads") return heads_svg(scores, answer.at("kept"), criterion, conditions);
  return of == "units" ? units_svg(scores, criterion, conditions) : layers_svg(scores, criterion, conditions);
}

}  // namespace espalier
