#include "export/onnx.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "export/onnx_stack.h"

namespace espalier {

OnnxForm onnx_form(std::string_view name) {
  if (name == "stored") return OnnxForm::Stored;
  if (name == "float") return OnnxForm::Float;
  if (name == "int8") return OnnxForm::Int8;
  if (name == "qdq") return OnnxForm::Qdq;
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such form of ONNX weights",
                                        .got = std::string(name),
                                        .wanted = "stored, float, int8 or qdq"});
}

OnnxExport export_onnx(const Model& model, const std::filesystem::path& file, const OnnxOptions& options,
                       JobContext& context) {
  const Architecture& architecture = model.architecture;
  if (architecture.has_decoder() || architecture.is_recurrent()) {
    const bool recurrent = architecture.is_recurrent();
    throw Error(ErrorKind::Unsupported,
                {.what = recurrent ? "recurrent models cannot be written as ONNX"
                                   : "models with a decoder cannot be written as ONNX",
                 .where = display_name(model),
                 .got = architecture.family,
                 .wanted = "one stack of Transformer layers",
                 .next = recurrent ? "use the bundle with Espalier" : "use the bundle with Espalier's engine"});
  }
  validate(model, display_name(model));
  context.progress.set_stage("ONNX graph");
  onnx_writer::Graph graph;
  onnx_writer::Weights weights(model, options.form, graph);
  onnx_writer::Encoder(model, weights, graph).build();
  graph.add_metadata("espalier.steps", model.provenance->value("steps", Json::array()).dump());
  if (!model.architecture.head.labels.empty()) {
    graph.add_metadata("labels", Json(model.architecture.head.labels).dump());
  }
  context.cancel.throw_if_cancelled();
  context.progress.set_stage("writing");
  const onnx_writer::Written written =
      graph.write(file, display_name(model), options.most_bytes_inside, context.cancel);
  OnnxExport result{.file = file,
                    .data = written.data,
                    .bytes = written.bytes,
                    .nodes = written.nodes,
                    .initializers = written.initializers,
                    .inputs = graph.inputs(),
                    .outputs = graph.outputs(),
                    .notes = weights.notes()};
  return result;
}

}  // namespace espalier
