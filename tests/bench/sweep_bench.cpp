// Wall time of a sweep of post-training edits on the lab: every one from the files on, against one session that runs
// the baseline once and every edit from the first layer that it changes. Rounds take turns in one process.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/runtime_environment.h"
#include "job_kinds/edits.h"
#include "job_kinds/inputs.h"
#include "measure/evaluate.h"
#include "measure/logits.h"
#include "measure/what_if.h"

namespace espalier {
namespace {

constexpr int kRounds = 3;

// Of every layer: each head gone, the first feed-forward matrix at four ranks, the second at four widths of codes.
std::vector<Json> sweep(const Architecture& architecture) {
  std::vector<Json> edits = single_edits(architecture, "heads");
  for (size_t layer = 0; layer < architecture.layers.size(); ++layer) {
    const std::string ffn = fmt::format("encoder.{}.ffn.", layer);
    for (const int rank : {8, 16, 32, 64})
      edits.push_back(Json::array({{{"rank", rank}, {"weight", ffn + "in_proj"}}}));
    for (const int bits : {2, 3, 4, 8}) edits.push_back(Json::array({{{"bits", bits}, {"weight", ffn + "out_proj"}}}));
  }
  return edits;
}

struct Opened {
  Model model;
  LoadedSplit dev;
};

Opened open_lab(JobContext& context) {
  Opened opened{open_job_model("lab"), {}};
  const Task task = open_job_task(std::string("lab"), opened.model);
  opened.dev = load_job_split(task, "dev", opened.model, kDefaultMaxLength, 0, context);
  return opened;
}

double accuracy_from_scratch(const Json& edit, JobContext& context) {
  const Opened lab = open_lab(context);
  SpectrumCache spectra;
  const Tensor logits = predict(Engine(apply_edit(lab.model, edit, spectra)), lab.dev.encoded, context);
  double hits = 0;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    hits += argmax(logits_row(logits, i)) == lab.dev.encoded.examples[static_cast<size_t>(i)].label ? 1 : 0;
  }
  return hits / static_cast<double>(logits.size(0));
}

std::vector<double> sweep_in_one_session(const std::vector<Json>& edits, double half_width, JobContext& context) {
  Opened lab = open_lab(context);
  const WhatIf session(std::move(lab.model), std::move(lab.dev.encoded), {.half_width = half_width}, context);
  SpectrumCache spectra;
  std::vector<double> accuracies;
  for (const Json& edit : edits) {
    accuracies.push_back(session.ask(apply_edit(session.baseline(), edit, spectra)).accuracy.value);
  }
  return accuracies;
}

template <typename Body>
double seconds_of(Body body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

int run() {
  JobContext context;
  const std::vector<Json> edits = sweep(open_job_model("lab").architecture);
  std::vector<double> scratch_seconds, exact_seconds, estimate_seconds;
  std::vector<double> scratch, exact, estimated;
  for (int round = 0; round < kRounds; ++round) {
    scratch.clear();
    scratch_seconds.push_back(seconds_of([&] {
      for (const Json& edit : edits) scratch.push_back(accuracy_from_scratch(edit, context));
    }));
    exact_seconds.push_back(seconds_of([&] { exact = sweep_in_one_session(edits, 0, context); }));
    estimate_seconds.push_back(seconds_of([&] { estimated = sweep_in_one_session(edits, 0.01, context); }));
  }
  const double whole = median(scratch_seconds);
  const auto print = [&](const char* name, const std::vector<double>& seconds, const std::vector<double>& found) {
    fmt::print("{:28} {:8.2f} s {:8.1f} x   largest difference {:.2f} points\n", name, median(seconds),
               whole / median(seconds), 100 * largest_difference(found, scratch));
  };
  fmt::print("{} edits of the lab on its dev split, medians of {} rounds in turn\n", edits.size(), kRounds);
  print("each from scratch", scratch_seconds, scratch);
  print("one session, every example", exact_seconds, exact);
  print("one session, to 1 point", estimate_seconds, estimated);
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int, char** argv) {
  espalier::ensure_runtime_environment(argv);
  return espalier::run();
}
