// `espalier neurons`: importance of feed-forward units, or of whole layers.

#include <fmt/format.h>

#include "app/cli/criteria.h"
#include "app/cli/look_verbs.h"
#include "formats/atomic_file.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {

void add_neurons(Program& program) {
  CLI::App* verb = program.add_verb(
      "neurons", "Importance of every feed-forward unit, or of every layer",
      "espalier neurons lab --task lab --curve\n  espalier neurons lab --layers --criterion all --curve");
  const auto options = add_criteria_options(
      verb,
      "Units: michel, taylor, voita, activation, magnitude, random, and ablation, which takes a pass over the data for "
      "every unit. Layers: michel, taylor, ablation, voita, influence, random. Several with commas, or all; without "
      "one: all but the ablation of units");
  auto layers = std::make_shared<bool>(false);
  verb->add_flag("--layers", *layers, "Whole layers instead of units");
  program.on_run(verb, [&program, options, layers] {
    const Json answer = program.run_job(importance_spec(*options, *layers ? "layers" : "units"));
    if (!options->svg.empty()) write_file_atomically(options->svg, importance_svg(answer, options->model));
    program.json() ? program.print_json(answer) : print_importance(answer);
  });
}

}  // namespace espalier::cli
