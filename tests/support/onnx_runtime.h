#pragma once
// ONNX Runtime in a node process beside a test: the independent reader of what export/ writes.

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier::test {

// The folder named by $ESPALIER_ONNXRUNTIME_NODE, in which `npm install onnxruntime-node` was run; empty without.
std::filesystem::path onnx_runtime_dir();

class OnnxRuntime {
 public:
  // Starts node; throws Error when it does not answer.
  explicit OnnxRuntime(const std::filesystem::path& folder);
  ~OnnxRuntime();
  OnnxRuntime(const OnnxRuntime&) = delete;
  OnnxRuntime& operator=(const OnnxRuntime&) = delete;

  // Opens a model; gives the runtime's version.
  std::string open(const std::filesystem::path& model, int threads);

  struct Run {
    double milliseconds = 0;
    double cpu_milliseconds = 0;  // of all threads of the node process
    std::vector<int64_t> shape;   // of the first output
    std::vector<float> values;    // of it, when asked for
  };
  Run run(const std::vector<std::vector<int64_t>>& sequences, bool with_values);

 private:
  Json ask(const Json& message);

  int process_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
};

}  // namespace espalier::test
