#pragma once
// The data of a training, encoded for a model, as the objective that the kind of task asks for.

#include <memory>
#include <string>
#include <vector>

#include "job_kinds/inputs.h"
#include "job_kinds/lengths.h"
#include "train/objectives.h"

namespace espalier {

struct TrainingData {
  std::shared_ptr<const Objective> objective;
  std::vector<std::string> warnings;  // rows skipped, examples cut
  // What the objective of texts with labels looks at.
  std::unique_ptr<LoadedSplit> train, dev;
};

struct TrainingDataSettings {
  std::string train_split, dev_split;
  SequenceLengths lengths;
  double masked_frac = 0.15;  // of a masked language model
  bool labels_needed = true;  // false: a teacher alone is learnt from
};

// Reads both splits. The model must have the head and, for a translation, the generation that it is trained with.
// InvalidInput for examples without gold answers and texts that are too short.
TrainingData open_training_data(const Task& task, const Model& model, const TrainingDataSettings& settings,
                                JobContext& context);

// The model with what training on the task needs: a head, and how it writes where it writes sentences.
Model ready_for_training(const Model& model, const Task& task, const SequenceLengths& lengths, uint64_t seed);

// Throws InvalidInput unless both models read the same tokens: a teacher sees the student's.
void require_same_tokens(const Model& teacher, const Model& student);

}  // namespace espalier
