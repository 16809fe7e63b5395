#include "jobs/job.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/mapped_memory.h"

namespace espalier {
namespace {

constexpr std::pair<JobEventKind, std::string_view> kEventNames[] = {
    {JobEventKind::Progress, "progress"},  {JobEventKind::Metric, "metric"}, {JobEventKind::Log, "log"},
    {JobEventKind::Result, "result"},      {JobEventKind::Done, "done"},     {JobEventKind::Failed, "failed"},
    {JobEventKind::Cancelled, "cancelled"}};

std::string_view name_of(JobEventKind kind) {
  return std::find_if(std::begin(kEventNames), std::end(kEventNames), [&](auto& entry) { return entry.first == kind; })
      ->second;
}

// JSON has no NaN: a diverged loss travels as null.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double number_from(const Json& json, std::string_view key, std::string_view where) {
  return json_get_or(json, key, std::numeric_limits<double>::quiet_NaN(), where);
}

// A library's exception carries its backtrace in what(): people get the first part, the log gets the rest. Its kind is
// only known from its words.
ErrorInfo tidied(ErrorInfo info) {
  const size_t trace = info.message.find("\nException raised from");
  if (trace != std::string::npos) {
    info.detail = info.message.substr(trace + 1) + (info.detail.empty() ? "" : "\n" + info.detail);
    info.message.resize(trace);
  }
  if (info.kind == ErrorKind::Internal) {
    const auto says = [&](std::string_view words) { return info.message.find(words) != std::string::npos; };
    if (says("can't allocate memory") || says("CUDA out of memory")) {
      info.kind = ErrorKind::OutOfMemory;
      info.message += " Use a smaller batch or a shorter maximum length, or close other programs.";
    } else if (says("CUDA error") || says("cuDNN error")) {
      info.kind = ErrorKind::Device;
    }
  }
  return info;
}

}  // namespace

Json to_json(const JobSpec& spec) {
  return {{"kind", spec.kind},
          {"settings", spec.settings},
          {"output_folder", spec.output_folder.string()},
          {"seed", spec.seed}};
}

JobSpec job_spec_from_json(const Json& json, std::string_view where) {
  JobSpec spec;
  spec.kind = json_get<std::string>(json, "kind", where);
  spec.settings = json_get_or(json, "settings", Json::object(), where);
  spec.output_folder = json_get_or(json, "output_folder", std::string(), where);
  spec.seed = json_get_or(json, "seed", uint64_t{1}, where);
  return spec;
}

Json to_json(const JobEvent& event) {
  Json json = {{"job", event.job}, {"event", name_of(event.kind)}};
  switch (event.kind) {
    case JobEventKind::Progress:
      json["fraction"] = number(event.progress.fraction);
      json["stage"] = event.progress.stage;
      json["rate"] = number(event.progress.rate);
      json["unit"] = event.progress.unit;
      json["seconds_left"] = number(event.progress.seconds_left);
      json["seconds_elapsed"] = number(event.progress.seconds_elapsed);
      break;
    case JobEventKind::Metric:
      json["series"] = event.series;
      json["x"] = number(event.x);
      json["y"] = number(event.y);
      break;
    case JobEventKind::Log:
      json["text"] = event.text;
      break;
    case JobEventKind::Result:
    case JobEventKind::Done:
      json["result"] = event.result;
      break;
    case JobEventKind::Failed:
      json["error"] = to_json(event.error);
      break;
    case JobEventKind::Cancelled:
      break;
  }
  return json;
}

