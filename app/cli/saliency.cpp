// `espalier saliency`: which words decided; methods scored against the lab's known words.

#include <fmt/format.h>

#include "app/cli/program.h"
#include "formats/atomic_file.h"
#include "introspect/introspect.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, text, pair, split = "dev", svg;
  std::vector<std::string> methods;
  bool score = false;
  int64_t label = -1, max_examples = 500, steps = 64, samples = 32;
  uint64_t seed = 1;
};

void print_saliency(const Json& answer) {
  const Json& labels = answer.at("labels");
  const auto explained = answer.at("explained_label").get<size_t>();
  TextTable table({"token", answer.at("method")});
  for (size_t i = 0; i < answer.at("tokens").size(); ++i) {
    table.add({answer["tokens"][i].get<std::string>(), fmt::format("{:+.4f}", answer["scores"][i].get<double>())});
  }
  table.print();
  const auto name = [&](size_t label) {
    return label < labels.size() ? labels[label].get<std::string>() : std::to_string(label);
  };
  fmt::print("\nexplained: {}, probability {:.3f}\n", name(explained),
             answer["probabilities"][explained].get<double>());
  if (answer.contains("completeness_error")) {
    fmt::print("the logit rises by {:.4f} from padding to the text; the scores' sum is off by {:.4f}\n",
               answer["explained_change"].get<double>(), answer["completeness_error"].get<double>());
  }
}

void print_scores(const Json& answer) {
  const auto with_interval = [](const Json& entry, const std::string& name) {
    return fmt::format("{:.3f} [{:.3f}, {:.3f}]", entry.at(name).get<double>(), entry.at(name + "_low").get<double>(),
                       entry.at(name + "_high").get<double>());
  };
  TextTable table({"method", "precision at k", "area under ROC", "completeness error", "seconds"});
  for (const Json& entry : answer.at("methods")) {
    table.add({entry.at("method"), with_interval(entry, "precision_at_k"), with_interval(entry, "auc"),
               entry.contains("completeness_error") ? with_interval(entry, "completeness_error") : "",
               fmt::format("{:.1f}", entry.at("seconds").get<double>())});
  }
  table.print();
  fmt::print(
      "\n{} examples of \"{}\"; chance {:.3f} for precision, 0.5 for the area; 95 % bootstrap intervals; completeness "
      "error in units of the logit\n",
      answer.value("examples", 0), answer.value("split", ""), answer.value("chance", 0.0));
}

}  // namespace

void add_saliency(Program& program) {
  CLI::App* verb = program.add_verb("saliency", "Which tokens decided, by gradients, occlusion or attention",
                                    "espalier saliency lab --text \"The plot was not very clever.\" --method "
                                    "integrated_gradients\n  espalier saliency lab --score --split test");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  auto* text = verb->add_option("--text", options->text, "The sentence");
  verb->add_option("--pair", options->pair, "A second sentence")->needs(text);
  verb->add_option("--label", options->label, "Explained label by index; -1: the predicted one")->capture_default_str();
  std::string names;
  for (const SaliencyMethod method : saliency_methods()) {
    names += (names.empty() ? "" : ", ") + std::string(to_string(method));
  }
  verb->add_option("--method", options->methods,
                   names + "; for --score several with commas, without one all; else gradient_x_input")
      ->delimiter(',');
  auto* score = verb->add_flag("--score", options->score, "Score against the words that decide the lab's examples");
  score->excludes(text);
  verb->add_option("--split", options->split, "Split of the lab for --score")->capture_default_str();
  verb->add_option("--max-examples", options->max_examples, "The first ones for --score; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--steps", options->steps, "Of integrated gradients")->capture_default_str()->check(above_zero());
  verb->add_option("--samples", options->samples, "Of SmoothGrad")->capture_default_str()->check(above_zero());
  verb->add_option("--seed", options->seed, "Of SmoothGrad's noise")->capture_default_str();
  verb->add_option("--svg", options->svg, "Write the tokens' scores as a figure")->excludes(score);
  program.on_run(verb, [&program, options] {
    if (!options->score && options->text.empty()) {
      throw Error(ErrorKind::InvalidInput,
                  {"nothing to explain", "", "", "--text SENTENCE, or --score on the lab", ""});
    }
    if (!options->score && options->methods.size() > 1) {
      throw Error(ErrorKind::InvalidInput, {"a sentence is explained by one method at a time", "--method",
                                            std::to_string(options->methods.size()) + " methods", "one", ""});
    }
    JobSpec spec;
    spec.seed = options->seed;
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"steps", options->steps},
                     {"samples", options->samples},
                     {"label", options->label}};
    if (options->score) {
      spec.kind = "saliency_score";
      spec.settings.update(
          {{"split", options->split}, {"max_examples", options->max_examples}, {"methods", options->methods}});
    } else {
      spec.kind = "saliency";
      spec.settings["text"] = options->text;
      if (!options->pair.empty()) spec.settings["pair"] = options->pair;
      if (!options->methods.empty()) spec.settings["method"] = options->methods.front();
    }
    const Json answer = program.run_job(spec);
    if (!options->svg.empty()) write_file_atomically(options->svg, saliency_svg(answer, options->model));
    if (program.json()) return program.print_json(answer);
    options->score ? print_scores(answer) : print_saliency(answer);
  });
}

}  // namespace espalier::cli
