#pragma once
// The stored forms of a weight as nodes of a graph.

#include <map>
#include <string>
#include <vector>

#include "export/onnx.h"
#include "export/onnx_graph.h"

namespace espalier::onnx_writer {

class Weights {
 public:
  Weights(const Model& model, OnnxForm form, Graph& graph) : model_(model), form_(form), graph_(graph) {}

  // x (..., in) to x w^T + bias (..., out) by the slots MODULE.weight and MODULE.bias.
  Name linear(const std::string& module, const Name& x);
  // Rows of a table for `ids`, as float32.
  Name rows(const std::string& slot, const Name& ids);
  // A vector or small matrix as float32.
  Name values(const std::string& slot);
  bool contains(const std::string& slot) const { return model_.weights.contains(slot); }

  // What the file computes in another way than the engine does, each said once.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // Codes of an input and how to read them.
  struct Codes {
    Name codes, scale, zero_point;
  };

  Name multiply(const Weight& weight, const std::string& name, const Name& x);
  Name multiply_float(const Weight& weight, const std::string& name, const Name& x);
  Name multiply_codes(const Quantized& weight, const std::string& name, const Name& x);
  Name rows_of(const Weight& weight, const std::string& name, const Name& ids);
  const Codes& quantized(const Name& x);
  // The name of a slot's weight: the first of the slots that share it.
  std::string shared_name(const std::string& slot) const;
  bool is_embedding_too(const std::string& slot) const;
  void note(const std::string& text);

  const Model& model_;
  OnnxForm form_;
  Graph& graph_;
  std::map<Name, Codes> codes_of_;
  std::map<Name, Name> turned_;
  std::vector<std::string> notes_;
};

}  // namespace espalier::onnx_writer
