#pragma once
#include <vector>

#include "base/tensor.h"

namespace espalier::test {

inline Tensor logits_of(const std::vector<std::vector<float>>& rows) {
  std::vector<float> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return Tensor::from({static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.front().size())}, values);
}

}  // namespace espalier::test
