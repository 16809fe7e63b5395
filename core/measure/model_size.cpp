#include "measure/model_size.h"

namespace espalier {

ModelSize size_of_model(const Model& model) {
  ModelSize size;
  for (const std::string& slot : model.weights.unique_slots()) {
    size.stored_parameters += num_parameters(model.weight(slot));
    size.stored_bytes += stored_bytes(model.weight(slot));
  }
  for (const std::string& slot : model.weights.slots()) {
    size.logical_parameters += num_elements(shape_of(model.weight(slot)));
  }
  size.logical_bytes = size.logical_parameters * static_cast<int64_t>(sizeof(float));
  return size;
}

int64_t csr_bytes(int64_t rows, int64_t nonzeros, const CsrLayout& layout) {
  return nonzeros * (layout.value_bytes + layout.index_bytes) + (rows + 1) * layout.pointer_bytes;
}

}  // namespace espalier
