#include "data/splits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "base/error.h"

namespace espalier {
namespace {

constexpr size_t kReasonsShown = 5;

const std::map<std::string, std::string>& known_stems() {
  static const std::map<std::string, std::string> kStems = {{"train", "train"},
                                                            {"training", "train"},
                                                            {"dev", "dev"},
                                                            {"validation", "dev"},
                                                            {"validate", "dev"},
                                                            {"valid", "dev"},
                                                            {"val", "dev"},
                                                            {"eval", "dev"},
                                                            {"test", "test"},
                                                            {"shifted", "shifted"},
                                                            {"dev_matched", "dev_matched"},
                                                            {"dev_mismatched", "dev_mismatched"},
                                                            {"test_matched", "test_matched"},
                                                            {"test_mismatched", "test_mismatched"},
                                                            {"diagnostic", "test"},
                                                            {"diagnostic-full", "test"},
                                                            {"ax", "test"},
                                                            {"ax-b", "test"},
                                                            {"ax-g", "test"},
                                                            {"wiki.train", "train"},
                                                            {"wiki.valid", "dev"},
                                                            {"wiki.test", "test"}};
  return kStems;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

int rank_of(const std::string& split) {
  constexpr std::array<const char*, 8> kOrder = {"train", "dev",          "dev_matched",     "dev_mismatched",
                                                 "test",  "test_matched", "test_mismatched", "shifted"};
  return static_cast<int>(std::ranges::find(kOrder, split) - kOrder.begin());
}

// The split that `wanted` means: by name, by a usual other name, or by the only one that begins like it.
const SplitSource& find_split(const std::vector<SplitSource>& sources, const std::string& wanted,
                              const std::string& task, bool one_file) {
  const std::string usual = split_of(wanted);
  for (const std::string& name : {wanted, usual, usual + "_matched"}) {
    const auto found = std::ranges::find(sources, name, &SplitSource::split);
    if (found != sources.end()) return *found;
  }
  const auto alike = [&](const SplitSource& source) { return !usual.empty() && source.split.starts_with(usual + "_"); };
  if (std::ranges::count_if(sources, alike) == 1) return *std::ranges::find_if(sources, alike);
  if (one_file && usual == "dev") return sources[0];
  std::string known;
  for (const SplitSource& source : sources) known += (known.empty() ? "" : ", ") + source.split;
  throw Error(ErrorKind::InvalidInput, {.what = "the task has no such split",
                                        .where = task,
                                        .got = wanted,
                                        .wanted = known,
                                        .next = one_file ? "open the folder that holds all splits" : ""});
}

}  // namespace

std::string split_of(const std::string& stem) {
  const std::string name = lower(stem);
  const auto found = known_stems().find(name);
  if (found != known_stems().end()) return found->second;
  for (const char* split : {"train", "dev", "test"}) {
    if (name.starts_with(std::string(split) + "-v")) return split;
  }
  return "";
}

void set_splits(Task& task, std::vector<SplitSource> sources, bool one_file) {
  std::ranges::stable_sort(sources, {}, [](const SplitSource& source) { return rank_of(source.split); });
  task.splits.clear();
  for (const SplitSource& source : sources) task.splits.push_back(source.split);
  const auto shared = std::make_shared<const std::vector<SplitSource>>(std::move(sources));
  task.load = [shared, one_file, name = task.name](const std::string& split, const CancelToken& cancel) {
    return find_split(*shared, split, name, one_file).load(cancel);
  };
  task.files = [shared, one_file, name = task.name](const std::string& split) {
    return find_split(*shared, split, name, one_file).files();
  };
}

std::string evaluation_split(const Task& task) {
  for (const char* name : {"dev", "dev_matched", "validation", "test"}) {
    if (std::ranges::find(task.splits, name) != task.splits.end()) return name;
  }
  return task.splits.empty() ? "dev" : task.splits.back();
}

void skip_row(SkippedRows& skipped, const std::string& place, const std::string& reason) {
  if (skipped.first_reasons.size() < kReasonsShown) skipped.first_reasons.push_back(place + ": " + reason);
  ++skipped.count;
}

std::vector<std::string> in_label_order(std::vector<std::string> labels) {
  const std::set<std::string> distinct(labels.begin(), labels.end());
  labels.assign(distinct.begin(), distinct.end());
  double number = 0;
  const bool whole = std::ranges::all_of(
      labels, [&](const std::string& label) { return parse_number(label, number) && number == std::floor(number); });
  if (whole) {
    std::ranges::stable_sort(labels, {}, [&](const std::string& label) {
      parse_number(label, number);
      return number;
    });
  }
  return labels;
}

LabelIndex::LabelIndex(const std::vector<std::string>& in_data, const std::vector<std::string>& wanted)
    : names_(wanted.empty() ? in_data : wanted) {
  numbers_stand_for_names_ = !std::ranges::all_of(
      in_data, [&](const std::string& label) { return std::ranges::find(names_, label) != names_.end(); });
  for (size_t i = 0; i < names_.size(); ++i) numbers_.emplace(names_[i], static_cast<int32_t>(i));
}

int32_t LabelIndex::find(const std::string& text) const {
  const auto found = numbers_.find(text);
  if (found != numbers_.end()) return found->second;
  double number = 0;
  const bool fits = numbers_stand_for_names_ && parse_number(text, number) && number >= 0 &&
                    number < static_cast<double>(names_.size()) && number == std::floor(number);
  return fits ? static_cast<int32_t>(number) : -1;
}

bool parse_number(const std::string& text, double& value) {
  if (text.empty()) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && std::isfinite(value);
}

}  // namespace espalier
