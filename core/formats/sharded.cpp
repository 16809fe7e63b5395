// Tensors in several files, held together by an index: {"weight_map": {tensor: file}}.

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "base/error.h"
#include "base/json.h"
#include "formats/tensor_file.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

// A shard is a file of the index's own folder: a name with a folder in it could lead anywhere.
void check_shard_name(const std::string& name, const std::string& where) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                     name.find('\\') == std::string::npos && name.find('\0') == std::string::npos;
  if (plain) return;
  throw Error(ErrorKind::Format, {"a shard outside the folder is not read", where, "\"" + name + "\"",
                                  "the plain name of a file beside the index", ""});
}

void add_shard(TensorFile& all, std::map<std::string, std::string>& shard_of, TensorFile shard, const std::string& name,
               const std::string& where) {
  for (auto& [tensor, value] : shard.tensors) {
    const auto [held, added] = shard_of.emplace(tensor, name);
    if (!added) {
      throw Error(ErrorKind::Format, {"two shards hold the same tensor", fmt::format("{}, tensor {}", where, tensor),
                                      fmt::format("{} and {}", held->second, name), "every tensor in one shard", ""});
    }
    all.tensors.emplace(tensor, std::move(value));
  }
  for (auto& [key, value] : shard.metadata) all.metadata.emplace(key, std::move(value));
  for (std::string& member : shard.passed_over) all.passed_over.push_back(name + ": " + std::move(member));
}

}  // namespace

TensorFile read_sharded(const fs::path& index_file, const std::function<TensorFile(const fs::path&)>& read_shard) {
  const std::string where = index_file.string();
  const Json index = read_json_file(index_file);
  const auto weight_map = json_get<Json>(index, "weight_map", where);
  if (!weight_map.is_object()) {
    throw Error(ErrorKind::Format, {"\"weight_map\" is not an object", where, "", "{tensor: file}", ""});
  }
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map.items()) {
    const std::string place = fmt::format("{}, tensor {}", where, tensor);
    if (!shard.is_string()) {
      throw Error(ErrorKind::Format, {"the shard is not a file name", place,
                                      shard.dump(-1, ' ', false, Json::error_handler_t::replace), "a string", ""});
    }
    const auto name = shard.get<std::string>();
    check_shard_name(name, place);
    std::error_code ignored;
    if (!fs::exists(index_file.parent_path() / name, ignored)) {
      throw Error(ErrorKind::Io, {"a shard is missing", place, "no file " + name, "every file that the index names",
                                  "Fetch the missing file into the folder of the index."});
    }
    shards.insert(name);
  }
  TensorFile all;
  std::map<std::string, std::string> shard_of;
  for (const std::string& name : shards) {
    add_shard(all, shard_of, read_shard(index_file.parent_path() / name), name, where);
  }
  for (const auto& [tensor, shard] : weight_map.items()) {
    const auto held = shard_of.find(tensor);
    if (held != shard_of.end() && held->second == shard.get<std::string>()) continue;
    throw Error(ErrorKind::Format,
                {"a shard lacks a tensor that the index places there", fmt::format("{}, tensor {}", where, tensor),
                 held == shard_of.end() ? "no such tensor in any shard" : "the tensor in " + held->second,
                 "the tensor in " + shard.get<std::string>(), "The index and the shards belong to different models."});
  }
  return all;
}

}  // namespace espalier
