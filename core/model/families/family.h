#pragma once
// A family is how one kind of checkpoint folder says what it holds: a config reader and a weight-name map. Adding a
// family adds one file here and one line in families.cpp.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/architecture.h"

namespace espalier {

// One slot and the names under which checkpoints of the family may hold it, most usual first.
struct SlotNames {
  std::string slot;
  std::vector<std::string> checkpoint_names;
  // When no name is present, or the tensor is the same to the bit: share the weight of this slot (tied output
  // embeddings). Empty: the slot must be there.
  std::string tied_to = "";
  // How the slot's matrix lies in the tensor: as columns where the tensor is (in, out), and as one of `parts` equal
  // blocks of rows (after that) where one tensor holds several slots. A vector is cut the same way.
  bool transposed = false;
  int64_t part = 0;
  int64_t parts = 1;
};

struct Family {
  std::string id;                                      // "bert"
  std::function<bool(const Json& config)> recognises;  // from config.json
  // `tensor_names`: what the checkpoint holds, since heads are recognised by what is there. `where` stands for the
  // configuration file in messages.
  std::function<Architecture(const Json& config, const std::vector<std::string>& tensor_names,
                             const std::string& where)>
      read_config;
  // Every slot of the architecture that read_config made of the same configuration.
  std::function<std::vector<SlotNames>(const Architecture&, const Json& config)> slot_names;
  // Tensors that a folder may hold and nothing needs (position_ids, pooler of a token model).
  std::function<bool(const std::string& tensor_name)> ignorable;
};

std::span<const Family> families();

}  // namespace espalier
