// The contract of JobRunner, held by both runners alike.
#include "jobs/runners.h"

#include <sys/stat.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "tests/jobs/test_kinds.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

// Collects the events of one job and lets a test wait for a point in them.
class Ear {
 public:
  JobRunner::Listener listener() {
    return [this](const JobEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      heard_.notify_all();
    };
  }
  Json wait_ready() {
    std::unique_lock lock(mutex_);
    const auto ready = [&]() -> const JobEvent* {
      for (const JobEvent& event : events_) {
        if (event.kind == JobEventKind::Result && event.result.value("kind", "") == "ready") return &event;
      }
      return nullptr;
    };
    heard_.wait(lock, [&] { return ready() != nullptr; });
    return ready()->result;
  }
  JobEvent wait_final() {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [&] { return !events_.empty() && events_.back().is_final(); });
    return events_.back();
  }
  std::vector<JobEvent> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  int finals() {
    int count = 0;
    for (const JobEvent& event : events()) count += event.is_final();
    return count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<JobEvent> events_;
};

JobSpec spec_of(const std::string& kind, Json settings = Json::object()) {
  JobSpec spec;
  spec.kind = kind;
  spec.settings = std::move(settings);
  return spec;
}

std::unique_ptr<JobRunner> make_runner(const std::string& which) {
  if (which == "inline") return make_inline_runner(test_kinds());
  ProcessRunnerOptions options;
  options.program = binary_dir() / "tests" / "test_worker";
  options.arguments = {};
  return make_process_runner(options);
}

class RunnerTest : public testing::TestWithParam<std::string> {
 protected:
  // start() of the inline runner blocks, so a job that must be interrupted is started on a thread of its own.
  std::future<JobId> start_aside(const JobSpec& spec, Ear& ear) {
    return std::async(std::launch::async, [this, spec, &ear] { return runner_->start(spec, ear.listener()); });
  }
  JobEvent run(const JobSpec& spec) {
    Ear ear;
    runner_->start(spec, ear.listener());
    runner_->wait();
    EXPECT_EQ(ear.finals(), 1);
    return ear.wait_final();
  }

  std::unique_ptr<JobRunner> runner_ = make_runner(GetParam());
};

