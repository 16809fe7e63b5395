#include "export/engine_package.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "engine/engine.h"
#include "formats/atomic_file.h"
#include "formats/atomic_folder.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLibrary = "libespalier-engine.so";

bool is_package(const fs::path& folder) {
  return is_bundle(folder / "model") && fs::exists(folder / "lib" / kLibrary) && fs::exists(folder / "include");
}

void copy_in(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  write_file_atomically(to, read_file(from));
}

}  // namespace

EngineParts engine_parts(const fs::path& resources) {
  std::error_code ignored;
  const fs::path prefix = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
  EngineParts parts{prefix / "lib" / kLibrary, prefix / "include", resources / "engine"};
  for (const fs::path& needed : {parts.library, parts.headers / "espalier" / "engine.h", parts.example / "Makefile"}) {
    if (fs::exists(needed)) continue;
    throw Error(ErrorKind::Io, {.what = "a part of the engine's package is not there",
                                .where = needed.string(),
                                .next = "Build the target espalier-engine, or install the program again."});
  }
  return parts;
}

EnginePackage export_engine_package(const Model& model, const fs::path& folder, const EngineParts& parts,
                                    JobContext& context) {
  if (!engine_runs(model.architecture)) {
    throw Error(
        ErrorKind::Unsupported,
        {.what = "the engine does not run recurrent layers", .where = display_name(model), .wanted = "a Transformer"});
  }
  EnginePackage made;
  write_folder_atomically(folder, {"package of the engine", is_package}, [&](const fs::path& beside) {
    context.progress.set_stage("model");
    save_bundle(model, beside / "model", context.cancel);
    made.model_bytes = bundle_bytes(beside / "model");
    context.progress.set_stage("library");
    copy_in(parts.library, beside / "lib" / kLibrary);
    for (const char* name : {"engine.h", "engine.hpp"}) {
      copy_in(parts.headers / "espalier" / name, beside / "include" / "espalier" / name);
    }
    for (const char* name : {"example.cpp", "Makefile", "README.md"}) copy_in(parts.example / name, beside / name);
    context.cancel.throw_if_cancelled();
    for (const auto& entry : fs::recursive_directory_iterator(beside)) {
      if (entry.is_regular_file()) made.files.push_back(fs::relative(entry.path(), beside).string());
    }
    made.bytes = bundle_bytes(beside);
  });
  std::ranges::sort(made.files);
  made.folder = fs::absolute(folder).lexically_normal();
  return made;
}

}  // namespace espalier
