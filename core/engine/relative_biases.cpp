#include "engine/relative_biases.h"

#include "model/positions.h"

namespace espalier {

std::vector<std::vector<float>> relative_biases(const PreparedStack& stack, int64_t longest) {
  std::vector<std::vector<float>> biases(stack.layers.size());
  std::vector<int64_t> buckets;
  const AttentionSpec* known = nullptr;
  for (size_t l = 0; l < stack.layers.size(); ++l) {
    const PreparedAttention& attention = stack.layers[l].attention;
    if (!attention.spec.relative) continue;
    const RelativeBiasSpec& spec = *attention.spec.relative;
    if (known == nullptr || known->relative != attention.spec.relative || known->causal != attention.spec.causal) {
      buckets.clear();
      for (int64_t d = 1 - longest; d < longest; ++d) {
        buckets.push_back(relative_bucket(spec, attention.spec.causal, d));
      }
      known = &attention.spec;
    }
    for (const HeadIndex head : attention.spec.heads) {
      for (const int64_t bucket : buckets) {
        biases[l].push_back(attention.relative_bias[static_cast<size_t>(bucket * spec.heads + head.value)]);
      }
    }
  }
  return biases;
}

}  // namespace espalier
