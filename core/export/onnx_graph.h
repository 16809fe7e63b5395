#pragma once
// A graph being built: nodes in order, tensors once each. Values are known by name.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/cancel.h"
#include "base/tensor.h"

namespace espalier::onnx_writer {

using Name = std::string;
using Attribute = std::pair<std::string, std::variant<int64_t, float, std::vector<int64_t>>>;
// A dimension of an input or output: a size, or the name of one that may change.
using Dimension = std::variant<int64_t, std::string>;

struct Written {
  std::filesystem::path data;  // empty: everything is in the file
  int64_t bytes = 0;
  int64_t nodes = 0;
  int64_t initializers = 0;
};

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Names of nodes and values that follow begin with this.
  void set_scope(std::string scope) { scope_ = std::move(scope); }
  const std::string& scope() const { return scope_; }

  // One operator with one result, or with several.
  Name add(const std::string& op, const std::vector<Name>& inputs, const std::vector<Attribute>& attributes = {});
  std::vector<Name> add(const std::string& op, const std::vector<Name>& inputs, size_t outputs,
                        const std::vector<Attribute>& attributes = {});

  // A stored tensor; `make` is called the first time that a name is asked for.
  Name initializer(const Name& name, const std::function<Tensor()>& make);
  // Small values, stored once.
  Name constant(float value);
  Name constant(int64_t value);                      // a scalar
  Name constants(const std::vector<int64_t>& list);  // (n)

  void add_input(const Name& name, DType dtype, const std::vector<Dimension>& shape);
  // Gives a value the name by which a caller gets it.
  void add_output(const Name& value, const Name& name, DType dtype, const std::vector<Dimension>& shape);
  const std::vector<Name>& inputs() const { return inputs_; }
  const std::vector<Name>& outputs() const { return outputs_; }
  void add_metadata(const std::string& key, const std::string& value);

  // Tensors are put into FILE.data when they need more than `most_bytes_inside`.
  Written write(const std::filesystem::path& file, const std::string& name, int64_t most_bytes_inside,
                const CancelToken& cancel);

 private:
  struct Message;

  std::string scope_;
  std::map<std::string, int64_t> used_;
  std::map<Name, Tensor> tensors_;
  std::vector<Name> inputs_, outputs_;
  std::unique_ptr<Message> message_;
};

}  // namespace espalier::onnx_writer
