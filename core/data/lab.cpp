#include "data/lab.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/error.h"
#include "data/lab_grammar.h"

namespace espalier {
namespace {

const std::vector<std::string> kSplits = {"train", "dev", "test", "shifted"};

// The harder split: longer, more negation and contrast, and others disagree with the writer more often than not.
lab::Mixture shifted_mixture() {
  lab::Mixture mixture;
  mixture.negation = 0.3;
  mixture.long_scope = 0.4;
  mixture.double_negation = 0.15;
  mixture.contrast = 0.3;
  mixture.concession = 0.55;
  mixture.mixed = 0.35;
  mixture.rare_word = 0.12;
  mixture.other = 0.3;
  mixture.agreeing_other = 0.25;
  mixture.min_distractors = 1;
  mixture.max_distractors = 3;
  return mixture;
}

Dataset make_split(const std::string& name, int64_t size, const LabOptions& options, std::set<std::string>& seen) {
  Rng rng = Rng(options.seed).fork(name);
  const lab::Mixture mixture = name == "shifted" ? shifted_mixture() : lab::Mixture();
  std::vector<int32_t> labels(static_cast<size_t>(size));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i % 2);
  rng.shuffle(labels);
  Dataset dataset;
  dataset.examples.reserve(labels.size());
  for (const int32_t label : labels) {
    lab::Clause review;
    do {
      review = lab::make_review(rng, mixture, label == 1 ? 1 : -1);
    } while (!seen.insert(review.text).second);
    Example example;
    example.text = std::move(review.text);
    example.label = rng.chance(options.label_noise) ? 1 - label : label;
    for (const lab::Mark& mark : review.marks) example.evidence.emplace_back(mark.begin, mark.end);
    std::sort(example.evidence.begin(), example.evidence.end());
    dataset.examples.push_back(std::move(example));
  }
  return dataset;
}

// All splits at once, made at the first use: no text stands in two of them.
struct Lab {
  LabOptions options;
  std::once_flag made;
  std::map<std::string, Dataset> splits;

  const Dataset& split(const std::string& name) {
    if (std::find(kSplits.begin(), kSplits.end(), name) == kSplits.end()) {
      throw Error(ErrorKind::InvalidInput,
                  {.what = "the lab has no such split", .got = name, .wanted = "train, dev, test or shifted"});
    }
    std::call_once(made, [this] {
      std::set<std::string> seen;
      const std::map<std::string, int64_t> sizes = {{"train", options.train_size},
                                                    {"dev", options.dev_size},
                                                    {"test", options.test_size},
                                                    {"shifted", options.shifted_size}};
      for (const std::string& each : kSplits) splits[each] = make_split(each, sizes.at(each), options, seen);
    });
    return splits.at(name);
  }
};

}  // namespace

Task make_lab_task(const LabOptions& options) {
  auto data = std::make_shared<Lab>();
  data->options = options;
  Task task;
  task.name = "lab";
  task.labels = {"negative", "positive"};
  task.metric = "accuracy";
  task.description =
      "Short English reviews of films, meals, hotels and gadgets, made in code. The label is the sign of the summed "
      "opinions under negation, contrast and intensity; opinions of others and words in quotes do not count. 3 % of "
      "the labels are turned around. The shifted split is longer, has more negation and contrast, and its distractors "
      "mislead.";
  task.splits = kSplits;
  task.load = [data](const std::string& split, const CancelToken& cancel) {
    cancel.throw_if_cancelled();
    return data->split(split);
  };
  task.files = [](const std::string&) { return std::vector<std::filesystem::path>{}; };
  task.generator = "lab 1 seed " + std::to_string(options.seed) + " sizes " + std::to_string(options.train_size) + " " +
                   std::to_string(options.dev_size) + " " + std::to_string(options.test_size) + " " +
                   std::to_string(options.shifted_size) + " noise " + std::to_string(options.label_noise);
  return task;
}

}  // namespace espalier
