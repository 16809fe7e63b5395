// The bundle: espalier.json (architecture, weight forms, sharing, provenance), model.safetensors, tokenizer files and a
// model card. Nothing in it depends on when or where it is written.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/json.h"
#include "base/mapped_memory.h"
#include "formats/atomic_file.h"
#include "formats/atomic_folder.h"
#include "formats/safetensors.h"
#include "model/folders.h"
#include "model/model.h"
#include "model/model_card.h"
#include "model/weight_json.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFormat = "espalier-bundle";
constexpr int kVersion = 1;
constexpr const char* kDescriptionFile = "espalier.json";
constexpr const char* kTensorFile = "model.safetensors";
constexpr const char* kCardFile = "model_card.md";

struct Contents {
  std::string description;  // espalier.json
  std::string card;
  std::map<std::string, StoredTensor> tensors;
};

Contents contents_of(const Model& model) {
  Contents contents;
  Json weights = Json::object();
  Json shared = Json::object();
  std::map<WeightHandle, std::string> owner;
  for (const std::string& slot : model.weights.slots()) {
    const auto [first, added] = owner.emplace(model.weights.handle(slot), slot);
    if (added) {
      weights[slot] = weight_to_json(model.weights.at(slot), slot, contents.tensors);
    } else {
      shared[slot] = first->second;
    }
  }
  const Json description = {{"format", kFormat},  {"version", kVersion}, {"architecture", to_json(model.architecture)},
                            {"weights", weights}, {"shared", shared},    {"provenance", *model.provenance}};
  contents.description = description.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  contents.card = make_model_card(model);
  return contents;
}

TensorFile tensor_file_of(const Contents& contents, const CancelToken& cancel) {
  TensorFile file;
  for (const auto& [name, stored] : contents.tensors) {
    cancel.throw_if_cancelled();
    file.tensors[name] = stored.make();
  }
  return file;
}

void check_tokenizer_file_name(const std::string& name) {
  static const std::set<std::string> kTaken = {kDescriptionFile, kTensorFile, kCardFile};
  if (!name.empty() && name.find('/') == std::string::npos && name.front() != '.' && !kTaken.contains(name)) return;
  throw Error(ErrorKind::Internal, {"a tokenizer file may not have this name", "", name, "a plain file name", ""});
}

void check_version(const Json& description, const std::string& where) {
  const auto format = json_get<std::string>(description, "format", where);
  if (format != kFormat) {
    throw Error(ErrorKind::Format, {"not the description of a bundle", where, format, kFormat, ""});
  }
  const Json version = json_get<Json>(description, "version", where);
  if (!version.is_number_integer() || version.get<int64_t>() < 1) {
    throw Error(ErrorKind::Format,
                {"\"version\" is not a version", where, version.dump(), "a whole number from 1", ""});
  }
  if (version.get<int64_t>() > kVersion) {
    throw Error(ErrorKind::Unsupported,
                {"the bundle was written by a newer program", where, "version " + version.dump(),
                 fmt::format("version {} or older", kVersion), "Open it with a newer Espalier."});
  }
}

void bind_shared(Model& model, const Json& shared, const std::string& where) {
  if (!shared.is_object())
    throw Error(ErrorKind::Format, {"\"shared\" is not an object", where, "", "{slot: slot}", ""});
  for (const auto& [slot, other] : shared.items()) {
    const bool known = other.is_string() && model.weights.contains(other.get<std::string>());
    if (!known || model.weights.contains(slot)) {
      throw Error(ErrorKind::Format, {"a shared slot cannot be bound", where + ", shared, " + slot,
                                      other.dump(-1, ' ', false, Json::error_handler_t::replace),
                                      "a slot that has a weight of its own", ""});
    }
    model.weights.share(slot, other.get<std::string>());
  }
}

}  // namespace

bool is_bundle(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kDescriptionFile, ignored);
}

Model open_bundle(const fs::path& folder) {
  const std::string where = (folder / kDescriptionFile).string();
  const Json description = read_json_file(folder / kDescriptionFile);
  check_version(description, where);
  Model model;
  model.architecture =
      architecture_from_json(json_get<Json>(description, "architecture", where), where + ", architecture");
  TensorFile file = read_safetensors(folder / kTensorFile);
  const Json weights = json_get<Json>(description, "weights", where);
  if (!weights.is_object())
    throw Error(ErrorKind::Format, {"\"weights\" is not an object", where, "", "{slot: form}", ""});
  for (const auto& [slot, form] : weights.items()) {
    model.weights.add(slot, weight_from_json(form, file.tensors, where + ", weights, " + slot));
  }
  bind_shared(model, json_get<Json>(description, "shared", where), where);
  if (!file.tensors.empty()) {
    throw Error(ErrorKind::Format, {"a tensor that no weight names", (folder / kTensorFile).string(),
                                    file.tensors.begin()->first, "only tensors that espalier.json names", ""});
  }
  *model.provenance = json_get<Json>(description, "provenance", where);
  if (!model.provenance->is_object()) {
    throw Error(ErrorKind::Format, {"\"provenance\" is not an object", where, "", "an object", ""});
  }
  model.tokenizer_files = read_tokenizer_files(folder);
  validate(model, folder.string());
  return model;
}

void save_bundle(const Model& model, const fs::path& folder, const CancelToken& cancel) {
  validate(model, display_name(model));
  write_folder_atomically(folder, {"bundle", is_bundle}, [&](const fs::path& beside) {
    const Contents contents = contents_of(model);
    write_file_atomically(beside / kDescriptionFile, contents.description);
    write_file_atomically(beside / kCardFile, contents.card);
    for (const TokenizerFile& file : model.tokenizer_files) {
      check_tokenizer_file_name(file.name);
      write_file_atomically(beside / file.name, *file.bytes);
    }
    write_safetensors(beside / kTensorFile, tensor_file_of(contents, cancel), cancel);
    require_mapped_files_whole();
  });
}

int64_t bundle_bytes(const fs::path& folder) {
  std::error_code code;
  int64_t bytes = 0;
  for (fs::recursive_directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    if (at->is_regular_file(code)) bytes += static_cast<int64_t>(at->file_size(code));
  }
  if (code) throw Error(ErrorKind::Io, {"cannot be read: " + code.message(), folder.string(), "", "a bundle", ""});
  return bytes;
}

int64_t predicted_bundle_bytes(const Model& model) {
  const Contents contents = contents_of(model);
  std::map<std::string, TensorInfo> infos;
  for (const auto& [name, stored] : contents.tensors) infos[name] = stored.info;
  int64_t bytes = std::ssize(contents.description) + std::ssize(contents.card) + safetensors_bytes(infos, {});
  for (const TokenizerFile& file : model.tokenizer_files) bytes += std::ssize(*file.bytes);
  return bytes;
}

}  // namespace espalier
