// `espalier eval`: quality, size, MACs and latency of a model on a task.

#include <fmt/format.h>

#include "app/cli/program.h"
#include "app/cli/rows.h"

namespace espalier::cli {

void add_eval(Program& program) {
  CLI::App* verb = program.add_verb("eval", "Measure a model on a task",
                                    "espalier eval --model path/to/model --task path/to/sst2 --split dev");
  struct Options {
    std::string model, task, baseline, split = "dev";
    int64_t max_examples = 0;
    bool no_latency = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Folder or file of labelled examples, or lab")->required();
  verb->add_option("--split", options->split, "Split of the task")->capture_default_str();
  verb->add_option("--baseline", options->baseline, "Model to compare with: paired test and loyalty");
  verb->add_option("--max-examples", options->max_examples, "Only so many examples; 0: all")->check(at_least(0));
  verb->add_flag("--no-latency", options->no_latency, "Do not time the model");
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "evaluate";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"split", options->split},
                     {"max_examples", options->max_examples},
                     {"latency", !options->no_latency}};
    if (!options->baseline.empty()) spec.settings["baseline"] = absolute_or_name(options->baseline);
    const Json row = program.run_job(spec);
    if (program.json()) {
      program.print_json(row);
      return;
    }
    TextTable table({"measure", "value", "95 % interval"});
    const auto add = [&](const char* key, const char* label) {
      if (!row.contains(key)) return;
      const std::string low = std::string(key) + "_low", high = std::string(key) + "_high";
      table.add(
          {label, fmt::format("{:.4f}", row[key].get<double>()),
           row.contains(low) ? fmt::format("{:.4f} to {:.4f}", row[low].get<double>(), row[high].get<double>()) : ""});
    };
    add("accuracy", "accuracy");
    add("f1", "F1");
    add("mcc", "Matthews correlation");
    add("pearson", "Pearson correlation");
    add("spearman", "Spearman correlation");
    add("mcnemar_p", "p against baseline (McNemar)");
    add("label_loyalty", "label loyalty");
    add("probability_loyalty", "probability loyalty");
    table.add({"bundle", bytes_text(row.value("bundle_bytes", 0.0)), ""});
    table.add({"parameters", count_text(row.value("parameters", 0.0)), ""});
    table.add({"MACs", count_text(row.value("macs", 0.0)), ""});
    if (row.contains("latency_ms_p50")) {
      table.add({"latency p50, ms", fmt::format("{:.2f}", row["latency_ms_p50"].get<double>()),
                 fmt::format("p10 {:.2f}, p90 {:.2f}", row["latency_ms_p10"].get<double>(),
                             row["latency_ms_p90"].get<double>())});
    }
    table.print();
    fmt::print("\n{} examples of \"{}\"", row.value("examples", 0), options->split);
    if (row.contains("latency_ms_p50")) {
      fmt::print("; latency and MACs: batch {}, {} tokens, {} thread(s), kernels {}", row.value("latency_batch", 1),
                 row.value("latency_length", 128), row.value("latency_threads", 1), row.value("kernels", ""));
    }
    fmt::print("\n");
    for (const auto& warning : row.value("warnings", Json::array())) fmt::print("{}\n", warning.get<std::string>());
  });
}

}  // namespace espalier::cli
