#include "app/cli/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/version.h"
#include "job_kinds/job_kinds.h"
#include "jobs/runners.h"

namespace espalier::cli {
namespace {

std::atomic<int> interrupts{0};
CancelToken* interrupt_token = nullptr;

// The first interrupt asks to stop, the second ends the program at once.
void on_interrupt(int) {
  if (interrupts.fetch_add(1) > 0) _exit(kCancelled);
  interrupt_token->cancel();
}

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidInput:
    case ErrorKind::Format:
    case ErrorKind::Unsupported:
    case ErrorKind::Io:
      return kBadInput;
    case ErrorKind::OutOfMemory:
    case ErrorKind::Device:
    case ErrorKind::Internal:
      break;
  }
  return kFailed;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// One line that is rewritten, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const ProgressState& state) {
    if (!shown_) return;
    std::string text = fmt::format("{:3.0f} %  {}", state.fraction * 100, state.stage);
    if (state.rate > 0) text += fmt::format("  {} {}/s", count_text(state.rate), state.unit);
    if (state.seconds_left >= 0) text += fmt::format("  {} left", duration_text(state.seconds_left));
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  bool shown_;
  bool drawn_ = false;
};

std::filesystem::path own_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

}  // namespace

Program::Program() : app_("Compresses Transformer language models and measures what that costs.", "espalier") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", fmt::format("espalier {}", kVersion));
  app_.set_help_all_flag("--help-all", "Print the help of every verb");
}

CLI::App* Program::add_verb(const std::string& name, const std::string& description, const std::string& example) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->add_flag("--json", json_, "Print JSON, and nothing else, on standard output");
  verb->add_flag("--quiet", quiet_, "No progress");
  verb->add_flag("--process", in_process_, "Run long work in a worker process");
  verb->footer("Example:\n  " + example);
  return verb;
}

void Program::on_run(CLI::App* verb, std::function<void()> action) {
  verb->callback([this, action = std::move(action)] { action_ = action; });
}

int Program::run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return report({ErrorKind::InvalidInput, parse_error_text(app_, arguments, error), ""},
                  std::ranges::find(arguments, "--json") != arguments.end());
  }
  interrupt_token = &cancel_;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  try {
    action_();
    return std::fflush(stdout) == 0 ? kDone : kFailed;
  } catch (const Cancelled&) {
    fmt::print(stderr, "espalier: cancelled\n");
    return kCancelled;
  } catch (...) {
    return report(current_error_info(), json_);
  }
}

int Program::report(const ErrorInfo& error, bool as_json) const {
  if (as_json) print_json({{"error", to_json(error)}});
  fmt::print(stderr, "espalier: {}\n", error.message);
  return exit_code_of(error.kind);
}

void Program::print_json(const Json& value) const {
  fmt::print("{}\n", value.dump(1, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

Json Program::run_job(const JobSpec& spec, const std::function<void(const Json&)>& on_result) {
  std::unique_ptr<JobRunner> runner;
  if (in_process_) {
    ProcessRunnerOptions options;
    options.program = own_program();
    runner = make_process_runner(options);
  } else {
    runner = make_inline_runner(builtin_job_kinds());
  }

  ProgressLine line(!quiet_ && isatty(STDERR_FILENO) != 0);
  JobEvent last;
  // The listener runs on the runner's thread; the watcher below passes an interrupt on, whoever runs the job.
  std::atomic<bool> ended{false};
  std::atomic<JobId> running{0};
  std::thread watcher([&] {
    while (!ended) {
      if (cancel_.is_cancelled() && running != 0) runner->cancel(running);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto listener = [&](const JobEvent& event) {
    running = event.job;
    switch (event.kind) {
      case JobEventKind::Progress:
        line.show(event.progress);
        break;
      case JobEventKind::Log:
        line.clear();
        if (!quiet_) fmt::print(stderr, "{}\n", event.text);
        break;
      case JobEventKind::Result:
        line.clear();
        if (on_result) on_result(event.result);
        break;
      case JobEventKind::Metric:
        break;
      default:
        last = event;
    }
  };
  const JobId id = runner->start(spec, listener);
  running = id;
  runner->wait();
  ended = true;
  watcher.join();
  line.clear();
  if (last.kind == JobEventKind::Cancelled) throw Cancelled();
  if (last.kind == JobEventKind::Failed) throw Error(last.error.kind, last.error.message);
  return last.result;
}

JobContext Program::context() {
  JobContext context;
  context.cancel = cancel_;
  auto line = std::make_shared<ProgressLine>(!quiet_ && isatty(STDERR_FILENO) != 0);
  context.progress = Progress([line](const ProgressState& state) { line->show(state); });
  return context;
}

std::string absolute_or_name(const std::string& path) {
  if (path.empty() || path == "lab") return path;
  return std::filesystem::absolute(path).lexically_normal().string();
}

std::string three_digits(double value) {
  const double size = std::abs(value);
  return size >= 100  ? fmt::format("{:.0f}", value)
         : size >= 10 ? fmt::format("{:.1f}", value)
         : size >= 1  ? fmt::format("{:.2f}", value)
                      : fmt::format("{:.3g}", value);
}

std::string count_text(double value) {
  if (std::abs(value) >= 1e9) return three_digits(value / 1e9) + " G";
  if (std::abs(value) >= 1e6) return three_digits(value / 1e6) + " M";
  if (std::abs(value) >= 1e4) return three_digits(value / 1e3) + " k";
  return fmt::format("{:.0f}", value);
}

std::string bytes_text(double bytes) {
  if (std::abs(bytes) >= 1e9) return three_digits(bytes / 1e9) + " GB";
  if (std::abs(bytes) >= 1e6) return three_digits(bytes / 1e6) + " MB";
  if (std::abs(bytes) >= 1e3) return three_digits(bytes / 1e3) + " kB";
  return fmt::format("{:.0f} B", bytes);
}

void TextTable::print(size_t first_number) const {
  // Widths in code points: labels may hold letters beyond ASCII.
  const auto width_of = [](const std::string& text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  };
  std::vector<size_t> widths;
  for (const std::string& header : headers_) widths.push_back(width_of(header));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto print_row = [&](const std::vector<std::string>& row) {
    std::string text;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width_of(row[i]), ' ');
      text += i >= first_number ? pad + row[i] : row[i] + pad;
      if (i + 1 < row.size()) text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    fmt::print("{}\n", text);
  };
  print_row(headers_);
  for (const auto& row : rows_) print_row(row);
}

}  // namespace espalier::cli
