#pragma once
// What BART and Marian have in common: an encoder and a decoder under the same names.

#include "model/families/name_list.h"

namespace espalier {

class ConfigReader;

// Sizes, stacks and head of "config"; positions, norms and words of the embeddings are the family's own.
Architecture read_encoder_decoder(const ConfigReader& config, const std::vector<std::string>& tensors);

// Layers of both stacks.
void add_encoder_decoder_layers(NameList& names, const Architecture& architecture);

// The output layer, tied to the words of the decoder unless it is its own.
void add_output(NameList& names, const Architecture& architecture);

}  // namespace espalier
