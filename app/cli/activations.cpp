// `espalier activations`: ranges and outlier channels of what flows between layers, and how alike layers are.

#include <fmt/format.h>

#include "app/cli/look_verbs.h"
#include "formats/atomic_file.h"
#include "introspect/channel_activity.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {
namespace {

std::string place(size_t i) { return i == 0 ? "embeddings" : fmt::format("layer {}", i - 1); }

void print_layers(const Json& layers, const Json& features) {
  TextTable table({"behind", "min", "max", "mean", "std", "99 % of |v|", "99.9 %", "values beyond 6 std", "channels",
                   "largest (share of tokens)"});
  for (size_t i = 0; i < layers.size(); ++i) {
    const Json& layer = layers[i];
    std::string largest;
    for (const Json& channel : layer.at("largest_outlier_channels")) {
      if (largest.size() > 40) break;
      largest += fmt::format("{}{} ({:.0f} %)", largest.empty() ? "" : ", ", channel.at("channel").get<int64_t>(),
                             100 * channel.at("token_frac").get<double>());
    }
    table.add(
        {place(i), fmt::format("{:.2f}", layer.at("min").get<double>()),
         fmt::format("{:.2f}", layer.at("max").get<double>()), fmt::format("{:.3f}", layer.at("mean").get<double>()),
         fmt::format("{:.3f}", layer.at("std").get<double>()), fmt::format("{:.2f}", layer.at("abs_p99").get<double>()),
         fmt::format("{:.2f}", layer.at("abs_p999").get<double>()),
         std::to_string(layer.at("outlier_values").get<int64_t>()),
         std::to_string(layer.at("outlier_channels").get<int64_t>()), largest});
  }
  table.print();
  fmt::print("outlier features (|value| at least {:g} at {:g} % of tokens, in {:g} % of layers): {}\n",
             kFeatureMagnitude, 100 * kFeatureTokenShare, 100 * kFeatureLayerShare,
             features.empty() ? "none" : features.dump());
}

void print_cka(const Json& cka, const char* title) {
  std::vector<std::string> headers = {title};
  for (size_t j = 0; j < cka[0].size(); ++j) headers.push_back(j == 0 ? "emb" : fmt::format("l{}", j - 1));
  TextTable table(headers);
  for (size_t i = 0; i < cka.size(); ++i) {
    std::vector<std::string> row = {place(i)};
    for (const Json& value : cka[i]) row.push_back(fmt::format("{:.3f}", value.get<double>()));
    table.add(row);
  }
  fmt::print("\n");
  table.print();
}

}  // namespace

void add_activations(Program& program) {
  CLI::App* verb =
      program.add_verb("activations", "Ranges and outlier channels between layers, and how alike the layers are",
                       "espalier activations lab --task lab --max-examples 200 --svg similarity.svg");
  struct Options {
    std::string model, task, split, baseline, svg;
    int64_t max_examples = 500, max_length = 128;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Texts to read; labels are not needed")->required();
  verb->add_option("--split", options->split, "Empty: the task's evaluation split");
  verb->add_option("--baseline", options->baseline, "A second model to compare the layers with");
  verb->add_option("--max-examples", options->max_examples, "The first ones; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--max-length", options->max_length, "Tokens of an example")
      ->capture_default_str()
      ->check(at_least(3));
  verb->add_option("--svg", options->svg, "Write the similarity of layers as a figure");
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "activations";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"split", options->split},
                     {"baseline", absolute_or_name(options->baseline)},
                     {"max_examples", options->max_examples},
                     {"max_length", options->max_length}};
    const Json answer = program.run_job(spec);
    if (!options->svg.empty()) {
      write_file_atomically(options->svg, activations_svg(answer, options->model, options->baseline));
    }
    if (program.json()) return program.print_json(answer);
    print_layers(answer.at("layers"), answer.at("outlier_features"));
    if (answer.contains("baseline_layers")) {
      fmt::print("\nbaseline\n");
      print_layers(answer["baseline_layers"], answer["baseline_outlier_features"]);
    }
    print_cka(answer.at("cka"), "linear CKA");
    if (answer.contains("baseline_cka")) print_cka(answer["baseline_cka"], "model \\ baseline");
    fmt::print("\n{} tokens of {} examples of \"{}\"\n", answer.value("tokens", 0), answer.value("examples", 0),
               answer.value("split", ""));
  });
}

}  // namespace espalier::cli
