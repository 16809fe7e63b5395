#pragma once
// The kinds of job of the runner tests, served alike by the inline runner and by the test worker. Bodies that must be
// caught at a certain point say {"kind": "ready"} and then block.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "jobs/job.h"

namespace espalier::test {

inline std::optional<JobContext>& kept_context() {
  static std::optional<JobContext> context;
  return context;
}

inline JobKinds test_kinds() {
  JobKinds kinds;
  kinds.add("pid", [](const JobSpec&, JobContext&) { return Json{{"pid", getpid()}}; });
  kinds.add("echo", [](const JobSpec& spec, JobContext& context) {
    context.progress.set_stage("echoing");
    context.log("first");
    context.metric("loss", 1, 0.5);
    context.result({{"kind", "piece"}, {"text", "gr\xc3\xbc\xc3\x9f"}});
    context.log("last");
    return Json{{"settings", spec.settings}, {"seed", spec.seed}, {"output_folder", spec.output_folder.string()}};
  });
  kinds.add("throw", [](const JobSpec& spec, JobContext&) -> Json {
    const std::string what = spec.settings.at("what");
    if (what == "error")
      throw Error(ErrorKind::InvalidInput,
                  {.what = "no such head", .where = {}, .got = "7", .wanted = "0 to 3", .next = {}});
    if (what == "memory") throw Error(ErrorKind::OutOfMemory, "not enough memory");
    if (what == "bad_alloc") throw std::bad_alloc();
    throw std::runtime_error("sizes differ\nException raised from mm at Linear.cpp:1\nframe #0");
  });
  kinds.add("obedient", [](const JobSpec&, JobContext& context) -> Json {
    context.result({{"kind", "ready"}, {"pid", getpid()}});
    while (true) {
      context.cancel.throw_if_cancelled();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  // Hears no cancellation and, when asked, no SIGTERM either.
  kinds.add("deaf", [](const JobSpec& spec, JobContext& context) -> Json {
    if (spec.settings.value("ignore_terminate", false)) ::signal(SIGTERM, SIG_IGN);
    context.result({{"kind", "ready"}, {"pid", getpid()}});
    while (true) pause();
  });
  // Waits for a line from the named pipe "gate".
  kinds.add("gated", [](const JobSpec& spec, JobContext& context) -> Json {
    context.result({{"kind", "ready"}, {"pid", getpid()}});
    std::ifstream gate(spec.settings.at("gate").get<std::string>());
    std::string line;
    std::getline(gate, line);
    return {{"line", line}};
  });
  kinds.add("die", [](const JobSpec& spec, JobContext& context) -> Json {
    context.result({{"kind", "ready"}});
    std::fprintf(stderr, "these are my last words\n");
    if (spec.settings.contains("exit")) _exit(spec.settings.at("exit").get<int>());
    raise(spec.settings.at("signal").get<int>());
    return {};
  });
  kinds.add("print", [](const JobSpec&, JobContext&) -> Json {
    std::printf("{\"job\": 1, printed by a library");
    std::fflush(stdout);
    std::cout << "and more" << std::endl;
    [[maybe_unused]] const ssize_t wrote = write(STDOUT_FILENO, "raw\n", 4);
    return {{"printed", true}};
  });
  kinds.add("keep_context", [](const JobSpec&, JobContext& context) -> Json {
    kept_context() = context;
    return {};
  });
  kinds.add("use_kept_context", [](const JobSpec&, JobContext& context) -> Json {
    kept_context()->log("late");
    kept_context()->result({{"kind", "late"}});
    context.log("in time");
    return {};
  });
  kinds.add("many", [](const JobSpec& spec, JobContext& context) -> Json {
    for (int i = 0; i < spec.settings.at("count").get<int>(); ++i) context.metric("loss", i, -i);
    return {};
  });
  return kinds;
}

}  // namespace espalier::test
