#pragma once
#include "model/model.h"

namespace espalier {

// Scalars and bytes of a model's weights (methods: params-model-size). Stored: what its forms hold, each weight once
// however many places share it: values at their width, packed codes, scales, masks. Logical: what the same function
// needs with every place dense float32 on its own. JSON, names and alignment of the file are in neither;
// predicted_bundle_bytes() has them.
struct ModelSize {
  int64_t stored_parameters = 0;
  int64_t stored_bytes = 0;
  int64_t logical_parameters = 0;
  int64_t logical_bytes = 0;
};
ModelSize size_of_model(const Model& model);

// Compressed sparse rows: a value and a column index a non-zero, and rows + 1 row pointers.
struct CsrLayout {
  int64_t value_bytes = 4;
  int64_t index_bytes = 4;
  int64_t pointer_bytes = 4;
};
int64_t csr_bytes(int64_t rows, int64_t nonzeros, const CsrLayout& layout = {});

}  // namespace espalier
