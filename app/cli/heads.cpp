// `espalier heads`: importance of attention heads (Michel 2019), as a layer x head table.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/program.h"

namespace espalier::cli {

void add_heads(Program& program) {
  CLI::App* verb = program.add_verb("heads", "Importance of every attention head on a task",
                                    "espalier heads lab --task lab --average token");
  struct Options {
    std::string model, task = "lab", split = "train", average = "example";
    int64_t max_examples = 1000;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Labelled examples")->capture_default_str();
  verb->add_option("--split", options->split)->capture_default_str();
  verb->add_option("--average", options->average, "Absolute value for each example (paper) or token (release)")
      ->capture_default_str()
      ->check(CLI::IsMember({"example", "token"}));
  verb->add_option("--max-examples", options->max_examples)->capture_default_str()->check(above_zero());
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "head_importance";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"split", options->split},
                     {"average", options->average},
                     {"max_examples", options->max_examples}};
    const Json answer = program.run_job(spec);
    if (program.json()) {
      program.print_json(answer);
      return;
    }
    const Json& layers = answer.at("heads");
    // Columns are head numbers of the model as first opened, so removed heads leave gaps.
    size_t columns = 0;
    for (const Json& kept : answer.at("kept")) {
      for (const Json& head : kept) columns = std::max(columns, head.get<size_t>() + 1);
    }
    std::vector<std::string> headers = {"layer"};
    for (size_t head = 0; head < columns; ++head) headers.push_back(fmt::format("head {}", head));
    TextTable table(headers);
    for (size_t i = 0; i < layers.size(); ++i) {
      std::vector<std::string> row(columns + 1);
      row[0] = std::to_string(i);
      for (size_t h = 0; h < layers[i].size(); ++h) {
        row[answer["kept"][i][h].get<size_t>() + 1] = fmt::format("{:.4f}", layers[i][h].get<double>());
      }
      table.add(row);
    }
    table.print();
    fmt::print(
        "\nmean of |gradient of the loss for a gate on the head| over {} examples of \"{}\", l2 norm of a layer 1, "
        "{:.1f} s\n",
        answer.value("examples", 0), options->split, answer.value("seconds", 0.0));
  });
}

}  // namespace espalier::cli