TEST_P(RunnerTest, EventsComeInOrderAndEndOnce) {
  Ear ear;
  JobSpec spec = spec_of("echo", {{"a", 1}});
  spec.seed = 18446744073709551615u;
  spec.output_folder = "/some/where";
  const JobId id = runner_->start(spec, ear.listener());
  runner_->wait();
  std::vector<JobEvent> events;
  for (const JobEvent& event : ear.events()) {
    EXPECT_EQ(event.job, id);
    if (event.kind != JobEventKind::Progress) events.push_back(event);
  }
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].text, "first");
  EXPECT_EQ(events[1].series, "loss");
  EXPECT_EQ(events[1].x, 1);
  EXPECT_EQ(events[1].y, 0.5);
  EXPECT_EQ(events[2].result.at("text"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(events[3].text, "last");
  EXPECT_EQ(events[4].kind, JobEventKind::Done);
  EXPECT_EQ(events[4].result.at("settings"), (Json{{"a", 1}}));
  EXPECT_EQ(events[4].result.at("seed"), 18446744073709551615u);
  EXPECT_EQ(events[4].result.at("output_folder"), "/some/where");
}

TEST_P(RunnerTest, ManyEventsArriveWhole) {
  Ear ear;
  runner_->start(spec_of("many", {{"count", 20000}}), ear.listener());
  runner_->wait();
  const auto events = ear.events();
  ASSERT_EQ(events.size(), 20001u);
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(events[static_cast<size_t>(i)].x, i);
}

TEST_P(RunnerTest, AThrowingBodyFailsItsJobAndNotTheRunner) {
  const JobEvent failed = run(spec_of("throw", {{"what", "error"}}));
  EXPECT_EQ(failed.kind, JobEventKind::Failed);
  EXPECT_EQ(failed.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(failed.error.message.find("no such head"), std::string::npos);
  EXPECT_EQ(run(spec_of("throw", {{"what", "bad_alloc"}})).error.kind, ErrorKind::OutOfMemory);
  EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
}

TEST_P(RunnerTest, ALibrarysBacktraceGoesToTheDetail) {
  const JobEvent failed = run(spec_of("throw", {{"what", "library"}}));
  EXPECT_NE(failed.error.message.find("sizes differ"), std::string::npos);
  EXPECT_EQ(failed.error.message.find("frame #0"), std::string::npos);
  EXPECT_NE(failed.error.detail.find("frame #0"), std::string::npos);
}

TEST_P(RunnerTest, AnUnknownKindIsRefusedNamingTheKnown) {
  const JobEvent failed = run(spec_of("no_such_kind"));
  EXPECT_EQ(failed.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(failed.error.message.find("no_such_kind"), std::string::npos);
  EXPECT_NE(failed.error.message.find("echo"), std::string::npos);
}

TEST_P(RunnerTest, CancelWhileRunning) {
  Ear ear;
  auto started = start_aside(spec_of("obedient"), ear);
  ear.wait_ready();
  runner_->cancel(ear.events().front().job);
  EXPECT_EQ(ear.wait_final().kind, JobEventKind::Cancelled);
  started.get();
  runner_->wait();
  EXPECT_EQ(ear.finals(), 1);
  EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
}

TEST_P(RunnerTest, CancelWhileQueuedNeverRunsTheJob) {
  Ear first, second;
  auto started = start_aside(spec_of("obedient"), first);
  first.wait_ready();
  const JobId running = first.events().front().job;
  auto queued = start_aside(spec_of("echo"), second);
  // Ids count up from 1, so the second job's is known before the inline runner's start() returns it.
  const JobId waiting = running + 1;
  if (GetParam() == "process") {
    EXPECT_EQ(queued.get(), waiting);
    runner_->cancel(waiting);
    EXPECT_EQ(second.wait_final().kind, JobEventKind::Cancelled);
    EXPECT_EQ(first.finals(), 0);
  }
  runner_->cancel(running);
  started.get();
  // The inline runner's start() returns once the job has ended; its thread may not even have queued it before.
  if (queued.valid()) queued.get();
  runner_->wait();
  EXPECT_EQ(second.finals(), 1);
  if (GetParam() == "process") {
    EXPECT_EQ(second.events().size(), 1u);
  }
}

TEST_P(RunnerTest, CancelAfterTheEndIsIgnored) {
  Ear ear;
  const JobId id = runner_->start(spec_of("echo"), ear.listener());
  runner_->wait();
  runner_->cancel(id);
  runner_->cancel(id + 1000);
  EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
  EXPECT_EQ(ear.finals(), 1);
}

TEST_P(RunnerTest, AListenerMayCancelAndStart) {
  Ear second;
  std::promise<JobEventKind> ended;
  runner_->start(spec_of("obedient"), [&](const JobEvent& event) {
    if (event.kind == JobEventKind::Result) {
      runner_->start(spec_of("echo"), second.listener());
      runner_->cancel(event.job);
    }
    if (event.is_final()) ended.set_value(event.kind);
  });
  EXPECT_EQ(ended.get_future().get(), JobEventKind::Cancelled);
  EXPECT_EQ(second.wait_final().kind, JobEventKind::Done);
  runner_->wait();
}

TEST_P(RunnerTest, JobsRunInTheOrderOfStart) {
  std::mutex mutex;
  std::vector<JobId> order, started;
  const auto note = [&](const JobEvent& event) {
    const std::lock_guard lock(mutex);
    if (event.is_final()) order.push_back(event.job);
  };
  for (int i = 0; i < 20; ++i) started.push_back(runner_->start(spec_of("echo"), note));
  runner_->wait();
  EXPECT_EQ(order, started);
}

TEST_P(RunnerTest, WhatComesAfterTheEndIsDropped) {
  Ear first, second;
  runner_->start(spec_of("keep_context"), first.listener());
  runner_->start(spec_of("use_kept_context"), second.listener());
  runner_->wait();
  EXPECT_EQ(first.events().size(), 1u);
  ASSERT_EQ(second.events().size(), 2u);
  EXPECT_EQ(second.events()[0].text, "in time");
}

INSTANTIATE_TEST_SUITE_P(Runners, RunnerTest, testing::Values("inline", "process"),
                         [](const auto& which) { return which.param; });

// --- What only a process can do --------------------------------------------------------------------------------------

class ProcessRunnerTest : public RunnerTest {};

TEST_P(ProcessRunnerTest, OneWorkerIsKeptWarm) {
  const int first = run(spec_of("pid")).result.at("pid");
  EXPECT_EQ(run(spec_of("pid")).result.at("pid"), first);
  EXPECT_NE(first, getpid());
  EXPECT_EQ(run(spec_of("throw", {{"what", "error"}})).kind, JobEventKind::Failed);
  EXPECT_EQ(run(spec_of("pid")).result.at("pid"), first);
}

TEST_P(ProcessRunnerTest, AWorkerIsReplacedAfterRunningOutOfMemory) {
  const int first = run(spec_of("pid")).result.at("pid");
  EXPECT_EQ(run(spec_of("throw", {{"what", "memory"}})).error.kind, ErrorKind::OutOfMemory);
  EXPECT_NE(run(spec_of("pid")).result.at("pid"), first);
}

TEST_P(ProcessRunnerTest, AKilledWorkerFailsItsJobInPlainWordsAndTheNextJobRuns) {
  Ear ear;
  runner_->start(spec_of("obedient"), ear.listener());
  kill(ear.wait_ready().at("pid"), SIGKILL);
  const JobEvent failed = ear.wait_final();
  EXPECT_EQ(failed.kind, JobEventKind::Failed);
  EXPECT_NE(failed.error.message.find("signal 9 (Killed)"), std::string::npos) << failed.error.message;
  EXPECT_NE(failed.error.message.find("start the job again"), std::string::npos) << failed.error.message;
  EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
  EXPECT_EQ(ear.finals(), 1);
}

TEST_P(ProcessRunnerTest, AnExitIsToldWithItsStatusAndLastWords) {
  const JobEvent failed = run(spec_of("die", {{"exit", 3}}));
  EXPECT_NE(failed.error.message.find("exit status 3"), std::string::npos) << failed.error.message;
  EXPECT_NE(failed.error.detail.find("these are my last words"), std::string::npos);
  EXPECT_NE(run(spec_of("die", {{"signal", SIGSEGV}})).error.message.find("signal 11"), std::string::npos);
}

TEST_P(ProcessRunnerTest, AWorkerThatDiesIdleIsReplaced) {
  const int pid = run(spec_of("pid")).result.at("pid");
  kill(pid, SIGKILL);
  EXPECT_NE(run(spec_of("pid")).result.value("pid", pid), pid);
}

TEST_P(ProcessRunnerTest, ADeafJobIsKilledAfterTheGracePeriod) {
  for (const bool ignore_terminate : {false, true}) {
    Ear ear;
    const JobId id = runner_->start(spec_of("deaf", {{"ignore_terminate", ignore_terminate}}), ear.listener());
    const int pid = ear.wait_ready().at("pid");
    runner_->cancel(id);
    EXPECT_EQ(ear.wait_final().kind, JobEventKind::Cancelled);
    EXPECT_EQ(kill(pid, 0), -1);
    EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
  }
}

TEST_P(ProcessRunnerTest, WhatALibraryPrintsDoesNotReachTheProtocol) {
  Ear ear;
  runner_->start(spec_of("print"), ear.listener());
  runner_->wait();
  EXPECT_EQ(ear.wait_final().result.at("printed"), true);
  EXPECT_EQ(run(spec_of("echo")).kind, JobEventKind::Done);
}

TEST_P(ProcessRunnerTest, TheDestructorEndsARunningWorkerWithoutAnEvent) {
  Ear ear;
  runner_->start(spec_of("deaf"), ear.listener());
  const int pid = ear.wait_ready().at("pid");
  runner_.reset();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(ear.finals(), 0);
}

TEST_P(ProcessRunnerTest, ALargeMessageArrivesWhileTheWorkerIsBusy) {
  const TempDir folder;
  const std::string gate = (folder.path() / "gate").string();
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  Ear first, second;
  runner_->start(spec_of("gated", {{"gate", gate}}), first.listener());
  const std::string text(3'000'000, 'x');
  runner_->start(spec_of("echo", {{"text", text}}), second.listener());
  first.wait_ready();
  std::ofstream(gate) << "open\n";
  runner_->wait();
  EXPECT_EQ(first.wait_final().result.at("line"), "open");
  EXPECT_EQ(second.wait_final().result.at("settings").at("text"), text);
}

INSTANTIATE_TEST_SUITE_P(Runners, ProcessRunnerTest, testing::Values("process"),
                         [](const auto& which) { return which.param; });

TEST(ProcessRunner, AMissingProgramFailsTheJobNamingIt) {
  ProcessRunnerOptions missing;
  missing.program = "/no/such/program";
  const auto runner = make_process_runner(missing);
  Ear ear;
  runner->start(spec_of("echo"), ear.listener());
  runner->wait();
  EXPECT_EQ(ear.wait_final().error.kind, ErrorKind::Io);
  EXPECT_NE(ear.wait_final().error.message.find("/no/such/program"), std::string::npos);
}

TEST(ProcessRunner, MalformedLinesAreLoggedAndSurvived) {
  ProcessRunnerOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "echo 'no message'; echo '{\"job\": 1, \"event\": \"dance\"}'; exec \"$0\"",
                       (binary_dir() / "tests" / "test_worker").string()};
  const auto runner = make_process_runner(options);
  Ear ear;
  runner->start(spec_of("echo"), ear.listener());
  runner->wait();
  EXPECT_EQ(ear.wait_final().kind, JobEventKind::Done);
  int logged = 0;
  for (const JobEvent& event : ear.events()) logged += event.text.find("no message") != std::string::npos;
  EXPECT_GE(logged, 1);
}

TEST(Worker, TheEndOfItsInputStopsTheRunningJobAndTheWorker) {
  const std::string worker = (binary_dir() / "tests" / "test_worker").string();
  EXPECT_EQ(std::system((worker + " < /dev/null").c_str()), 0);
  const std::string run = R"(echo '{"id": 1, "run": {"kind": "obedient"}}')";
  EXPECT_EQ(std::system((run + " | timeout 20 " + worker + " > /dev/null").c_str()), 0);
  EXPECT_EQ(std::system(("echo 'no message' | timeout 20 " + worker + " 2> /dev/null").c_str()), 0);
}

TEST(ProcessRunner, TheEnvironmentReachesTheWorker) {
  ProcessRunnerOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "echo \"$ESPALIER_TEST_WORD\" 1>&2; exec \"$0\"",
                       (binary_dir() / "tests" / "test_worker").string()};
  options.environment = {"ESPALIER_TEST_WORD=magnolia"};
  const auto runner = make_process_runner(options);
  Ear ear;
  runner->start(spec_of("die", {{"exit", 0}}), ear.listener());
  runner->wait();
  EXPECT_NE(ear.wait_final().error.detail.find("magnolia"), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
