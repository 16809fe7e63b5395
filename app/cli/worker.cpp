// `espalier worker`: serves jobs on standard input and output, for the window and for --process.

#include "app/cli/program.h"
#include "job_kinds/job_kinds.h"
#include "jobs/runners.h"

namespace espalier::cli {

void add_worker(Program& program) {
  CLI::App* verb = program.add_verb("worker", "Serve jobs on standard input", "espalier worker");
  verb->group("");  // not shown: people do not type this
  program.on_run(verb, [] {
    if (serve_jobs(builtin_job_kinds()) != 0) throw Error(ErrorKind::Internal, "the worker ended with an error");
  });
}

}  // namespace espalier::cli
