// `espalier report`: what the workspace remembers, as one HTML page and one SVG figure.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/cli/program.h"
#include "app/cli/report_files.h"
#include "base/error.h"
#include "workspace/workspace.h"

namespace espalier::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<int64_t> runs;
  std::string workspace, title, report = "report.html", svg = "tradeoff.svg";
};

RunRecord find_run(const Workspace& workspace, int64_t id) {
  const auto run = workspace.run(id);
  if (run) return *run;
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such run",
                                        .where = workspace.folder().string(),
                                        .got = std::to_string(id),
                                        .wanted = "a number that `espalier runs` lists",
                                        .next = {}});
}

std::vector<Json> rows_of(const Workspace& workspace, const RunRecord& run) {
  std::vector<Json> rows;
  for (const std::string& hash : run.steps) {
    const auto step = workspace.find_step(hash);
    if (step && !step->measures.empty()) rows.push_back(step->measures);
  }
  return rows;
}

// The newest run with something measured, when none is named.
std::vector<RunRecord> chosen_runs(const Workspace& workspace, const std::vector<int64_t>& ids) {
  std::vector<RunRecord> runs;
  for (const int64_t id : ids) runs.push_back(find_run(workspace, id));
  if (!runs.empty()) return runs;
  for (const RunRecord& run : workspace.runs()) {
    if (!rows_of(workspace, run).empty()) return {run};
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no finished run to report",
                                        .where = workspace.folder().string(),
                                        .got = {},
                                        .wanted = {},
                                        .next = "Make one with: espalier run --default"});
}

}  // namespace

void add_report(Program& program) {
  CLI::App* verb = program.add_verb("report", "Write runs of the workspace as an HTML page and an SVG figure",
                                    "espalier report 3 5 --output report.html --svg tradeoff.svg");
  auto options = std::make_shared<Options>();
  verb->add_option("run", options->runs,
                   "Numbers of runs, as `espalier runs` lists them; the newest when none is given")
      ->check(above_zero());
  verb->add_option("--workspace", options->workspace, "Folder that remembers runs; the default one when not given");
  verb->add_option("--title", options->title, "Title of the page");
  verb->add_option("--output", options->report, "The page to write")->capture_default_str();
  verb->add_option("--svg", options->svg, "The figure to write")->capture_default_str();
  program.on_run(verb, [&program, options] {
    const Workspace workspace(options->workspace.empty() ? default_workspace_folder() : fs::path(options->workspace));
    std::vector<FinishedRun> runs;
    for (const RunRecord& run : chosen_runs(workspace, options->runs)) {
      runs.push_back({run.recipe, rows_of(workspace, run)});
    }
    const std::string title = !options->title.empty() ? options->title
                              : runs.size() == 1      ? "Espalier: " + runs[0].recipe.name
                                                      : "Espalier: comparison";
    write_report_files(title, runs, options->report, options->svg);
    if (program.json()) {
      program.print_json(
          {{"report", fs::absolute(options->report).string()}, {"svg", fs::absolute(options->svg).string()}});
      return;
    }
    fmt::print("{}\n{}\n", fs::absolute(options->report).string(), fs::absolute(options->svg).string());
  });
}

}  // namespace espalier::cli
