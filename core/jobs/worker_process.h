#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "jobs/line_splitter.h"
#include "jobs/runners.h"

namespace espalier {

// A file descriptor that is closed with its owner.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  int get() const { return fd_; }
  void reset();

 private:
  int fd_;
};

// A running worker and the three streams to it. Used by one thread. The destructor kills and reaps it.
class WorkerProcess {
 public:
  using OnLine = std::function<void(const std::string&)>;

  // Throws Io naming the program when it cannot be started.
  explicit WorkerProcess(const ProcessRunnerOptions& options);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int input_fd() const { return input_.get(); }
  int output_fd() const { return output_.get(); }
  int errors_fd() const { return errors_.get(); }  // -1 once it is closed

  // Queues one message; flush() writes as much as the worker takes without blocking.
  void send(const std::string& line);
  void flush();
  bool has_unsent() const { return !unsent_.empty(); }

  // Reads what is there. False at the end of the worker's output: it is dead or as good as.
  bool read_output(const OnLine& on_line);
  void read_errors(const OnLine& on_line);

  void signal(int number) const;
  // True when the process has ended by itself.
  bool has_ended();
  // Kills it when it still runs after `patience` and says in words how it ended: "was killed by signal 9 (Killed)".
  std::string end(std::chrono::milliseconds patience);
  // The last lines of its standard error.
  const std::string& last_words() const { return last_words_; }

 private:
  bool read_stream(int fd, LineSplitter& splitter, const OnLine& on_line);

  pid_t pid_ = -1;  // -1 once reaped
  int status_ = 0;
  FileDescriptor input_, output_, errors_;
  LineSplitter output_lines_, error_lines_;
  std::string unsent_, last_words_;
};

}  // namespace espalier
