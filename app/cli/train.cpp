// `espalier train`: fine-tune a model on a task, or train one from scratch from an architecture file.

#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/task_options.h"
#include "app/cli/training.h"
#include "base/error.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, task, teacher, output, recipe, train_split = "train", dev_split, schedule = "linear";
  double epochs = 3, learning_rate = 5e-5, warmup_frac = 0.1, label_smoothing = 0, masked_frac = 0.15;
  double distill_alpha = 0.5, distill_temperature = 2;
  int64_t batch_size = 32, max_steps = 0, warmup_steps = 0, evaluations_per_epoch = 1, patience = 0;
  uint64_t seed = 1;
  std::string device = "cpu", precision = "float32";
};

JobSpec spec_from(const Options& options, const TaskOptions& reading, const LengthOptions& lengths) {
  JobSpec spec;
  if (!options.recipe.empty()) {
    spec.settings = read_json_file(options.recipe);
  } else {
    if (options.model.empty() || options.task.empty()) {
      throw Error(ErrorKind::InvalidInput,
                  {"nothing to train", "", "", "--model and --task, or --recipe FILE", "See espalier train --help."});
    }
    spec.settings = {{"model", absolute_or_name(options.model)},
                     {"task", absolute_or_name(options.task)},
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
  verb->add_option(
      "--task", options->task,
      "Folder or file: tables of texts and labels, words with tags, SQuAD documents, running text, the same "
      "text in two languages; or lab");
  verb->add_option("--recipe", options->recipe,
                   "JSON file with everything instead: architecture, tokenizer, options, seed")
      ->check(CLI::ExistingFile)
      ->excludes("--model")
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
