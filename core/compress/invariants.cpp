#include "compress/invariants.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/json.h"
#include "engine/engine.h"
#include "measure/cost.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTrainExamples = 128;
constexpr size_t kDevExamples = 64;
constexpr double kIdentityTolerance = 1e-6;
// Removal changes the order of float32 sums and nothing else.
constexpr double kRemovalTolerance = 2e-4;
constexpr uint64_t kSeed = 7;
constexpr int64_t kReportLength = 128;

EncodedDataset first_examples(const EncodedDataset* dataset, size_t count) {
  EncodedDataset subset;
  if (dataset == nullptr) return subset;
  const auto end = dataset->examples.begin() + static_cast<std::ptrdiff_t>(std::min(count, dataset->examples.size()));
  subset.examples.assign(dataset->examples.begin(), end);
  return subset;
}

// 64-bit FNV-1a over every byte of every weight and the architecture: sees any change in place.
uint64_t fingerprint(const Model& model) {
  uint64_t hash = 14695981039346656037ULL;
  const auto feed = [&hash](const void* data, size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  };
  const auto feed_tensor = [&](const Tensor& tensor) { feed(tensor.bytes().data(), tensor.bytes().size()); };
  const std::function<void(const Weight&)> feed_weight = [&](const Weight& weight) {
    if (const Dense* dense = weight.as<Dense>()) feed_tensor(dense->values);
    if (const Masked* masked = weight.as<Masked>()) {
      feed_tensor(masked->values);
      feed_tensor(masked->mask);
    }
    if (const Quantized* codes = weight.as<Quantized>()) {
      feed_tensor(codes->codes);
      feed_tensor(codes->scales);
    }
    if (const LowRank* factors = weight.as<LowRank>()) {
      feed_weight(*factors->left);
      feed_weight(*factors->right);
    }
  };
  for (const std::string& slot : model.weights.slots()) {
    feed(slot.data(), slot.size());
    const int32_t handle = model.weights.handle(slot).value;
    feed(&handle, sizeof handle);
  }
  for (const std::string& slot : model.weights.unique_slots()) feed_weight(model.weights.at(slot));
  const std::string text = to_json(model.architecture).dump();
  feed(text.data(), text.size());
  return hash;
}

// A folder that goes away with the test that made it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "espalier-invariants-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::Io, "cannot make a temporary folder");
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = std::string(std::istreambuf_iterator<char>(stream), {});
  }
  return files;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const auto x = a.values<float>(), y = b.values<float>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = std::abs(static_cast<double>(x[i]) - y[i]);
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest;
}

struct Finding {
  bool ok = false;
  std::string detail;
};

class Trial {
 public:
  Trial(const Method& method, const Model& model, const Resources& resources, JobContext& context)
      : method_(method),
        model_(model),
        train_(first_examples(resources.train, kTrainExamples)),
        dev_(first_examples(resources.dev, kDevExamples)),
        resources_(resources),
        context_(context),
        probe_(method.probe(model)) {
    resources_.train = &train_;
    resources_.dev = &dev_;
    if (dev_.examples.empty()) dev_ = first_examples(&train_, kDevExamples);
    std::vector<Encoding> encodings;
    for (const EncodedExample& example : dev_.examples) encodings.push_back(example.encoding);
    batch_ = pack(encodings);
  }

  Finding identity() const {
    const Model same = apply(probe_.identity).model;
    const double difference = largest_difference(logits(model_), logits(same));
    return {difference <= kIdentityTolerance, fmt::format("largest logit difference {:.3g}, allowed 1e-6", difference)};
  }

  Finding input_unchanged() {
    const uint64_t before = fingerprint(model_);
    typical_ = apply(probe_.typical);
    const bool changed = fingerprint(typical_->model) != before;
    const bool same = fingerprint(model_) == before;
    return {same && changed, fmt::format("input {}, result {}", same ? "as before" : "CHANGED",
                                         changed ? "differs from it" : "IS THE INPUT")};
  }

