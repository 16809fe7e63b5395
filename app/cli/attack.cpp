// `espalier attack`: accuracy that is left when words are exchanged to fool the model (TextFooler).

#include <fmt/format.h>

#include "app/cli/program.h"

namespace espalier::cli {
namespace {

std::string interval_text(const Json& answer, const std::string& key) {
  return fmt::format("{:.4f} to {:.4f}", answer.at(key + "_low").get<double>(), answer.at(key + "_high").get<double>());
}

void print_answer(const Json& answer, int64_t shown) {
  TextTable table({"measure", "value", "95 % interval"});
  const auto add = [&](const char* key, const char* label) {
    table.add({label, fmt::format("{:.4f}", answer.at(key).get<double>()), interval_text(answer, key)});
  };
  add("clean_accuracy", "accuracy before");
  add("after_attack_accuracy", "accuracy after the attack");
  add("attack_success_rate", "attacks that succeeded");
  table.add({"queries, mean", fmt::format("{:.1f}", answer.at("mean_queries").get<double>()), ""});
  table.add({"words changed, mean %", fmt::format("{:.1f}", 100 * answer.at("mean_changed_frac").get<double>()), ""});
  table.print();
  fmt::print("\nTextFooler on {} examples of \"{}\": {} wrong before, {} held, {} fell; {:.1f} s, kernels {}\n",
             answer.at("examples").get<int64_t>(), answer.value("split", ""), answer.at("skipped").get<int64_t>(),
             answer.at("failed").get<int64_t>(), answer.at("succeeded").get<int64_t>(),
             answer.at("seconds").get<double>(), answer.value("kernels", ""));
  fmt::print("candidates: {}; part of speech: {}; similarity: {}\n", answer.value("candidates", ""),
             answer.value("part_of_speech", ""), answer.value("similarity", ""));
  const Json& adversaries = answer.at("adversaries");
  for (size_t i = 0; i < adversaries.size() && i < static_cast<size_t>(shown); ++i) {
    const Json& one = adversaries[i];
    const bool has_pair = one.contains("pair");
    fmt::print("\n{:4}  {}\n   -> {}\n", one.at("index").get<int64_t>(),
               one.at(has_pair ? "pair" : "text").get<std::string>(),
               one.at(has_pair ? "adversary_pair" : "adversary").get<std::string>());
  }
  for (const auto& warning : answer.value("warnings", Json::array())) fmt::print("{}\n", warning.get<std::string>());
}

}  // namespace

void add_attack(Program& program) {
  CLI::App* verb = program.add_verb("attack", "Exchange words to fool a model, and count what is left of its accuracy",
                                    "espalier attack --model path/to/model --task path/to/sst2 --max-examples 200");
  struct Options {
    std::string model, task, split = "dev", candidates, wordnet;
    int64_t max_examples = 200, shown = 5;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Folder or file of labelled examples, or lab")->required();
  verb->add_option("--split", options->split, "Split of the task")->capture_default_str();
  verb->add_option("--max-examples", options->max_examples, "Only the first so many examples; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--candidates", options->candidates,
                   "Where other words come from; WordNet where it is installed, unless this is said")
      ->check(CLI::IsMember({"wordnet", "embeddings"}));
  verb->add_option("--wordnet", options->wordnet, "Folder of the WordNet database, where it is not the installed one");
  verb->add_option("--show", options->shown, "So many of the texts that fooled the model")
      ->capture_default_str()
      ->check(at_least(0));
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "attack";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"split", options->split},
                     {"max_examples", options->max_examples},
                     {"candidates", options->candidates},
                     {"wordnet", absolute_or_name(options->wordnet)}};
    const Json answer = program.run_job(spec);
    if (program.json()) {
      program.print_json(answer);
    } else {
      print_answer(answer, options->shown);
    }
  });
}

}  // namespace espalier::cli
