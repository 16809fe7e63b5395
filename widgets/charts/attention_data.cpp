#include "widgets/charts/attention_data.h"

#include <algorithm>

namespace espalier {

int AttentionData::columnCount() const {
  int most = headColumns;
  for (size_t l = 0; l < layers.size(); ++l) {
    if (l < heads.size() && !heads[l].empty()) {
      most = std::max(most, std::max_element(heads[l].begin(), heads[l].end())->value + 1);
    } else {
      most = std::max(most, static_cast<int>(layers[l].size(0)));
    }
  }
  return most;
}

int AttentionData::rowOf(LayerIndex layer, HeadIndex head) const {
  if (layer.value < 0 || layer.value >= layerCount()) return -1;
  const auto l = static_cast<size_t>(layer.value);
  if (l >= heads.size() || heads[l].empty()) return head.value < layers[l].size(0) ? head.value : -1;
  const auto found = std::find(heads[l].begin(), heads[l].end(), head);
  return found == heads[l].end() ? -1 : static_cast<int>(found - heads[l].begin());
}

float AttentionData::weight(LayerIndex layer, int row, int64_t from, int64_t to) const {
  const Tensor& tensor = layers[static_cast<size_t>(layer.value)];
  return tensor.values<float>()[static_cast<size_t>((row * size() + from) * size() + to)];
}

std::vector<int> AttentionData::tokensShown(bool hideSpecial) const {
  std::vector<int> shown;
  for (int i = 0; i < static_cast<int>(size()); ++i) {
    const auto at = static_cast<size_t>(i);
    if (!hideSpecial || at >= special.size() || !special[at]) shown.push_back(i);
  }
  return shown;
}

}  // namespace espalier
