// `espalier lab`: what the built-in task and model are, the task as files, the model trained again.

#include <fmt/format.h>

#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/training.h"
#include "base/error.h"
#include "data/lab.h"
#include "formats/atomic_file.h"
#include "job_kinds/inputs.h"
#include "job_kinds/resources.h"
#include "model/model.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

fs::path lab_folder() { return resource_folder() / "lab"; }

// The example with its deciding words in brackets.
std::string with_evidence(const Example& example) {
  std::string text;
  size_t done = 0;
  for (const auto& [begin, end] : example.evidence) {
    text += example.text.substr(done, static_cast<size_t>(begin) - done);
    text += "[" + example.text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)) + "]";
    done = static_cast<size_t>(end);
  }
  return text + example.text.substr(done);
}

void describe(Program& program) {
  const Task task = make_lab_task();
  const auto tokenizer = load_tokenizer(lab_tokenizer_files(), "lab");
  Json splits = Json::array();
  TextTable table({"split", "examples", "positive %", "mean tokens"});
  for (const std::string& split : task.splits) {
    const Dataset data = task.load(split, program.cancel());
    double positive = 0, tokens = 0;
    for (const Example& example : data.examples) {
      positive += example.label;
      tokens += static_cast<double>(tokenizer->encode(example.text).size());
    }
    const auto count = static_cast<double>(data.examples.size());
    splits.push_back({{"split", split},
                      {"examples", data.examples.size()},
                      {"positive", positive / count},
                      {"mean_tokens", tokens / count}});
    table.add({split, std::to_string(data.examples.size()), fmt::format("{:.1f}", 100 * positive / count),
               fmt::format("{:.1f}", tokens / count)});
  }
  const bool trained = is_bundle(lab_folder());
  if (program.json()) {
    Json answer = {{"description", task.description},
                   {"splits", splits},
                   {"vocabulary", tokenizer->vocab_size()},
                   {"labels", task.labels},
                   {"generator", task.generator}};
    if (trained) {
      const Model model = open_job_model("lab");
      answer["model"] = {{"folder", lab_folder().string()},
                         {"name", display_name(model)},
                         {"parameters", num_parameters(model)},
                         {"bundle_bytes", predicted_bundle_bytes(model)}};
    }
    program.print_json(answer);
    return;
  }
  fmt::print("{}\n\n", task.description);
  table.print();
  fmt::print("\nvocabulary: {} word pieces\n", tokenizer->vocab_size());
  if (trained) {
    const Model model = open_job_model("lab");
    fmt::print("model: {}, {} parameters, {}\n", display_name(model),
               count_text(static_cast<double>(num_parameters(model))),
               bytes_text(static_cast<double>(predicted_bundle_bytes(model))));
  } else {
    fmt::print("model: none in {}; make it with: espalier lab train FOLDER\n", lab_folder().string());
  }
  fmt::print("\nExamples of dev, deciding words in brackets:\n");
  const Dataset dev = task.load("dev", program.cancel());
  for (size_t i = 0; i < 5 && i < dev.examples.size(); ++i) {
    const Example& example = dev.examples[i];
    fmt::print("  {}: {}\n", task.labels[static_cast<size_t>(example.label)], with_evidence(example));
  }
}

void export_task(Program& program, const fs::path& folder) {
  const Task task = make_lab_task();
  fs::create_directories(folder);
  Json written = Json::array();
  for (const std::string& split : task.splits) {
    std::string text = "sentence\tlabel\n";
    const Dataset data = task.load(split, program.cancel());
    for (const Example& example : data.examples) {
      text += example.text + "\t" + task.labels[static_cast<size_t>(example.label)] + "\n";
    }
    const fs::path file = folder / (split + ".tsv");
    write_file_atomically(file, text);
    written.push_back({{"file", fs::absolute(file).string()}, {"examples", data.examples.size()}});
    if (!program.json()) fmt::print("{}  {} examples\n", fs::absolute(file).string(), data.examples.size());
  }
  if (program.json()) program.print_json(written);
}

void train_again(Program& program, const fs::path& output) {
  JobSpec spec;
  spec.settings = read_json_file(lab_folder() / "train.json");
  spec.output_folder = fs::absolute(output);
  const Json answer = run_training(program, spec);
  if (program.json()) {
    program.print_json(answer);
  } else {
    print_training(answer);
  }
}

}  // namespace

void add_lab(Program& program) {
  CLI::App* verb =
      program.add_verb("lab", "The built-in task and model: describe them, write the task out, train the model again",
                       "espalier lab export folder");
  auto folder = std::make_shared<std::string>();
  verb->require_subcommand(0, 1);
  verb->fallthrough();
  CLI::App* write = verb->add_subcommand("export", "Write the task as TSV files");
  write->add_option("folder", *folder, "Folder for train.tsv, dev.tsv, test.tsv and shifted.tsv")->required();
  write->footer("Example:\n  espalier lab export folder");
  CLI::App* train = verb->add_subcommand("train", "Train the lab's model again by its own recipe");
  train->add_option("output", *folder, "Folder for the trained model (a bundle)")->required();
  train->footer("Example:\n  espalier lab train output");
  program.on_run(verb, [&program, folder, write, train] {
    if (write->parsed()) return export_task(program, *folder);
    if (train->parsed()) return train_again(program, *folder);
    describe(program);
  });
}

}  // namespace espalier::cli
