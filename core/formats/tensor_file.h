#pragma once
// Named tensors as files of any format give them, in one file or in several.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace espalier {

// What one file or all shards hold.
struct TensorFile {
  std::map<std::string, Tensor> tensors = {};
  std::map<std::string, std::string> metadata = {};
  std::vector<std::string> passed_over = {};  // members that are no tensors, for people: "epoch (a number)"
};

// Reads an index ({"weight_map": {tensor: file}}) and every shard that it names (inside the same folder only) with
// `read_shard`. A shard that is missing or lacks a tensor, and a tensor that two shards hold, are faults.
TensorFile read_sharded(const std::filesystem::path& index_file,
                        const std::function<TensorFile(const std::filesystem::path& shard)>& read_shard);

}  // namespace espalier
