// `espalier attention`: what every head attends to, of one sentence or averaged over a data set; one head's matrix.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/look_verbs.h"
#include "formats/atomic_file.h"
#include "introspect/attention_measures.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, text, pair, target, task, split, head, stack = "encoder", measure = "entropy", svg;
  int64_t max_examples = 200;
};

const char* title_of(AttentionMeasure measure) {
  switch (measure) {
    case AttentionMeasure::Entropy:
      return "entropy, nats";
    case AttentionMeasure::Distance:
      return "mean distance, tokens";
    case AttentionMeasure::First:
      return "share to the first token, %";
    case AttentionMeasure::Separators:
      return "share to other special tokens, %";
    case AttentionMeasure::Previous:
      return "share to the token before, %";
    case AttentionMeasure::Next:
      break;
  }
  return "share to the token behind, %";
}

bool is_share(AttentionMeasure measure) {
  return measure != AttentionMeasure::Entropy && measure != AttentionMeasure::Distance;
}

// layer x head; with an interval its half width behind the mean.
void print_measure(const Json& values, AttentionMeasure measure) {
  const bool averaged = values.is_object();
  const Json& means = averaged ? values.at("mean") : values;
  if (means.empty() || means[0].empty() || means[0][0].is_null()) return;
  const double scale = is_share(measure) ? 100 : 1;
  const int decimals = is_share(measure) ? 1 : 2;
  size_t heads = 0;
  for (const Json& layer : means) heads = std::max(heads, layer.size());
  std::vector<std::string> headers = {"layer"};
  for (size_t head = 0; head < heads; ++head) headers.push_back(fmt::format("head {}", head));
  TextTable table(headers);
  for (size_t layer = 0; layer < means.size(); ++layer) {
    std::vector<std::string> row(heads + 1);
    row[0] = std::to_string(layer);
    for (size_t head = 0; head < means[layer].size(); ++head) {
      row[head + 1] = fmt::format("{:.{}f}", scale * means[layer][head].get<double>(), decimals);
      if (!averaged) continue;
      const double half = values.at("high")[layer][head].get<double>() - means[layer][head].get<double>();
      row[head + 1] += fmt::format(" ±{:.{}f}", scale * half, decimals);
    }
    table.add(row);
  }
  fmt::print("\n{}\n", title_of(measure));
  table.print();
}

void print_measures(const Json& answer) {
  for (const auto& [member, title] :
       {std::pair("measures", "self-attention"), std::pair("decoder_measures", "self-attention of the decoder"),
        std::pair("cross_measures", "attention of the decoder to the source")}) {
    if (!answer.contains(member)) continue;
    fmt::print("\n{}\n", title);
    for (const AttentionMeasure measure : kAttentionMeasures) {
      print_measure(answer.at(member).at(std::string(to_string(measure))), measure);
    }
  }
}

void print_matrix(const Json& answer, const std::string& stack) {
  const Json& queries = stack == "encoder" ? answer.at("tokens") : answer.at("target_tokens");
  const Json& keys = stack == "decoder" ? answer.at("target_tokens") : answer.at("tokens");
  std::vector<std::string> headers = {"query \\ key, %"};
  for (const Json& key : keys) headers.push_back(key);
  TextTable table(headers);
  for (size_t i = 0; i < queries.size(); ++i) {
    std::vector<std::string> row = {queries[i]};
    for (const Json& share : answer.at("matrix")[i]) row.push_back(fmt::format("{:.0f}", 100 * share.get<double>()));
    table.add(row);
  }
  table.print();
}

// "3.11": layer and head.
void set_head(Json& settings, const std::string& text) {
  const size_t point = text.find('.');
  const auto number = [&](const std::string& digits) -> int64_t {
    if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(ErrorKind::InvalidInput, {"this names no head", "--head", text, "LAYER.HEAD, say 3.11", ""});
    }
    return std::stoll(digits);
  };
  settings["layer"] = number(text.substr(0, point));
  settings["head"] = number(point == std::string::npos ? "" : text.substr(point + 1));
}

}  // namespace

void add_attention(Program& program) {
  CLI::App* verb = program.add_verb("attention", "What every head attends to: entropy, distance, special tokens",
                                    "espalier attention lab \"The plot was not very clever.\" --head 1.2\n  espalier "
                                    "attention lab --task lab --svg attention.svg");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  auto* text = verb->add_option("text", options->text, "The sentence");
  verb->add_option("--pair", options->pair, "A second sentence")->needs(text);
  verb->add_option("--target", options->target, "What a decoder reads; empty: what the model writes itself")
      ->needs(text);
  auto* head = verb->add_option("--head", options->head, "LAYER.HEAD whose matrix is shown")->needs(text);
  verb->add_option("--stack", options->stack, "Whose head: encoder (or only stack), decoder, or cross")
      ->capture_default_str()
      ->check(CLI::IsMember({"encoder", "decoder", "cross"}));
  auto* task = verb->add_option("--task", options->task, "Average over a data set")->excludes(text);
  verb->add_option("--split", options->split, "Empty: the task's evaluation split")->needs(task);
  verb->add_option("--max-examples", options->max_examples, "The first ones; 0: all")
      ->capture_default_str()
      ->check(at_least(0))
      ->needs(task);
  verb->add_option("--svg", options->svg, "Write a figure: the head's matrix, else --measure of every head");
  std::vector<std::string> names;
  for (const AttentionMeasure measure : kAttentionMeasures) names.emplace_back(to_string(measure));
  verb->add_option("--measure", options->measure, "Measure of the figure")
      ->capture_default_str()
      ->check(CLI::IsMember(names))
      ->excludes(head);
  program.on_run(verb, [&program, options] {
    if (options->text.empty() && options->task.empty()) {
      throw Error(ErrorKind::InvalidInput, {"nothing to look at", "", "", "a sentence, or --task", ""});
    }
    JobSpec spec;
    spec.settings = {{"model", absolute_or_name(options->model)}};
    if (options->task.empty()) {
      spec.kind = "attention";
      spec.settings.update({{"text", options->text}, {"pair", options->pair}, {"target", options->target}});
      if (!options->head.empty()) {
        set_head(spec.settings, options->head);
        spec.settings["stack"] = options->stack;
      }
    } else {
      spec.kind = "attention_average";
      spec.settings.update({{"task", absolute_or_name(options->task)},
                            {"split", options->split},
                            {"max_examples", options->max_examples}});
    }
    const Json answer = program.run_job(spec);
    if (!options->svg.empty()) {
      write_file_atomically(options->svg,
                            options->head.empty()
                                ? attention_measure_svg(answer, options->model, options->stack, options->measure)
                                : attention_matrix_svg(answer, options->model, options->stack, options->head));
    }
    if (program.json()) return program.print_json(answer);
    if (!options->head.empty()) return print_matrix(answer, options->stack);
    print_measures(answer);
    if (options->task.empty()) {
      fmt::print("\nmeans over the tokens of the text, special tokens left out\n");
    } else {
      fmt::print("\nmeans over {} examples of \"{}\" ± 95 % interval of the mean; special tokens left out as queries\n",
                 answer.value("examples", 0), answer.value("split", ""));
    }
  });
}

}  // namespace espalier::cli