JobEvent job_event_from_json(const Json& json, std::string_view where) {
  JobEvent event;
  event.job = json_get<JobId>(json, "job", where);
  const auto name = json_get<std::string>(json, "event", where);
  const auto* found =
      std::find_if(std::begin(kEventNames), std::end(kEventNames), [&](auto& entry) { return entry.second == name; });
  if (found == std::end(kEventNames)) {
    throw Error(ErrorKind::Format,
                {.what = "unknown kind of event", .where = std::string(where), .got = name, .wanted = {}, .next = {}});
  }
  event.kind = found->first;
  switch (event.kind) {
    case JobEventKind::Progress:
      event.progress.fraction = number_from(json, "fraction", where);
      event.progress.stage = json_get_or(json, "stage", std::string(), where);
      event.progress.rate = number_from(json, "rate", where);
      event.progress.unit = json_get_or(json, "unit", std::string(), where);
      event.progress.seconds_left = number_from(json, "seconds_left", where);
      event.progress.seconds_elapsed = number_from(json, "seconds_elapsed", where);
      break;
    case JobEventKind::Metric:
      event.series = json_get<std::string>(json, "series", where);
      event.x = number_from(json, "x", where);
      event.y = number_from(json, "y", where);
      break;
    case JobEventKind::Log:
      event.text = json_get<std::string>(json, "text", where);
      break;
    case JobEventKind::Result:
    case JobEventKind::Done:
      event.result = json_get_or(json, "result", Json(nullptr), where);
      break;
    case JobEventKind::Failed:
      event.error = error_info_from_json(json_get<Json>(json, "error", where));
      break;
    case JobEventKind::Cancelled:
      break;
  }
  return event;
}

void JobKinds::add(std::string kind, JobFunction function) {
  kinds_.emplace_back(std::move(kind), std::move(function));
}

const JobFunction& JobKinds::at(const std::string& kind) const {
  for (const auto& [name, function] : kinds_) {
    if (name == kind) return function;
  }
  std::string known;
  for (const auto& [name, function] : kinds_) known += (known.empty() ? "" : ", ") + name;
  throw Error(
      ErrorKind::InvalidInput,
      {.what = "unknown kind of job", .where = {}, .got = "\"" + kind + "\"", .wanted = "one of " + known, .next = {}});
}

std::vector<std::string> JobKinds::names() const {
  std::vector<std::string> names;
  for (const auto& entry : kinds_) names.push_back(entry.first);
  return names;
}

void run_job(JobId id, const JobSpec& spec, const JobKinds& kinds, const CancelToken& cancel,
             const JobRunner::Listener& listener) {
  // Outlives this call when the body leaves a copy of its context somewhere: what comes late finds the gate shut.
  struct Gate {
    std::mutex mutex;
    bool open = true;
  };
  const auto gate = std::make_shared<Gate>();
  const auto emit = [gate, listener, id](JobEvent event) {
    const std::lock_guard lock(gate->mutex);
    if (!gate->open) return;
    event.job = id;
    gate->open = !event.is_final();
    listener(event);
  };

  JobEvent last;
  if (cancel.is_cancelled()) {
    last.kind = JobEventKind::Cancelled;
    return emit(std::move(last));
  }
  JobContext context;
  context.cancel = cancel;
  context.progress = Progress([emit](const ProgressState& state) {
    JobEvent event;
    event.kind = JobEventKind::Progress;
    event.progress = state;
    emit(std::move(event));
  });
  context.log = [emit](const std::string& text) {
    JobEvent event;
    event.kind = JobEventKind::Log;
    event.text = text;
    emit(std::move(event));
  };
  context.metric = [emit](const std::string& series, double x, double y) {
    JobEvent event;
    event.kind = JobEventKind::Metric;
    event.series = series;
    event.x = x;
    event.y = y;
    emit(std::move(event));
  };
  context.result = [emit](const Json& piece) {
    JobEvent event;
    event.kind = JobEventKind::Result;
    event.result = piece;
    emit(std::move(event));
  };
  try {
    last.result = kinds.at(spec.kind)(spec, context);
    require_mapped_files_whole();
    last.kind = JobEventKind::Done;
  } catch (const Cancelled&) {
    last.kind = JobEventKind::Cancelled;
  } catch (...) {
    last.kind = JobEventKind::Failed;
    last.error = tidied(current_error_info());
  }
  emit(std::move(last));
}

}  // namespace espalier
