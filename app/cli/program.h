#pragma once
// What every verb shares: the command line being parsed, --json, progress, cancelling by signal, exit codes.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "app/cli/parse_error.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/json_fwd.h"
#include "jobs/job.h"

namespace espalier::cli {

enum ExitCode { kDone = 0, kBadInput = 2, kFailed = 3, kCancelled = 130 };

class Program {
 public:
  Program();

  CLI::App& app() { return app_; }
  // Adds a verb with the flags that all verbs have (--json, --quiet). `example` is shown at the end of its --help.
  CLI::App* add_verb(const std::string& name, const std::string& description, const std::string& example);
  // What to do when this verb (or nested verb) was chosen. It may throw Error and Cancelled.
  void on_run(CLI::App* verb, std::function<void()> action);

  // Parses, runs the chosen verb, prints errors. Returns the exit code.
  int run(int argc, char** argv);

  bool json() const { return json_; }
  bool quiet() const { return quiet_; }
  const CancelToken& cancel() const { return cancel_; }

  // Prints one JSON value and a newline on stdout.
  void print_json(const Json& value) const;

  // Runs one job of job_kinds to its end, here or in a worker, with progress on stderr. `on_result` gets pieces as they
  // come. Returns the answer; throws what the job threw.
  Json run_job(const JobSpec& spec, const std::function<void(const Json&)>& on_result = {});
  // A context for work done without a job: the same progress and cancelling.
  JobContext context();

 private:
  // Says it on stderr, as JSON on stdout too when asked; gives the exit code.
  int report(const ErrorInfo& error, bool as_json) const;

  CLI::App app_;
  std::function<void()> action_;
  bool json_ = false;
  bool quiet_ = false;
  bool in_process_ = false;
  CancelToken cancel_;
};

// An absolute path, or the name unchanged where it stands for something built in ("lab").
std::string absolute_or_name(const std::string& path);

// "1090", "10.9", "0.0109": at least three significant digits.
std::string three_digits(double value);
// "22.7 M", "90.9 MB": three significant digits.
std::string count_text(double value);
std::string bytes_text(double bytes);

// Columns of text under their headers on stdout, numbers right-aligned.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Columns from `first_number` on are right-aligned.
  void print(size_t first_number = 1) const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

// The verbs, one file each.
void add_inspect(Program& program);
void add_eval(Program& program);
void add_train(Program& program);
void add_run(Program& program);
void add_trace(Program& program);
void add_tokenize(Program& program);
void add_heads(Program& program);
void add_saliency(Program& program);
void add_bench(Program& program);
void add_attack(Program& program);
void add_score(Program& program);
void add_methods(Program& program);
void add_runs(Program& program);
void add_lab(Program& program);
void add_samples(Program& program);
void add_report(Program& program);
void add_doctor(Program& program);
void add_export(Program& program);
void add_worker(Program& program);

}  // namespace espalier::cli