  Finding same_bytes() const {
    const MethodResult again = apply(probe_.typical);
    const ScratchFolder scratch;
    save_bundle(typical().model, scratch.path() / "a");
    save_bundle(again.model, scratch.path() / "b");
    const auto a = files_of(scratch.path() / "a"), b = files_of(scratch.path() / "b");
    for (const auto& [name, bytes] : a) {
      if (!b.contains(name) || b.at(name) != bytes) return {false, name + " differs between two runs of one seed"};
    }
    return {a.size() == b.size(), fmt::format("{} files equal to the byte", a.size())};
  }

  Finding report_is_true() const {
    const ScratchFolder scratch;
    const fs::path folder = scratch.path() / "bundle";
    save_bundle(typical().model, folder);
    const Model opened = open_model(folder);
    const Json& report = typical().report;
    const int64_t parameters = num_parameters(opened), bytes = weight_bytes(opened);
    const int64_t macs = count_macs(opened, kReportLength);
    const int64_t predicted = predicted_bundle_bytes(typical().model), saved = bundle_bytes(folder);
    const bool ok = report.at("parameters") == parameters && report.at("weight_bytes") == bytes &&
                    report.at("macs") == macs && predicted == saved;
    return {ok, fmt::format("saved: {} parameters, {} weight bytes, {} MACs, {} bundle bytes; reported: {}, {}, {}, {}",
                            parameters, bytes, macs, saved, report.at("parameters").dump(),
                            report.at("weight_bytes").dump(), report.at("macs").dump(), predicted)};
  }

  Finding reload_is_exact() const {
    const ScratchFolder scratch;
    save_bundle(typical().model, scratch.path() / "bundle");
    const Tensor before = logits(typical().model), after = logits(open_model(scratch.path() / "bundle"));
    return {bit_equal(before, after), fmt::format("{} logits, largest difference {:.3g}, allowed 0", before.numel(),
                                                  largest_difference(before, after))};
  }

  Finding removal_is_masking() const {
    // Training after removal would change what is compared, so it is left out.
    Step step = probe_.typical;
    if (step.settings.contains("epochs")) step.settings["epochs"] = 0.0;
    const MethodResult result = apply(step);
    const std::optional<Model> masked = method_.masked_form(model_, result);
    if (!masked) return {true, "removes nothing from the computation: not applicable"};
    const Tensor a = logits(result.model), b = logits(*masked);
    const double difference = largest_difference(a, b);
    return {difference <= kRemovalTolerance,
            fmt::format("largest logit difference {:.3g}, allowed {:.0e}", difference, kRemovalTolerance)};
  }

  Finding not_constant() const {
    const Tensor all = logits(typical().model);
    const int64_t rows = all.size(0), columns = all.size(1);
    const auto values = all.values<float>();
    int64_t different = 0;
    for (int64_t row = 1; row < rows; ++row) {
      const auto begin = values.begin() + row * columns;
      different += std::equal(begin, begin + columns, values.begin()) ? 0 : 1;
    }
    return {different > 0, fmt::format("{} of {} inputs give other logits than the first", different, rows - 1)};
  }

  Finding knob_is_monotone() const {
    std::string sizes;
    bool ok = true;
    int64_t first = -1, last = -1;
    for (const Step& step : probe_.series) {
      const int64_t bytes = predicted_bundle_bytes(apply(step).model);
      if (last >= 0 && bytes > last) ok = false;
      if (first < 0) first = bytes;
      last = bytes;
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(bytes);
    }
    return {ok && last < first, sizes + " bytes"};
  }

