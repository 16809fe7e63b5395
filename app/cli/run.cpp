// `espalier run`: recipes from start to end, a row a step, then the trade-off.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/rows.h"
#include "base/error.h"
#include "formats/atomic_file.h"
#include "job_kinds/report.h"
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

std::vector<fs::path> recipe_files(const Options& options) {
  std::vector<fs::path> files(options.recipes.begin(), options.recipes.end());
  if (options.built_in) {
    for (const auto& entry : fs::directory_iterator(resources_folder() / "lab" / "recipes"))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  }
  if (files.empty()) {
    throw Error(ErrorKind::InvalidInput,
                {"no recipe", "", "", "recipe files, or --default for the lab's own", "See espalier run --help."});
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

}  // namespace

void add_run(Program& program) {
  CLI::App* verb = program.add_verb("run", "Run recipes and measure every step",
                                    "espalier run recipe.json --report report.html --svg tradeoff.svg");
  auto options = std::make_shared<Options>();
  verb->add_option("recipe", options->recipes, "Recipe files (JSON)")->check(CLI::ExistingFile);
  verb->add_flag("--default", options->built_in, "The lab's eight recipes, over the five families");
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
    // One row a step; the table keeps the baseline once and the end of every recipe.
    Json all_rows = Json::array();
    std::vector<Json> table_rows;
    for (const Recipe& recipe : recipes) {
      JobSpec spec;
      spec.kind = "run_recipe";
      spec.seed = recipe.seed;
      spec.settings = {{"recipe", to_json(recipe)},
                       {"name", recipe.name},
                       {"workspace", options->workspace.empty() ? "" : fs::absolute(options->workspace).string()},
                       {"no_cache", options->no_cache}};
      if (!program.json()) fmt::print("{}\n", recipe.name);
      const Json answer = program.run_job(spec, [&](const Json& result) {
        if (!program.json() && result.value("kind", "") == "row") {
          fmt::print("  ");
          print_row_line(result.at("row"));
        }
      });
      const Json& rows = answer.at("rows");
      for (const Json& row : rows) {
        Json tagged = row;
        tagged["recipe"] = recipe.name;
        all_rows.push_back(tagged);
      }
      if (rows.empty()) continue;
      const std::string baseline = rows.front().value("hash", "");
      const bool known = std::any_of(table_rows.begin(), table_rows.end(),
                                     [&](const Json& row) { return row.value("hash", "") == baseline; });
      if (!known) table_rows.push_back(rows.front());
      if (rows.size() > 1) {
        table_rows.push_back(rows.back());
        table_rows.back()["name"] = recipe.name;
      }
    }
    const std::vector<size_t> front = accuracy_bytes_front(table_rows);
    if (program.json()) {
      program.print_json({{"rows", all_rows}, {"table", table_rows}, {"front", front}});
    } else {
      fmt::print("\n");
      print_rows(table_rows, front);
    }
    if (!options->report.empty()) {
      write_file_atomically(options->report, report_html("Espalier: trade-off", recipes, table_rows));
    }
    if (!options->svg.empty()) write_file_atomically(options->svg, tradeoff_svg(table_rows));
    if (!program.json()) {
      if (!options->report.empty()) fmt::print("\n{}\n", fs::absolute(options->report).string());
      if (!options->svg.empty()) fmt::print("{}\n", fs::absolute(options->svg).string());
    }
  });
}

}  // namespace espalier::cli
