// `espalier saliency`: which words decided, by gradient x input; scored against the lab's known words.

#include <fmt/format.h>

#include "app/cli/program.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, text, pair, split = "dev";
  bool score = false;
  int64_t label = -1, max_examples = 500;
};

void print_saliency(const Json& answer) {
  const Json& labels = answer.at("labels");
  const auto explained = answer.at("explained_label").get<size_t>();
  TextTable table({"token", "gradient x input"});
  for (size_t i = 0; i < answer.at("tokens").size(); ++i) {
    table.add({answer["tokens"][i].get<std::string>(), fmt::format("{:+.4f}", answer["scores"][i].get<double>())});
  }
  table.print();
  const auto name = [&](size_t label) {
    return label < labels.size() ? labels[label].get<std::string>() : std::to_string(label);
  };
  fmt::print("\nexplained: {}, probability {:.3f}\n", name(explained),
             answer["probabilities"][explained].get<double>());
}

}  // namespace

void add_saliency(Program& program) {
  CLI::App* verb = program.add_verb("saliency", "Which tokens decided, by gradient x input",
                                    "espalier saliency lab --text \"The plot was not very clever.\"");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  auto* text = verb->add_option("--text", options->text, "The sentence");
  verb->add_option("--pair", options->pair, "A second sentence")->needs(text);
  verb->add_option("--label", options->label, "Explained label by index; -1: the predicted one")->capture_default_str();
  auto* score = verb->add_flag("--score", options->score, "Score against the words that decide the lab's examples");
  score->excludes(text);
  verb->add_option("--split", options->split, "Split of the lab for --score")->capture_default_str();
  verb->add_option("--max-examples", options->max_examples)->capture_default_str()->check(above_zero());
  program.on_run(verb, [&program, options] {
    if (!options->score && options->text.empty()) {
      throw Error(ErrorKind::InvalidInput,
                  {"nothing to explain", "", "", "--text SENTENCE, or --score on the lab", ""});
    }
    JobSpec spec;
    spec.settings = {{"model", absolute_or_name(options->model)}};
    if (options->score) {
      spec.kind = "saliency_score";
      spec.settings["split"] = options->split;
      spec.settings["max_examples"] = options->max_examples;
    } else {
      spec.kind = "saliency";
      spec.settings["text"] = options->text;
      if (!options->pair.empty()) spec.settings["pair"] = options->pair;
      spec.settings["label"] = options->label;
    }
    const Json answer = program.run_job(spec);
    if (program.json()) {
      program.print_json(answer);
    } else if (options->score) {
      fmt::print("precision at k {:.3f} (chance {:.3f}), area under the ROC curve {:.3f}, {} examples of \"{}\"\n",
                 answer.value("precision_at_k", 0.0), answer.value("chance", 0.0), answer.value("auc", 0.0),
                 answer.value("examples", 0), options->split);
    } else {
      print_saliency(answer);
    }
  });
}

}  // namespace espalier::cli