  Finding cancel_is_clean() const {
    const uint64_t before = fingerprint(model_);
    JobContext stopped;
    stopped.cancel.cancel();
    bool at_once = false;
    try {
      method_.apply(model_, probe_.typical, resources_, kSeed, stopped);
    } catch (const Cancelled&) {
      at_once = true;
    }
    // And at the first sign of life.
    JobContext midway;
    const CancelToken token = midway.cancel;
    midway.progress = Progress([token](const ProgressState&) { token.cancel(); });
    bool later = false;
    try {
      method_.apply(model_, probe_.typical, resources_, kSeed, midway);
    } catch (const Cancelled&) {
      later = true;
    }
    const bool untouched = fingerprint(model_) == before;
    return {at_once && later && untouched,
            fmt::format("cancelled before: {}, at the first progress: {}, input {}", at_once ? "stops" : "RUNS ON",
                        later ? "stops" : "RUNS ON", untouched ? "untouched" : "CHANGED")};
  }

  Finding unmet_is_refused() const {
    const Resources none;
    const std::vector<Issue> issues = check_step(method_, model_, probe_.unmet, &none);
    std::string kind = "nothing was thrown";
    bool typed = false;
    JobContext context;
    bool worked = false;
    context.progress = Progress([&worked](const ProgressState&) { worked = true; });
    try {
      method_.apply(model_, probe_.unmet, none, kSeed, context);
    } catch (const Error& error) {
      typed = error.kind() == ErrorKind::InvalidInput;
      kind = to_string(error.kind());
    }
    return {!issues.empty() && typed && !worked,
            issues.empty() ? "no issue was found" : kind + (worked ? " AFTER WORK: " : ": ") + issues.front().message};
  }

 private:
  MethodResult apply(const Step& step) const {
    JobContext quiet;
    quiet.cancel = context_.cancel;
    return method_.apply(model_, step, resources_, kSeed, quiet);
  }

  const MethodResult& typical() const {
    if (!typical_) throw Error(ErrorKind::Internal, "the typical step failed");
    return *typical_;
  }

  Tensor logits(const Model& model) const {
    context_.cancel.throw_if_cancelled();
    return Engine(model).run(batch_).logits;
  }

  const Method& method_;
  const Model& model_;
  EncodedDataset train_, dev_;
  Resources resources_;
  JobContext& context_;
  Probe probe_;
  PackedBatch batch_;
  std::optional<MethodResult> typical_;
};

}  // namespace

Json to_json(const InvariantResult& result) {
  return {{"id", result.id}, {"invariant", result.invariant}, {"name", result.name},
          {"ok", result.ok}, {"detail", result.detail},       {"seconds", result.seconds}};
}

std::vector<InvariantResult> verify_invariants(const Method& method, const Model& model, const Resources& resources,
                                               JobContext& context) {
  Trial trial(method, model, resources, context);
  using Check = std::function<Finding()>;
  const std::vector<std::pair<std::string, Check>> checks = {
      {"identity setting", [&] { return trial.identity(); }},
      {"input unmodified", [&] { return trial.input_unchanged(); }},
      {"same seed, same bytes", [&] { return trial.same_bytes(); }},
      {"report recomputed from the bundle", [&] { return trial.report_is_true(); }},
      {"save, load, infer", [&] { return trial.reload_is_exact(); }},
      {"removed equals masked", [&] { return trial.removal_is_masking(); }},
      {"no constant output", [&] { return trial.not_constant(); }},
      {"monotone in size", [&] { return trial.knob_is_monotone(); }},
      {"cancelled run", [&] { return trial.cancel_is_clean(); }},
      {"unmet needs", [&] { return trial.unmet_is_refused(); }},
  };
  std::vector<InvariantResult> results;
  for (size_t i = 0; i < checks.size(); ++i) {
    context.cancel.throw_if_cancelled();
    context.progress.set_stage(method.info().id + ": " + checks[i].first);
    const auto start = std::chrono::steady_clock::now();
    InvariantResult result;
    result.id = method.info().id;
    result.invariant = static_cast<int>(i) + 1;
    result.name = checks[i].first;
    try {
      const Finding finding = checks[i].second();
      result.ok = finding.ok;
      result.detail = finding.detail;
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      result.detail = current_error_info().message;
    }
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    results.push_back(std::move(result));
    context.progress.report(static_cast<double>(i + 1) / static_cast<double>(checks.size()));
  }
  return results;
}

}  // namespace espalier
