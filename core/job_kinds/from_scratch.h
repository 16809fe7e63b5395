#pragma once
// Models that are trained from nothing: an architecture, and a tokenizer that is there already or learnt.

#include "base/job_context.h"
#include "base/json_fwd.h"
#include "data/task.h"
#include "model/model.h"

namespace espalier {

// A fresh model for the task from the settings of a training:
//   "architecture"  an object, the path of a JSON file that holds one, or the name of one of resources/architectures.
//                   Sizes of vocabularies that it leaves out, or gives as 0, are the tokenizer's; so is the number of
//                   words that a language model's head writes. A layer with "repeat": N stands for N of its kind.
//   "tokenizer"     "lab", a folder with a tokenizer, or {"kind": "bpe" or "words", "size": 8000, "min_count": 2,
//                   "lower_case": false}: learnt from the texts of the training split.
// A decoder that reads the same vocabulary as its encoder shares the word table with it (Vaswani 2017, section 3.4).
// Throws InvalidInput when the vocabulary is larger than the architecture's table, and what reading the parts throws.
Model model_from_scratch(const Json& settings, const Task& task, const std::string& train_split, uint64_t seed,
                         JobContext& context);

}  // namespace espalier
