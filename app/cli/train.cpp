// `espalier train`: fine-tune a model on a task, or train one from scratch from an architecture file.

#include <charconv>
#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/task_options.h"
#include "app/cli/training.h"
#include "base/error.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, architecture, tokenizer = "bpe:8000", task, teacher, output, recipe;
  std::string train_split = "train", dev_split, schedule = "linear";
  double epochs = 3, learning_rate = 5e-5, warmup_frac = 0.1, label_smoothing = 0, masked_frac = 0.15;
  double distill_alpha = 0.5, distill_temperature = 2;
  int64_t batch_size = 32, max_steps = 0, warmup_steps = 0, evaluations_per_epoch = 1, patience = 0;
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

JobSpec spec_from(const Options& options, const TaskOptions& reading, const LengthOptions& lengths) {
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
                     {"task_options", to_json(reading)},
                     {"teacher", absolute_or_name(options.teacher)},
                     {"masked_frac", options.masked_frac},
                     {"device", options.device},
                     {"precision", options.precision},
                     {"options",
                      {{"epochs", options.epochs},
                       {"learning_rate", options.learning_rate},
                       {"warmup_frac", options.warmup_frac},
                       {"warmup_steps", options.warmup_steps},
                       {"schedule", options.schedule},
                       {"label_smoothing", options.label_smoothing},
                       {"distill_alpha", options.distill_alpha},
                       {"distill_temperature", options.distill_temperature},
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
    lengths.add_to(spec.settings);
    spec.seed = options.seed;
  }
  spec.output_folder = std::filesystem::absolute(options.output);
  return spec;
}

}  // namespace

void add_train(Program& program) {
  CLI::App* verb = program.add_verb(
      "train",
      "Fine-tune a model on a task; an interrupted training goes on when started again.\n"
      "Encoders learn classification, regression, token classification, question answering and masked language "
      "modelling; GPT-2 language modelling; models with a decoder translation. The kind of task follows from its files "
      "(--kind where they may be read in more ways than one).",
      "espalier train --model path/to/minilm --task path/to/sst2 --output tuned --epochs 1 --learning-rate 5e-5");
  auto options = std::make_shared<Options>();
  verb->add_option("--model", options->model, "Hugging Face folder, bundle, or lab");
  verb->add_option("--architecture", options->architecture,
                   "Train from nothing: a JSON file, or the name of one that is shipped (transformer-translation)")
      ->excludes("--model");
  verb->add_option("--tokenizer", options->tokenizer,
                   "Of a model from nothing: bpe:SIZE or words:SIZE, learnt from the training split; lab; or a folder")
      ->capture_default_str();
  verb->add_option(
      "--task", options->task,
      "Folder or file: tables of texts and labels, words with tags, SQuAD documents, running text, the same "
      "text in two languages; or lab");
  verb->add_option("--recipe", options->recipe,
                   "JSON file with everything instead: architecture, tokenizer, options, seed")
      ->check(CLI::ExistingFile)
      ->excludes("--model")
      ->excludes("--architecture")
      ->excludes("--task");
  verb->add_option("--output", options->output, "Folder for the trained model (a bundle)")->required();
  verb->add_option("--train-split", options->train_split)->capture_default_str();
  verb->add_option("--dev-split", options->dev_split,
                   "Split to choose the best weights on; the task's own if left out");
  verb->add_option("--epochs", options->epochs)->capture_default_str()->check(above_zero());
  verb->add_option("--learning-rate", options->learning_rate)->capture_default_str()->check(above_zero());
  verb->add_option("--warmup-frac", options->warmup_frac, "Share of the steps with a rising rate")
      ->capture_default_str()
      ->check(between(0.0, 1.0));
  verb->add_option("--batch-size", options->batch_size)->capture_default_str()->check(above_zero());
  verb->add_option("--max-steps", options->max_steps, "0: as epochs say")->check(at_least(0));
  verb->add_option("--schedule", options->schedule, "Of the learning rate behind the warm-up")
      ->capture_default_str()
      ->check(CLI::IsMember({"linear", "inverse_sqrt"}));
  verb->add_option("--warmup-steps", options->warmup_steps, "So many steps in place of --warmup-frac")
      ->check(at_least(0));
  verb->add_option("--label-smoothing", options->label_smoothing, "Probability spread over all classes")
      ->capture_default_str()
      ->check(between(0.0, 0.999));
  verb->add_option("--masked-frac", options->masked_frac, "Masked language modelling: share of tokens asked for")
      ->capture_default_str()
      ->check(between(0.0, 1.0));
  verb->add_option("--teacher", options->teacher, "Model of the same task and vocabulary to distill from");
  verb->add_option("--distill-alpha", options->distill_alpha, "Share of the teacher's part of the loss")
      ->capture_default_str()
      ->check(between(0.0, 1.0));
  verb->add_option("--distill-temperature", options->distill_temperature)->capture_default_str()->check(above_zero());
  verb->add_option("--evaluations-per-epoch", options->evaluations_per_epoch)->capture_default_str();
  verb->add_option("--patience", options->patience, "Stop after so many evaluations without a better one; 0: never")
      ->capture_default_str();
  const auto reading = add_task_options(verb);
  const auto lengths = std::make_shared<LengthOptions>(verb);
  verb->add_option("--seed", options->seed)->capture_default_str();
  verb->add_option("--device", options->device, "cpu, cuda:0")->capture_default_str();
  verb->add_option("--precision", options->precision, "Element type of the saved weights")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "float16"}));
  program.on_run(verb, [&program, options, reading, lengths] {
    const Json answer = run_training(program, spec_from(*options, *reading, *lengths));
    if (program.json()) {
      program.print_json(answer);
    } else {
      print_training(answer);
    }
  });
}

}  // namespace espalier::cli
