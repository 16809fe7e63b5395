// `espalier score`: tables and rankings of the benchmarks, from files of predictions, points or entries.

#include <fmt/format.h>

#include "app/cli/program.h"
#include "base/error.h"
#include "measure/benchmarks/efficientqa.h"
#include "measure/benchmarks/elue.h"
#include "measure/benchmarks/glue.h"
#include "measure/benchmarks/squad.h"
#include "measure/benchmarks/superglue.h"
#include "measure/benchmarks/sustainlp.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string benchmark, gold, baseline, no_answer_scores;
  std::vector<std::string> files;
  double floor_percent = -1;
};

void require_option(const std::string& value, const std::string& flag, const std::string& wanted) {
  if (!value.empty()) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "this benchmark needs " + flag, .where = {}, .got = {}, .wanted = wanted, .next = {}});
}

std::vector<fs::path> paths_of(const std::vector<std::string>& files) { return {files.begin(), files.end()}; }

void print_table(const BenchmarkTable& table, const std::string& name) {
  TextTable text({"task", "metrics", "examples", "score"});
  for (const TaskScore& task : table.tasks) {
    std::string metrics;
    for (const auto& [metric, value] : task.metrics) {
      metrics += fmt::format("{}{} {:.2f}", metrics.empty() ? "" : ", ", metric, value);
    }
    text.add({task.task, metrics, std::to_string(task.examples), fmt::format("{:.2f}", task.mean())});
  }
  text.print(2);
  if (table.score) {
    fmt::print("\n{} score: {:.2f}\n", name, *table.score);
  } else {
    fmt::print("\nno {} score: {} missing\n", name, fmt::join(table.missing, ", "));
  }
}

void score_sentences(Program& program, const Options& options) {
  require_option(options.gold, "--gold", "the folder with the labelled data of the tasks");
  const bool glue = options.benchmark == "glue";
  const BenchmarkTable table = glue ? score_glue(paths_of(options.files), options.gold, program.cancel())
                                    : score_superglue(paths_of(options.files), options.gold, program.cancel());
  if (program.json()) {
    program.print_json(to_json(table));
  } else {
    print_table(table, glue ? "GLUE" : "SuperGLUE");
  }
}

void score_squad(Program& program, const Options& options) {
  require_option(options.gold, "--gold", "the SQuAD file with the answers");
  const SquadGold gold = read_squad_gold(options.gold);
  Json rows = Json::array();
  for (const std::string& file : options.files) {
    program.cancel().throw_if_cancelled();
    Json row = to_json(squad_quality(gold.questions, read_squad_predictions(file, options.no_answer_scores)));
    row["file"] = file;
    rows.push_back(std::move(row));
  }
  if (program.json()) {
    program.print_json({{"rows", rows}, {"misplaced_answers", gold.misplaced_answers}});
    return;
  }
  TextTable table({"file", "EM", "95 % interval", "F1", "95 % interval", "EM has answer", "EM no answer", "best F1"});
  const auto value = [](const Json& row, const char* key) {
    return row.contains(key) ? fmt::format("{:.2f}", row[key].get<double>()) : std::string();
  };
  for (const Json& row : rows) {
    table.add({row.at("file").get<std::string>(), value(row, "exact_percent"),
               value(row, "exact_percent_low") + " to " + value(row, "exact_percent_high"), value(row, "f1_percent"),
               value(row, "f1_percent_low") + " to " + value(row, "f1_percent_high"),
               value(row, "has_answer_exact_percent"), value(row, "no_answer_exact_percent"),
               value(row, "best_f1_percent")});
  }
  table.print();
  fmt::print("\n{} questions; EM: Wilson interval, F1: bootstrap\n", gold.questions.size());
  if (gold.misplaced_answers > 0) {
    fmt::print("{} gold answers do not stand where their answer_start says.\n", gold.misplaced_answers);
  }
}

void score_elue(Program& program, const Options& options) {
  require_option(options.baseline, "--baseline", "a file with the points of ElasticBERT-base's exits");
  const ElueEntry baseline = read_elue_entry(options.baseline);
  Json rows = Json::array();
  TextTable table({"entry", "track", "task", "ELUE score"});
  for (const std::string& file : options.files) {
    const ElueEntry entry = read_elue_entry(file);
    const ElueResult result = elue_result(entry, baseline);
    Json track;
    std::string track_text = "unknown";
    if (entry.parameters) {
      const auto limit = elue_track(*entry.parameters);
      track = limit ? Json(*limit) : Json(nullptr);
      track_text = limit ? fmt::format("{} M", *limit) : "none";
    }
    for (const auto& [task, score] : result.tasks) {
      table.add({entry.name, track_text, task, fmt::format("{:+.3f}", score)});
    }
    table.add({entry.name, track_text, "mean of six tasks",
               result.mean ? fmt::format("{:+.3f}", *result.mean)
                           : fmt::format("{} missing", fmt::join(result.missing, ", "))});
    rows.push_back({{"name", entry.name},
                    {"track_million_parameters", track},
                    {"tasks", result.tasks},
                    {"mean", result.mean ? Json(*result.mean) : Json(nullptr)},
                    {"missing", result.missing}});
  }
  if (program.json()) {
    program.print_json({{"rows", rows}, {"baseline", baseline.name}});
    return;
  }
  table.print(3);
  fmt::print(
      "\nscore: mean over points of performance above the baseline's curve, piecewise linear over FLOPs, level "
      "beyond its ends\n");
}

