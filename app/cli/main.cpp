// The command line of Espalier.

#include "app/cli/look_verbs.h"
#include "app/cli/program.h"
#include "base/runtime_environment.h"

#ifdef __GLIBC__
[[gnu::section(".preinit_array"),
  gnu::used]] static void (*before_libraries)(int, char**, char**) = espalier::ensure_runtime_environment_early;
#endif

int main(int argc, char** argv) {
  espalier::ensure_runtime_environment(argv);
  espalier::keep_freed_memory();
  espalier::cli::Program program;
  for (const auto add : {espalier::cli::add_inspect,   espalier::cli::add_eval,     espalier::cli::add_train,
                         espalier::cli::add_run,       espalier::cli::add_heads,    espalier::cli::add_neurons,
                         espalier::cli::add_flips,     espalier::cli::add_what_if,  espalier::cli::add_saliency,
                         espalier::cli::add_attention, espalier::cli::add_weights,  espalier::cli::add_activations,
                         espalier::cli::add_bench,     espalier::cli::add_attack,   espalier::cli::add_score,
                         espalier::cli::add_trace,     espalier::cli::add_tokenize, espalier::cli::add_methods,
                         espalier::cli::add_runs,      espalier::cli::add_report,   espalier::cli::add_export,
                         espalier::cli::add_lab,       espalier::cli::add_samples,  espalier::cli::add_doctor,
                         espalier::cli::add_worker}) {
    add(program);
  }
  return program.run(argc, argv);
}
