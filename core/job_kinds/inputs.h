#pragma once
// Model, task and examples of a job, opened from its settings.

#include <optional>
#include <string>
#include <vector>

#include "data/task.h"
#include "jobs/job.h"
#include "model/model.h"
#include "network/placement.h"

namespace espalier {

inline constexpr int64_t kDefaultMaxLength = 128;

// "lab", a bundle or a Hugging Face folder.
Model open_job_model(const std::string& name_or_path);

// The task with its labels in the model's order, where the model names them.
Task open_job_task(const std::string& name_or_path, const Model& model, const TaskOptions& options = {});
// The same of a job: "task", and how its files are read in "task_options" (members of TaskOptions).
Task open_job_task(const Json& settings, const Model& model);

// "max_length" of the settings, 128 when absent, and no more than the model has positions.
int64_t job_max_length(const Json& settings, const Model& model);

// Where libtorch is to run a model: "runtime" is "libtorch", or "device" or "precision" are given. Nothing: the engine
// is to. InvalidInput for another runtime, for an unknown precision, and for the engine with either of both.
std::optional<Placement> job_placement(const Json& settings);

// Whether the task gives each text or pair one label or number.
bool gives_labelled_texts(const Task& task);
// Throws Unsupported unless the task gives each text or pair one label or number: what attacks, importance of heads and
// steps with gradients work on.
void require_labelled_texts(const Task& task);

// Throws InvalidInput when the model has no head that gives what the task asks for.
void require_task_head(const Model& model, const Task& task);

// `wanted`, or the task's own evaluation split when it is empty.
std::string evaluation_split(const Task& task, const std::string& wanted);
bool has_split(const Task& task, const std::string& split);

// The first `max_examples` (0: all) of a split; what was skipped is added to the warnings. InvalidInput when there is
// no example.
Dataset load_examples(const Task& task, const std::string& split, int64_t max_examples,
                      std::vector<std::string>& warnings, const CancelToken& cancel);
// "3 of 80 examples of dev were cut at 128 tokens."
std::string cut_warning(int64_t cut, size_t examples, const std::string& split, int64_t length);

struct LoadedSplit {
  std::string name;
  Dataset dataset;
  EncodedDataset encoded;
  std::vector<std::string> warnings;  // rows skipped, examples cut

  std::vector<int32_t> labels() const;
  std::vector<double> scores() const;
};

// The first `max_examples` (0: all) of a split, tokenized for the model. InvalidInput when there is no example.
LoadedSplit load_job_split(const Task& task, const std::string& split, const Model& model, int64_t max_length,
                           int64_t max_examples, JobContext& context);

// Throws InvalidInput when an example has no label that the model knows.
void require_labels(const LoadedSplit& split, const Task& task, const Model& model);

// SHA-256 over what the given splits hold: their files, or the generator's name.
std::string data_identity(const Task& task, const std::vector<std::string>& splits);

}  // namespace espalier
