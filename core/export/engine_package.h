#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "model/model.h"

namespace espalier {

// Where the parts of a package are taken from.
struct EngineParts {
  std::filesystem::path library;  // libespalier-engine.so
  std::filesystem::path headers;  // the folder with espalier/engine.h
  std::filesystem::path example;  // the folder with example.cpp, Makefile, README.md
};

// What lies where this program was built or installed: lib/ and include/ beside its folder, `resources`/engine.
// Io naming what is missing.
EngineParts engine_parts(const std::filesystem::path& resources);

struct EnginePackage {
  std::filesystem::path folder;
  std::vector<std::string> files;  // below the folder, sorted
  int64_t bytes = 0;               // of all
  int64_t model_bytes = 0;         // of the bundle
};

// Writes a folder from which a program can be built that runs the model: model/ (a bundle), lib/, include/, an example
// with its Makefile. Appears whole or not at all; replaces a package of that name and nothing else. Throws Unsupported
// for recurrent models, which the engine does not run; InvalidInput, Io, Cancelled.
EnginePackage export_engine_package(const Model& model, const std::filesystem::path& folder, const EngineParts& parts,
                                    JobContext& context);

}  // namespace espalier
