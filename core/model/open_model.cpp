#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "base/nearest.h"
#include "model/folders.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWanted =
    "a bundle (espalier.json) or a Hugging Face folder (config.json and model.safetensors or pytorch_model.bin)";

std::vector<std::string> names_in(const fs::path& folder) {
  constexpr size_t kMost = 2000;
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end && names.size() < kMost; at.increment(code)) {
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void throw_no_such_path(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string near = nearest_name(path.filename().string(), names_in(parent));
  throw Error(ErrorKind::Io, {"no such file or folder", path.string(), "", kWanted,
                              near.empty() ? "" : "Did you mean " + (parent / near).string() + "?"});
}

[[noreturn]] void throw_no_model(const fs::path& folder) {
  std::vector<std::string> names = names_in(folder);
  if (names.size() > 8) names.resize(8);
  throw Error(ErrorKind::InvalidInput,
              {"the folder holds no model", folder.string(),
               names.empty() ? "an empty folder" : fmt::format("{}", fmt::join(names, ", ")), kWanted, ""});
}

// A file stands for its folder when it is a part of the model there. Weights under another name would be passed over.
bool is_part_of_model(const fs::path& file) {
  const std::string name = file.filename().string();
  const bool weights = name.ends_with(".safetensors") || name.ends_with(".bin") || name.ends_with(".pt");
  return !weights || is_weight_file(file);
}

}  // namespace

Model open_model(const fs::path& path) {
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  if (!fs::exists(status)) throw_no_such_path(path);
  if (fs::is_directory(status)) {
    if (is_bundle(path)) return open_bundle(path);
    if (is_hugging_face(path)) return open_hugging_face(path);
    throw_no_model(path);
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (fs::is_regular_file(status) && is_part_of_model(path) && (is_bundle(folder) || is_hugging_face(folder))) {
    return open_model(folder);
  }
  throw Error(ErrorKind::InvalidInput,
              {"the file is no part of a model", path.string(), "", std::string(kWanted) + ", or a file in one", ""});
}

}  // namespace espalier