void score_efficientqa(Program& program, const Options& options) {
  std::vector<QaSystem> systems;
  for (const std::string& file : options.files) systems.push_back(read_qa_system(file, options.gold));
  Json tracks = Json::object();
  TextTable table({"track", "rank", "system", "bytes", "accuracy"});
  for (const QaTrack track : qa_tracks()) {
    const std::string name(to_string(track));
    Json rows = Json::array();
    for (const QaSystem& system : rank_qa(track, systems)) {
      rows.push_back({{"name", system.name}, {"bytes", system.bytes}, {"accuracy", system.accuracy}});
      table.add({name, std::to_string(rows.size()), system.name, bytes_text(static_cast<double>(system.bytes)),
                 fmt::format("{:.4f}", system.accuracy)});
    }
    tracks[name] = rows;
  }
  if (program.json()) {
    program.print_json({{"tracks", tracks}});
  } else {
    table.print(3);
  }
}

void score_sustainlp(Program& program, const Options& options) {
  if (options.floor_percent < 0) {
    require_option({}, "--floor", "the SuperGLUE average that a track asks for, in percent");
  }
  std::vector<EnergyEntry> entries;
  for (const std::string& file : options.files) entries.push_back(read_energy_entry(file));
  Json rows = Json::array(), below = Json::array();
  TextTable table({"rank", "entry", "score", "energy, kWh"});
  for (const RankedEntry& one : rank_by_energy(entries, options.floor_percent)) {
    rows.push_back({{"rank", one.rank},
                    {"name", one.entry.name},
                    {"score", one.entry.score},
                    {"energy_kwh", one.entry.energy_kwh}});
    table.add({std::to_string(one.rank), one.entry.name, fmt::format("{:.2f}", one.entry.score),
               fmt::format("{:.4g}", one.entry.energy_kwh)});
  }
  for (const EnergyEntry& entry : entries) {
    if (entry.score < options.floor_percent) below.push_back(entry.name);
  }
  if (program.json()) {
    program.print_json({{"rows", rows}, {"below_floor", below}, {"floor_percent", options.floor_percent}});
    return;
  }
  table.print(2);
  for (const Json& name : below) fmt::print("below the floor: {}\n", name.get<std::string>());
}

}  // namespace

void add_score(Program& program) {
  CLI::App* verb = program.add_verb("score", "Tables and rankings of benchmarks from files of predictions or entries",
                                    "espalier score glue SST-2.tsv RTE.tsv --gold path/to/glue");
  auto options = std::make_shared<Options>();
  verb->add_option("benchmark", options->benchmark, "Which rules")
      ->required()
      ->check(CLI::IsMember({"glue", "superglue", "squad", "elue", "efficientqa", "sustainlp"}));
  verb->add_option("files", options->files,
                   "glue, superglue: predictions named after their tasks; squad: {id: answer}; elue: points of FLOPs "
                   "and score; efficientqa, sustainlp: one entry a file")
      ->required();
  verb->add_option("--gold", options->gold, "Labelled data: a folder of tasks, or a file (squad, efficientqa)");
  verb->add_option("--baseline", options->baseline, "elue: points of ElasticBERT-base's exits");
  verb->add_option("--null-scores", options->no_answer_scores, "squad: {id: score of no answer}");
  verb->add_option("--floor", options->floor_percent, "sustainlp: least score of the track, percent")
      ->check(between(0.0, 100.0));
  program.on_run(verb, [&program, options] {
    const std::string& benchmark = options->benchmark;
    if (benchmark == "glue" || benchmark == "superglue") {
      score_sentences(program, *options);
    } else if (benchmark == "squad") {
      score_squad(program, *options);
    } else if (benchmark == "elue") {
      score_elue(program, *options);
    } else if (benchmark == "efficientqa") {
      score_efficientqa(program, *options);
    } else {
      score_sustainlp(program, *options);
    }
  });
}

}  // namespace espalier::cli
