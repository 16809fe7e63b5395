// `espalier runs`: what the workspace remembers.

#include <fmt/format.h>

#include "app/cli/program.h"
#include "app/cli/rows.h"
#include "base/error.h"
#include "job_kinds/front.h"
#include "workspace/workspace.h"

namespace espalier::cli {
namespace {

Json run_json(const Workspace& workspace, const RunRecord& run) {
  Json steps = Json::array();
  for (const std::string& hash : run.steps) {
    const auto step = workspace.find_step(hash);
    if (!step) continue;
    Json row = step->measures;
    row["hash"] = hash;
    row["method"] = step->step.method;
    row["bundle"] = step->bundle.string();
    steps.push_back(row);
  }
  return {{"run", run.id},
          {"name", run.name},
          {"state", run.state},
          {"message", run.message},
          {"created_at", run.created_at},
          {"note", run.note},
          {"tags", run.tags},
          {"recipe", to_json(run.recipe)},
          {"rows", steps}};
}

}  // namespace

void add_runs(Program& program) {
  CLI::App* verb =
      program.add_verb("runs", "List the runs of a workspace, show one, remove one", "espalier runs --show 3");
  struct Options {
    std::string workspace;
    int64_t show = 0, remove = 0;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--workspace", options->workspace, "Folder that remembers runs; the default one when not given");
  auto* show = verb->add_option("--show", options->show, "One run with its steps")->check(above_zero());
  verb->add_option("--remove", options->remove, "Forget a run and the steps that no other run uses")
      ->check(above_zero())
      ->excludes(show);
  program.on_run(verb, [&program, options] {
    Workspace workspace(options->workspace.empty() ? default_workspace_folder()
                                                   : std::filesystem::path(options->workspace));
    const int64_t wanted = options->show + options->remove;
    if (wanted > 0) {
      const auto run = workspace.run(wanted);
      if (!run) {
        throw Error(ErrorKind::InvalidInput, {"there is no such run", workspace.folder().string(),
                                              std::to_string(wanted), "a number that `espalier runs` lists", ""});
      }
      if (options->remove > 0) {
        workspace.remove_run(wanted);
        return;
      }
      const Json json = run_json(workspace, *run);
      if (program.json()) {
        program.print_json(json);
        return;
      }
      const auto rows = json["rows"].get<std::vector<Json>>();
      fmt::print("run {}: {}, {}, {}\n\n", run->id, run->name, run->state, run->created_at);
      print_rows(rows, pareto_front(rows));
      return;
    }
    Json list = Json::array();
    TextTable table({"run", "name", "state", "begun", "steps"});
    for (const RunRecord& run : workspace.runs()) {
      if (program.json()) {
        list.push_back(run_json(workspace, run));
      } else {
        table.add({std::to_string(run.id), run.name, run.state, run.created_at,
                   std::to_string(run.steps.empty() ? 0 : run.steps.size() - 1)});
      }
    }
    if (program.json()) {
      program.print_json(list);
    } else {
      table.print(4);
      fmt::print("\n{}\n", workspace.folder().string());
    }
  });
}

}  // namespace espalier::cli
