#pragma once
// Weight forms as JSON that names the tensors which hold them, and back.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/safetensors.h"
#include "model/weight.h"

namespace espalier {

// A tensor of a bundle: what it will be and how to get it.
struct StoredTensor {
  TensorInfo info;
  std::function<Tensor()> make;
};

// The description of a weight; its tensors are added to `stored` under names that begin with `prefix`.
Json weight_to_json(const Weight& weight, const std::string& prefix, std::map<std::string, StoredTensor>& stored);

// Takes the tensors that a description names out of `tensors`. Throws Format naming the member or tensor.
Weight weight_from_json(const Json& json, std::map<std::string, Tensor>& tensors, const std::string& where);

}  // namespace espalier
