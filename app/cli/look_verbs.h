#pragma once
// The verbs that look inside a model, one file each.

#include "app/cli/program.h"

namespace espalier::cli {

void add_neurons(Program& program);
void add_flips(Program& program);
void add_what_if(Program& program);
void add_attention(Program& program);
void add_weights(Program& program);
void add_activations(Program& program);

}  // namespace espalier::cli
