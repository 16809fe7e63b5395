// `espalier eval`: quality, size, MACs and latency of a model on a task.

#include <fmt/format.h>

#include <optional>

#include "app/cli/program.h"
#include "app/cli/rows.h"
#include "app/cli/runtime_options.h"
#include "app/cli/task_options.h"

namespace espalier::cli {

void add_eval(Program& program) {
  CLI::App* verb = program.add_verb("eval", "Measure a model on a task",
                                    "espalier eval --model path/to/model --task path/to/sst2 --split dev");
  struct Options {
    std::string model, task, baseline, split, shifted_task, shifted_split, predictions, region = "world";
    int64_t max_examples = 0, beams = 0, max_answer = 30;
    double null_threshold = 0;
    double tdp_watts = 0;
    std::optional<double> g_per_kwh;
    bool no_latency = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Folder or file of examples with their answers, or lab")->required();
  verb->add_option("--split", options->split, "Split of the task: dev, or what stands for it, if left out");
  verb->add_option("--baseline", options->baseline, "Model to compare with: paired test and loyalty");
  verb->add_option("--max-examples", options->max_examples, "Only so many examples; 0: all")->check(at_least(0));
  verb->add_flag("--no-latency", options->no_latency, "Do not time the model, nor work out its energy");
  verb->add_option("--shifted-task", options->shifted_task, "A second set, out of distribution: the drop in accuracy");
  verb->add_option("--shifted-split", options->shifted_split, "Split of the second set, or another one of this task");
  verb->add_option(
      "--predictions", options->predictions,
      "Write the answers: labels as a .tsv of GLUE or a .jsonl of SuperGLUE, answers to questions as a .json "
      "of SQuAD, tags as a .conll with a word and its tag a line, translations one a line");
  verb->add_option("--beams", options->beams, "Translations by beam search of so many; 1: greedy; 0: as the model says")
      ->check(at_least(0));
  verb->add_option("--null-threshold", options->null_threshold,
                   "Questions: no answer where its score wins by more than this")
      ->capture_default_str();
  verb->add_option("--max-answer", options->max_answer, "Tokens of an answer at the most")
      ->capture_default_str()
      ->check(above_zero());
  const auto reading = add_task_options(verb);
  const auto lengths = std::make_shared<LengthOptions>(verb);
  const auto runtime = std::make_shared<RuntimeOptions>(verb);
  verb->add_option("--region", options->region, "Where the electricity comes from: world, de, fr, gb, us")
      ->capture_default_str();
  verb->add_option("--g-per-kwh", options->g_per_kwh, "Its CO2, in place of the region's")->check(at_least(0));
  verb->add_option("--tdp-watts", options->tdp_watts, "Power of the processor, where its counters cannot be read")
      ->check(at_least(0));
  program.on_run(verb, [&program, options, reading, lengths, runtime] {
    JobSpec spec;
    spec.kind = "evaluate";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"task_options", to_json(*reading)},
                     {"split", options->split},
                     {"beams", options->beams},
                     {"null_threshold", options->null_threshold},
                     {"max_answer", options->max_answer},
                     {"max_examples", options->max_examples},
                     {"latency", !options->no_latency},
                     {"shifted_task", absolute_or_name(options->shifted_task)},
                     {"shifted_split", options->shifted_split},
                     {"predictions", absolute_or_name(options->predictions)},
                     {"region", options->region},
                     {"tdp_watts", options->tdp_watts}};
    lengths->add_to(spec.settings);
    runtime->add_to(spec.settings);
    if (options->g_per_kwh) spec.settings["g_per_kwh"] = *options->g_per_kwh;
    if (!options->baseline.empty()) spec.settings["baseline"] = absolute_or_name(options->baseline);
    const Json row = program.run_job(spec);
    if (program.json()) {
      program.print_json(row);
      return;
    }
    TextTable table({"measure", "value", "95 % interval"});
    for (const QualityLine& line : quality_lines(row)) {
      table.add({line.label, fmt::format("{:.4f}", line.value),
                 line.has_interval ? fmt::format("{:.4f} to {:.4f}", line.low, line.high) : ""});
    }
    table.add({"bundle", bytes_text(row.value("bundle_bytes", 0.0)), ""});
    table.add({"parameters", count_text(row.value("parameters", 0.0)), ""});
    table.add({"MACs", count_text(row.value("macs", 0.0)), ""});
    if (row.contains("latency_ms_p50")) {
      table.add({"latency p50, ms", fmt::format("{:.2f}", row["latency_ms_p50"].get<double>()),
                 fmt::format("p10 {:.2f}, p90 {:.2f}", row["latency_ms_p10"].get<double>(),
                             row["latency_ms_p90"].get<double>())});
    }
    if (row.contains("energy_j")) {
      table.add({"energy of an inference, mJ", three_digits(row["energy_j"].get<double>() * 1000),
                 row.value("energy_source", "")});
      table.add({"CO2 of an inference, ug", three_digits(row["co2_ug"].get<double>()),
                 fmt::format("{}, {:g} g/kWh", row.value("co2_region", ""), row.value("co2_g_per_kwh", 0.0))});
    }
    table.print();
    fmt::print("\n{} examples of \"{}\"", row.value("examples", 0), row.value("split", options->split));
    if (row.contains("latency_ms_p50")) {
      fmt::print("; latency and MACs: batch {}, {} tokens, {} thread(s), kernels {}", row.value("latency_batch", 1),
                 row.value("latency_length", 128), row.value("latency_threads", 1), row.value("kernels", ""));
      if (row.contains("latency_new_tokens")) {
        fmt::print("; latency of the encoder's pass and {} tokens written greedily",
                   row["latency_new_tokens"].get<int64_t>());
      }
    }
    fmt::print("\n");
    if (row.contains("quality_basis")) fmt::print("quality: {}\n", row["quality_basis"].get<std::string>());
    if (row.contains("bleu_signature")) fmt::print("BLEU: {}\n", row["bleu_signature"].get<std::string>());
    if (row.contains("shifted_split")) fmt::print("shifted set: {}\n", row["shifted_split"].get<std::string>());
    if (row.contains("energy_basis")) {
      fmt::print("energy: {}; CO2: {}\n", row["energy_basis"].get<std::string>(), row.value("co2_source", ""));
    }
    for (const auto& warning : row.value("warnings", Json::array())) fmt::print("{}\n", warning.get<std::string>());
  });
}

}  // namespace espalier::cli
