#pragma once
// What families that keep BERT's names have in common.

#include "model/families/name_list.h"

namespace espalier {

class ConfigReader;

// Throws Unsupported for decoders, other kinds of positions, and heads that are not here.
void refuse_unlike_bert(const ConfigReader& config);

// Sentence heads read a pooler; token heads do not, even where a checkpoint still carries one. A model without a head
// has the pooler that its checkpoint has.
bool needs_pooler(HeadKind head, const std::vector<std::string>& tensors, const std::vector<std::string>& prefixes,
                  const std::string& pooler_weight);

// Embeddings and layers under BERT's names.
void add_bert_body(NameList& names, const Architecture& architecture);

// Tensors without parameters: position numbers, token types.
bool is_bert_buffer(std::string_view name);

}  // namespace espalier
