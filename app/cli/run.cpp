// `espalier run`: recipes from start to end, a row a step, then the trade-off.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/report_files.h"
#include "app/cli/rows.h"
#include "base/error.h"
#include "job_kinds/front.h"
#include "job_kinds/resources.h"
#include "recipe/recipe.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> recipes;
  bool built_in = false;
  bool dry_run = false;
  bool no_cache = false;
  std::string workspace, report, svg;
};

// The recipes named, or the lab's own when none is.
std::vector<fs::path> recipe_files(const Options& options) {
  std::vector<fs::path> files(options.recipes.begin(), options.recipes.end());
  if (options.built_in || files.empty()) {
    for (const auto& entry : fs::directory_iterator(resource_folder() / "lab" / "recipes")) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(options.recipes.size()), files.end());
  }
  return files;
}

Recipe absolute_recipe(const fs::path& file) {
  Recipe recipe = read_recipe(file);
  recipe.model = absolute_or_name(recipe.model);
  recipe.task = absolute_or_name(recipe.task);
  if (recipe.name.empty()) recipe.name = file.stem().string();
  return recipe;
}

void dry_run(Program& program, const std::vector<Recipe>& recipes) {
  Json answers = Json::array();
  size_t issues = 0;
  for (const Recipe& recipe : recipes) {
    JobSpec spec;
    spec.kind = "check";
    spec.settings = {{"recipe", to_json(recipe)}};
    const Json answer = program.run_job(spec);
    answers.push_back(answer);
    issues += answer.at("issues").size();
    if (program.json()) continue;
    fmt::print("{}\n", recipe.name);
    for (const Json& issue : answer["issues"]) {
      fmt::print("  step {}, {}: {}\n", issue.value("step", 0) + 1, issue.value("key", ""), issue.value("message", ""));
    }
    TextTable table({"  after", "bundle", "parameters", "MACs"});
    std::vector<std::string> names = {"baseline"};
    for (const Step& step : recipe.steps) {
      if (step.enabled) names.push_back(step.method);
    }
    const Json& estimates = answer["estimates"];
    for (size_t i = 0; i < estimates.size() && i < names.size(); ++i) {
      table.add({"  " + names[i], bytes_text(estimates[i].value("bundle_bytes", -1.0)),
                 count_text(estimates[i].value("parameters", -1.0)), count_text(estimates[i].value("macs", -1.0))});
    }
    table.print();
  }
  if (program.json()) program.print_json(answers);
  if (issues > 0) throw Error(ErrorKind::InvalidInput, fmt::format("{} issues in the recipes", issues));
}

// One recipe as a job; a row on stdout as each step ends.
FinishedRun run_one(Program& program, const Options& options, const Recipe& recipe) {
  JobSpec spec;
  spec.kind = "run_recipe";
  spec.seed = recipe.seed;
  spec.settings = {{"recipe", to_json(recipe)},
                   {"name", recipe.name},
                   {"workspace", options.workspace.empty() ? "" : fs::absolute(options.workspace).string()},
                   {"no_cache", options.no_cache}};
  if (!program.json()) fmt::print("{}\n", recipe.name);
  const Json answer = program.run_job(spec, [&](const Json& result) {
    if (program.json() || result.value("kind", "") != "row") return;
    fmt::print("  ");
    print_row_line(result.at("row"));
  });
  return {recipe, answer.at("rows").get<std::vector<Json>>()};
}

// The table of all runs with the front marked, the files that were asked for, and their places last.
void finish(Program& program, const Options& options, const std::vector<FinishedRun>& runs) {
  const std::vector<Json> table = comparison_rows(runs);
  const std::vector<size_t> front = pareto_front(table);
  const std::string title = runs.size() == 1 ? "Espalier: " + runs[0].recipe.name : "Espalier: trade-off";
  write_report_files(title, runs, options.report, options.svg);
  if (program.json()) {
    Json rows = Json::array();
    for (const FinishedRun& run : runs) {
      for (Json row : run.rows) {
        row["recipe"] = run.recipe.name;
        rows.push_back(std::move(row));
      }
    }
    program.print_json({{"rows", rows}, {"table", table}, {"front", front}});
    return;
  }
  fmt::print("\n");
  print_rows(table, front);
  if (!options.report.empty() || !options.svg.empty()) fmt::print("\n");
  for (const std::string& file : {options.report, options.svg}) {
    if (!file.empty()) fmt::print("{}\n", fs::absolute(file).string());
  }
}

}  // namespace

void add_run(Program& program) {
  CLI::App* verb = program.add_verb("run", "Run recipes and measure every step",
                                    "espalier run recipe.json --report report.html --svg tradeoff.svg");
  auto options = std::make_shared<Options>();
  verb->add_option("recipe", options->recipes, "Recipe files (JSON)")->check(CLI::ExistingFile);
  verb->add_flag("--default", options->built_in,
                 "The lab's eight recipes over the five families; the same when no recipe is named");
  verb->add_flag("--dry-run", options->dry_run, "Check and estimate only");
  verb->add_flag("--no-cache", options->no_cache, "Do every step anew, also those that the workspace holds");
  verb->add_option("--workspace", options->workspace, "Folder that remembers runs");
  verb->add_option("--report", options->report, "Write a report (HTML)");
  verb->add_option("--svg", options->svg, "Write the trade-off figure (SVG)");
  program.on_run(verb, [&program, options] {
    std::vector<Recipe> recipes;
    for (const fs::path& file : recipe_files(*options)) recipes.push_back(absolute_recipe(file));
    if (options->dry_run) {
      dry_run(program, recipes);
      return;
    }
    std::vector<FinishedRun> runs;
    for (const Recipe& recipe : recipes) runs.push_back(run_one(program, *options, recipe));
    finish(program, *options, runs);
  });
}

}  // namespace espalier::cli
