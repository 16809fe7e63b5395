#include "text/encoding.h"

namespace espalier {

PackedBatch pack(std::span<const Encoding* const> encodings) {
  PackedBatch batch;
  size_t total = 0;
  for (const Encoding* encoding : encodings) total += encoding->size();
  batch.ids.reserve(total);
  batch.type_ids.reserve(total);
  batch.starts.reserve(encodings.size() + 1);
  batch.starts.push_back(0);
  for (const Encoding* encoding : encodings) {
    batch.ids.insert(batch.ids.end(), encoding->ids.begin(), encoding->ids.end());
    batch.type_ids.insert(batch.type_ids.end(), encoding->type_ids.begin(), encoding->type_ids.end());
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  return batch;
}

PackedBatch pack(const std::vector<Encoding>& encodings) {
  std::vector<const Encoding*> pointers;
  pointers.reserve(encodings.size());
  for (const Encoding& encoding : encodings) pointers.push_back(&encoding);
  return pack(pointers);
}

}  // namespace espalier
