#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include "base/error.h"
#include "export/onnx.h"
#include "formats/atomic_file.h"

namespace espalier {

void check_onnx(const std::filesystem::path& file) {
  try {
    onnx::checker::check_model(file.string());
    const MappedFile mapped = map_file(file);
    onnx::ModelProto model;
    model.ParseFromArray(mapped.bytes.data(), static_cast<int>(mapped.bytes.size()));
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  } catch (const std::exception& error) {
    throw Error(ErrorKind::Format,
                {.what = std::string("the ONNX checker refuses the file: ") + error.what(), .where = file.string()});
  }
}

}  // namespace espalier
