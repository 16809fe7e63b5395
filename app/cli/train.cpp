// `espalier train`: fine-tune a model on a task, or train one from scratch from an architecture file.

#include <charconv>
#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/training.h"
#include "base/error.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, architecture, tokenizer = "bpe:8000", task, output, recipe, train_split = "train",
                                   dev_split = "dev";
  double epochs = 3, learning_rate = 5e-5, warmup_frac = 0.1;
  int64_t batch_size = 32, max_steps = 0, evaluations_per_epoch = 1, patience = 0, max_length = 128;
  uint64_t seed = 1;
  std::string device = "cpu", precision = "float32";
};

// "bpe:8000" and "words:20000" are learnt; everything else names a tokenizer that is there.
Json tokenizer_from(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (kind != "bpe" && kind != "words") return absolute_or_name(text);
  Json learnt = {{"kind", kind}};
  if (colon == std::string::npos) return learnt;
  int64_t size = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, size);
  if (read.ec != std::errc() || read.ptr != end) {
    throw Error(ErrorKind::InvalidInput,
                {"the size of a vocabulary is no number", "--tokenizer", text, kind + ":8000, for example", ""});
  }
  learnt["size"] = size;
  return learnt;
}

JobSpec spec_from(const Options& options) {
  JobSpec spec;
  if (!options.recipe.empty()) {
    spec.settings = read_json_file(options.recipe);
  } else {
    if (options.model.empty() == options.architecture.empty() || options.task.empty()) {
      throw Error(ErrorKind::InvalidInput,
                  {"nothing to train", "", "", "--task with --model or --architecture, or --recipe FILE",
                   "See espalier train --help."});
    }
    spec.settings = {{"task", absolute_or_name(options.task)},
                     {"train_split", options.train_split},
                     {"dev_split", options.dev_split},
                     {"max_length", options.max_length},
                     {"device", options.device},
                     {"precision", options.precision},
                     {"options",
                      {{"epochs", options.epochs},
                       {"learning_rate", options.learning_rate},
                       {"warmup_frac", options.warmup_frac},
                       {"batch_size", options.batch_size},
                       {"max_steps", options.max_steps},
                       {"evaluations_per_epoch", options.evaluations_per_epoch},
                       {"patience", options.patience}}}};
    if (options.architecture.empty()) {
      spec.settings["model"] = absolute_or_name(options.model);
    } else {
      const bool is_file = std::filesystem::exists(options.architecture);
      spec.settings["architecture"] = is_file ? absolute_or_name(options.architecture) : options.architecture;
      spec.settings["tokenizer"] = tokenizer_from(options.tokenizer);
    }
    spec.seed = options.seed;
  }
  spec.output_folder = std::filesystem::absolute(options.output);
  return spec;
}

}  // namespace

void add_train(Program& program) {
  CLI::App* verb = program.add_verb(
      "train", "Fine-tune a model on a task; an interrupted training goes on when started again",
      "espalier train --model path/to/minilm --task path/to/sst2 --output tuned --epochs 1 --learning-rate 5e-5");
  auto options = std::make_shared<Options>();
  verb->add_option("--model", options->model, "Hugging Face folder, bundle, or lab");
  verb->add_option("--architecture", options->architecture,
                   "Train from nothing: a JSON file, or the name of one that is shipped (transformer-translation)")
      ->excludes("--model");
  verb->add_option("--tokenizer", options->tokenizer,
                   "Of a model from nothing: bpe:SIZE or words:SIZE, learnt from the training split; lab; or a folder")
      ->capture_default_str();
  verb->add_option("--task", options->task, "Folder or file of labelled examples, or lab");
  verb->add_option("--recipe", options->recipe,
                   "JSON file with everything instead: architecture, tokenizer, options, seed")
      ->check(CLI::ExistingFile)
      ->excludes("--model")
      ->excludes("--architecture")
      ->excludes("--task");
  verb->add_option("--output", options->output, "Folder for the trained model (a bundle)")->required();
  verb->add_option("--train-split", options->train_split)->capture_default_str();
  verb->add_option("--dev-split", options->dev_split)->capture_default_str();
  verb->add_option("--epochs", options->epochs)->capture_default_str()->check(above_zero());
  verb->add_option("--learning-rate", options->learning_rate)->capture_default_str()->check(above_zero());
  verb->add_option("--warmup-frac", options->warmup_frac, "Share of the steps with a rising rate")
      ->capture_default_str()
      ->check(between(0.0, 1.0));
  verb->add_option("--batch-size", options->batch_size)->capture_default_str()->check(above_zero());
  verb->add_option("--max-steps", options->max_steps, "0: as epochs say")->check(at_least(0));
  verb->add_option("--max-length", options->max_length, "Tokens of one example at the most")
      ->capture_default_str()
      ->check(above_zero());
  verb->add_option("--evaluations-per-epoch", options->evaluations_per_epoch)->capture_default_str();
  verb->add_option("--patience", options->patience, "Stop after so many evaluations without a better one; 0: never")
      ->capture_default_str();
  verb->add_option("--seed", options->seed)->capture_default_str();
  verb->add_option("--device", options->device, "cpu, cuda:0")->capture_default_str();
  verb->add_option("--precision", options->precision, "Element type of the saved weights")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "float16"}));
  program.on_run(verb, [&program, options] {
    const Json answer = run_training(program, spec_from(*options));
    if (program.json()) {
      program.print_json(answer);
    } else {
      print_training(answer);
    }
  });
}

}  // namespace espalier::cli
