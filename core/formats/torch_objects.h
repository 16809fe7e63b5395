#pragma once
// What the pickle of a torch checkpoint says: which tensors there are, and of which storage each is which part.

#include <map>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "formats/pickle.h"

namespace espalier {

// A stretch of elements that the file holds once and tensors share.
struct TorchStorage {
  DType dtype = DType::F32;
  int64_t numel = 0;
};

struct TorchTensor {
  std::string storage;  // its key
  int64_t offset = 0;   // elements; strides too
  Shape shape;
  Shape strides;
};

struct TorchObjects {
  std::map<std::string, TorchStorage> storages;  // all that the pickle mentions
  std::map<std::string, TorchTensor> tensors;    // by name, parts of nested containers joined with dots
  std::vector<std::string> passed_over;          // what is no tensor, for people: "epoch (a number)"
};

// The globals that a checkpoint may name: storages, element types, what rebuilds a tensor, OrderedDict.
bool is_torch_global(std::string_view global);

// Reads the tensors out of a state dict. A dictionary without tensors of its own but with one of the members
// state_dict, model_state_dict, model or module that is a dictionary stands for that member; its other members are
// passed over. Every tensor is checked to lie inside its storage. Throws Format or Unsupported naming `where` and
// tensor.
TorchObjects torch_objects(const Pickle& pickle, const std::string& where);

}  // namespace espalier
