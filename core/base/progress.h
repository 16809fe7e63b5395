#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace espalier {

// A snapshot of how far some work is.
struct ProgressState {
  double fraction = 0;       // 0..1 of the whole job
  std::string stage;         // "fine-tune 2/3"
  double rate = 0;           // units per second, 0 when unknown
  std::string unit;          // "tokens", "examples"; empty when there is no rate
  double seconds_left = -1;  // -1 when unknown
  double seconds_elapsed = 0;
};

// Where work reports how far it is. A Progress owns a slice of a bar; nested work gets a part of that slice. Reports
// reach the sink at most ten times a second (a change of stage and completion always do). A default-made Progress
// reports to nobody. Use from one thread at a time.
class Progress {
 public:
  using Sink = std::function<void(const ProgressState&)>;
  using TimePoint = std::chrono::steady_clock::time_point;
  using Clock = std::function<TimePoint()>;

  Progress() = default;
  explicit Progress(Sink sink);
  // With a clock of one's own, for tests.
  Progress(Sink sink, Clock clock);

  // Sets how much of this slice is done, 0..1.
  void report(double fraction);
  // The same with the rate of the work, say 1900 tokens a second.
  void report(double fraction, double rate, std::string unit);
  void set_stage(std::string stage);

  // A nested slice from `begin` to `end`, fractions of this one.
  Progress slice(double begin, double end) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  double begin_ = 0;
  double end_ = 1;
};

}  // namespace espalier
