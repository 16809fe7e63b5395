#pragma once
#include "app/cli/program.h"

namespace espalier::cli {

// Runs a training job whose settings may also say "seed" and "precision" ("float32", "float16": how the weights are
// stored at the end). With float16 the answer's quality is that of the stored weights.
Json run_training(Program& program, JobSpec spec);

// The bundle, the speed and the quality of a finished training, for a person.
void print_training(const Json& answer);

}  // namespace espalier::cli
