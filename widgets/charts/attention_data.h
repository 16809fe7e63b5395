#pragma once
#include <QString>
#include <QStringList>
#include <memory>
#include <vector>

#include "base/index.h"
#include "base/tensor.h"

namespace espalier {

// Attention of every head on one sentence.
struct AttentionData {
  QStringList tokens;                         // n
  std::vector<bool> special;                  // n: [CLS], [SEP], padding
  std::vector<Tensor> layers;                 // one a layer: (heads kept, n, n) F32, rows sum to 1
  std::vector<std::vector<HeadIndex>> heads;  // their numbers in the model as first opened; empty: 0, 1, 2, ...
  int headColumns = 0;                        // heads a layer had when opened; 0: the most found

  int64_t size() const { return tokens.size(); }
  int layerCount() const { return static_cast<int>(layers.size()); }
  int columnCount() const;
  // Position of a head in its layer's tensor, -1 when it was removed.
  int rowOf(LayerIndex layer, HeadIndex head) const;
  // Weight from token `from` (the query) to token `to` (the key).
  float weight(LayerIndex layer, int row, int64_t from, int64_t to) const;
  // Positions of all tokens, or of those that are not special.
  std::vector<int> tokensShown(bool hideSpecial) const;
};

using AttentionPtr = std::shared_ptr<const AttentionData>;

}  // namespace espalier
