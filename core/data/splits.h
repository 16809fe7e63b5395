#pragma once
// What the splits of a task are made of, and how people call them.

#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/task.h"

namespace espalier {

// The split that a file or folder name without its ending stands for ("valid" is "dev", "train-v2.0" is
// "train"); empty for names of no split.
std::string split_of(const std::string& stem);

// One split of a task. The functions hold all that they need and change nothing.
struct SplitSource {
  std::string split;
  std::function<Dataset(const CancelToken& cancel)> load;
  std::function<std::vector<std::filesystem::path>()> files;
};

// Fills splits, load and files of a task, splits in the order train, dev, test, others. With `one_file` the only split
// serves as dev too.
void set_splits(Task& task, std::vector<SplitSource> sources, bool one_file = false);

// The split that quality is measured on unless another is named: dev, dev_matched, validation or test, else the last.
std::string evaluation_split(const Task& task);

// Counts a row that cannot be used. `place`: "line 17".
void skip_row(SkippedRows& skipped, const std::string& place, const std::string& reason);

// Distinct labels in a lasting order: by number when all are whole numbers, else by bytes.
std::vector<std::string> in_label_order(std::vector<std::string> labels);

// Names of labels to their numbers.
class LabelIndex {
 public:
  LabelIndex() = default;
  // `in_data` as the data calls them; `wanted` fixes names and order when it is not empty. Names that the data does not
  // use stand for its numbers 0, 1, ...
  LabelIndex(const std::vector<std::string>& in_data, const std::vector<std::string>& wanted);

  const std::vector<std::string>& names() const { return names_; }
  // -1 when the text is no label.
  int32_t find(const std::string& text) const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> numbers_;
  bool numbers_stand_for_names_ = false;
};

// The whole text is one finite number.
bool parse_number(const std::string& text, double& value);

}  // namespace espalier
