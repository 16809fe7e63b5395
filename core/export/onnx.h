#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/job_context.h"
#include "model/model.h"

namespace espalier {

// How linears are written. Stored: as the model holds them, integer weights like Int8, others like Float.
// Float: every weight as float32. Int8: 8-bit weights with DynamicQuantizeLinear and MatMulInteger; what is not
// quantized yet is, with one scale a row. Qdq: the same numbers as QuantizeLinear's and DequantizeLinear's language
// puts them, float products between dequantized sides, which a runtime may fuse.
enum class OnnxForm { Stored, Float, Int8, Qdq };

// "stored", "float", "int8", "qdq"; throws InvalidInput.
OnnxForm onnx_form(std::string_view name);

struct OnnxOptions {
  OnnxForm form = OnnxForm::Stored;
  // Tensors go to a file of their own, FILE.data, when they need more bytes than this: protobuf ends at 2 GiB.
  int64_t most_bytes_inside = int64_t{1900} << 20;
};

struct OnnxExport {
  std::filesystem::path file;
  std::filesystem::path data;  // empty: the tensors are in `file`
  int64_t bytes = 0;           // of both
  int64_t nodes = 0;
  int64_t initializers = 0;
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> notes;  // where the file means something else than the engine computes
};

// Opset 17. Inputs "input_ids", "attention_mask" and, of models with token types, "token_type_ids": int64 (batch,
// length), padding behind the tokens. Outputs "logits", or "start_logits" and "end_logits" of question answering, or
// "last_hidden_state" and "pooler_output" without a head. Weights that slots share are one initializer.
// DynamicQuantize- Linear has one range for the whole input (asymmetric), where the engine has one a token or sequence.
// Files appear whole or not at all. Throws Unsupported for models with a decoder and recurrent ones, Io, Cancelled.
OnnxExport export_onnx(const Model& model, const std::filesystem::path& file, const OnnxOptions& options,
                       JobContext& context);

// Reads a written file back and holds it against the operators' own schemas and the bytes of its tensors; throws Format
// with the checker's words.
void check_onnx(const std::filesystem::path& file);

}  // namespace espalier
