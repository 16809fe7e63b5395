// `espalier flips`: the examples whose answer changed from a baseline to a model, both ways, and where they lie.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/look_verbs.h"

namespace espalier::cli {
namespace {

constexpr size_t kLongestText = 70;

std::string shortened(const std::string& text) {
  if (text.size() <= kLongestText) return text;
  size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a code point
  return text.substr(0, end) + "...";
}

std::string name_of(const Json& labels, const Json& label) {
  const auto index = label.get<size_t>();
  return index < labels.size() ? labels[index].get<std::string>() : std::to_string(index);
}

void print_confusion(const Json& confusion, const Json& labels, const char* title, const char* corner) {
  // A table of many labels says less than the list of changes.
  if (confusion.size() > 12) return;
  std::vector<std::string> headers = {corner};
  for (size_t label = 0; label < confusion.size(); ++label) headers.push_back(name_of(labels, label));
  TextTable table(headers);
  for (size_t gold = 0; gold < confusion.size(); ++gold) {
    std::vector<std::string> row = {name_of(labels, gold)};
    for (const Json& count : confusion[gold]) row.push_back(std::to_string(count.get<int64_t>()));
    table.add(row);
  }
  fmt::print("\n{}\n", title);
  table.print();
}

std::string percent_with_interval(const Json& json, const std::string& name) {
  return fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * json.at(name).get<double>(),
                     100 * json.at(name + "_low").get<double>(), 100 * json.at(name + "_high").get<double>());
}

void print_slices(const Json& answer) {
  TextTable table({"slice", "", "examples", "lost", "gained", "baseline %", "model %", "p"});
  std::string last;
  for (const Json& slice : answer.at("slices")) {
    const auto by = slice.at("by").get<std::string>();
    table.add({by == last ? "" : by, slice.at("name"), std::to_string(slice.at("examples").get<int64_t>()),
               std::to_string(slice.at("lost").get<int64_t>()), std::to_string(slice.at("gained").get<int64_t>()),
               percent_with_interval(slice, "baseline_accuracy"), percent_with_interval(slice, "accuracy"),
               fmt::format("{:.3f}", slice.at("mcnemar_p").get<double>())});
    last = by;
  }
  fmt::print("\n");
  table.print(2);
  fmt::print("accuracy with its 95 % Wilson interval; p: McNemar; loss: the baseline's; words: the smallest p of {}\n",
             answer.value("words_tested", 0));
}

void print_rows(const Json& answer, size_t most) {
  const Json& labels = answer.at("labels");
  TextTable table({"example", "change", "gold", "baseline", "p", "model", "p", "text"});
  size_t shown = 0;
  for (const Json& row : answer.at("rows")) {
    if (shown++ == most) break;
    std::string text = row.at("text");
    if (row.contains("pair")) text += " | " + row.at("pair").get<std::string>();
    table.add({std::to_string(row.at("index").get<size_t>() + 1), row.at("kind"), name_of(labels, row.at("gold")),
               name_of(labels, row.at("baseline_answer")),
               fmt::format("{:.2f}", row.at("baseline_probability").get<double>()), name_of(labels, row.at("answer")),
               fmt::format("{:.2f}", row.at("probability").get<double>()), shortened(text)});
  }
  if (shown == 0) return;
  fmt::print("\n");
  table.print(8);
  if (answer.at("rows").size() > most) {
    fmt::print("{} more: --rows or --json shows them\n", answer.at("rows").size() - most);
  }
}

}  // namespace

void add_flips(Program& program) {
  CLI::App* verb = program.add_verb("flips", "Examples whose answer changed from a baseline to a model, and where",
                                    "espalier flips small --baseline path/to/model --task path/to/sst2");
  struct Options {
    std::string model, baseline, task, split;
    int64_t max_examples = 0, max_length = 128, least_examples = 10;
    size_t rows = 20;
    bool all = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--baseline", options->baseline, "The model that it was made from")->required();
  verb->add_option("--task", options->task, "Labelled examples")->required();
  verb->add_option("--split", options->split, "Empty: the task's evaluation split");
  verb->add_option("--max-examples", options->max_examples, "The first ones; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--max-length", options->max_length, "Tokens of an example")
      ->capture_default_str()
      ->check(at_least(3));
  verb->add_option("--least-examples", options->least_examples, "A word's slice holds at least as many")
      ->capture_default_str()
      ->check(above_zero());
  verb->add_option("--rows", options->rows, "Changed examples to print")->capture_default_str();
  verb->add_flag("--all", options->all, "Rows of all examples, not of the changed ones alone");
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "flips";
    spec.settings = {{"model", absolute_or_name(options->model)}, {"baseline", absolute_or_name(options->baseline)},
                     {"task", absolute_or_name(options->task)},   {"split", options->split},
                     {"max_examples", options->max_examples},     {"max_length", options->max_length},
                     {"least_examples", options->least_examples}, {"rows", options->all ? "all" : "changed"}};
    const Json answer = program.run_job(spec);
    if (program.json()) return program.print_json(answer);
    fmt::print("{} examples of \"{}\": {} lost, {} gained, {} moved from one wrong label to another\n",
               answer.value("examples", 0), answer.value("split", ""), answer.value("lost", 0),
               answer.value("gained", 0), answer.value("moved", 0));
    fmt::print("accuracy {} % of the baseline, {} % of the model, McNemar p {:.3f}\n",
               percent_with_interval(answer, "baseline_accuracy"), percent_with_interval(answer, "accuracy"),
               answer.value("mcnemar_p", 1.0));
    const Json& labels = answer.at("labels");
    print_confusion(answer.at("baseline_confusion"), labels, "baseline", "gold \\ answer");
    print_confusion(answer.at("confusion"), labels, "model", "gold \\ answer");
    print_confusion(answer.at("between"), labels, "from the baseline's answer to the model's", "baseline \\ model");
    print_slices(answer);
    print_rows(answer, options->rows);
  });
}

}  // namespace espalier::cli
