// `espalier heads`: importance of attention heads, by one criterion as a layer x head table or by several side by side.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/criteria.h"
#include "app/cli/program.h"
#include "formats/atomic_file.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {
namespace {

// A choice that would mean nothing is refused.
void require_michel(const CriteriaOptions& options, const std::string& average) {
  const std::vector<std::string>& named = options.criteria;
  if (average == "example" || named.empty() || named.front() == "all" ||
      std::ranges::count(named, std::string("michel")) > 0)
    return;
  throw Error(ErrorKind::InvalidInput, {.what = "this choice is one of the criterion michel alone",
                                        .where = "--average",
                                        .got = "--criterion without michel",
                                        .wanted = "michel among them, or no --average",
                                        .next = {}});
}

}  // namespace

void add_heads(Program& program) {
  CLI::App* verb = program.add_verb("heads", "Importance of every attention head on a task",
                                    "espalier heads lab --task lab --average token\n  espalier heads lab --criterion "
                                    "all --curve --max-examples 200 --svg heads.svg");
  const auto options = add_criteria_options(verb,
                                            "michel, taylor, ablation, voita, confidence, entropy, random, several "
                                            "with commas, or all; without one: michel, with --curve all");
  auto average = std::make_shared<std::string>("example");
  verb->add_option("--average", *average, "Michel's absolute value for each example (paper) or token (release)")
      ->capture_default_str()
      ->check(CLI::IsMember({"example", "token"}));
  program.on_run(verb, [&program, options, average] {
    const bool several = options->curve || !options->criteria.empty();
    JobSpec spec;
    if (several) {
      spec = importance_spec(*options, "heads");
      spec.settings["average"] = *average;
      require_michel(*options, *average);
    } else {
      spec.kind = "head_importance";
      spec.settings = {{"model", absolute_or_name(options->model)},
                       {"task", absolute_or_name(options->task)},
                       {"split", options->split},
                       {"average", *average},
                       {"max_examples", options->max_examples}};
    }
    const Json answer = program.run_job(spec);
    if (!options->svg.empty()) write_file_atomically(options->svg, importance_svg(answer, options->model));
    if (program.json()) return program.print_json(answer);
    if (several) return print_importance(answer);
    print_head_table(answer.at("heads"), answer.at("kept"));
    fmt::print(
        "\nmean of |gradient of the loss for a gate on the head| over {} examples of \"{}\", l2 norm of a layer 1, "
        "{:.1f} s\n",
        answer.value("examples", 0), options->split, answer.value("seconds", 0.0));
  });
}

}  // namespace espalier::cli
