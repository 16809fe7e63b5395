#include "base/progress.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

constexpr std::chrono::milliseconds kInterval{100};
// Before this much has been done, a time left would be a guess.
constexpr double kLeastFraction = 0.005;
constexpr double kLeastSeconds = 0.5;

}  // namespace

struct Progress::Shared {
  Sink sink;
  Clock clock;
  TimePoint start;
  TimePoint last_sent;
  ProgressState state;
  bool sent_any = false;
  bool sent_end = false;

  void send(bool always) {
    const TimePoint now = clock();
    const bool ended = state.fraction >= 1.0;
    if (ended && !always && sent_end) return;
    if (!always && !ended && sent_any && now - last_sent < kInterval) return;
    state.seconds_elapsed = std::chrono::duration<double>(now - start).count();
    state.seconds_left = -1;
    if (ended) {
      state.seconds_left = 0;
    } else if (state.fraction >= kLeastFraction && state.seconds_elapsed >= kLeastSeconds) {
      state.seconds_left = state.seconds_elapsed * (1.0 - state.fraction) / state.fraction;
    }
    last_sent = now;
    sent_any = true;
    sent_end = ended;
    sink(state);
  }
};

Progress::Progress(Sink sink) : Progress(std::move(sink), [] { return std::chrono::steady_clock::now(); }) {}

Progress::Progress(Sink sink, Clock clock) : shared_(std::make_shared<Shared>()) {
  shared_->start = clock();
  shared_->sink = std::move(sink);
  shared_->clock = std::move(clock);
}

void Progress::report(double fraction) {
  if (!shared_ || std::isnan(fraction)) return;
  const double whole = begin_ + std::clamp(fraction, 0.0, 1.0) * (end_ - begin_);
  // A bar never runs backwards, even when work is estimated anew.
  shared_->state.fraction = std::max(shared_->state.fraction, whole);
  shared_->send(false);
}

void Progress::report(double fraction, double rate, std::string unit) {
  if (!shared_) return;
  shared_->state.rate = rate;
  shared_->state.unit = std::move(unit);
  report(fraction);
}

void Progress::set_stage(std::string stage) {
  if (!shared_ || shared_->state.stage == stage) return;
  shared_->state.stage = std::move(stage);
  shared_->state.rate = 0;
  shared_->state.unit.clear();
  shared_->send(true);
}

Progress Progress::slice(double begin, double end) const {
  Progress nested = *this;
  const double width = end_ - begin_;
  nested.begin_ = begin_ + std::clamp(begin, 0.0, 1.0) * width;
  nested.end_ = begin_ + std::clamp(end, 0.0, 1.0) * width;
  return nested;
}

}  // namespace espalier
