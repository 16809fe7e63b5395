#include "measure/flops.h"

#include "base/json.h"
#include "measure/cost.h"

namespace espalier {

FlopCount count_flops(const Model& model, int64_t sequence_length) {
  FlopCount count;
  count.macs = count_macs(model, sequence_length);
  for (const Slot& slot : slots_of(model.architecture)) {
    // A norm of the head sees the rows that the head sees; those of the stack and the embeddings see every token.
    if (slot.kind != SlotKind::NormWeight) continue;
    const int64_t rows =
        slot.part == Part::Head ? head_rows(model.architecture.head.kind, sequence_length) : sequence_length;
    count.norm += 2 * rows * num_elements(slot.shape);
  }
  for (const LayerSpec& layer : model.architecture.layers) {
    const int64_t scores = layer.attention.num_heads() * sequence_length * sequence_length;
    count.scale += scores;
    count.softmax += scores;
  }
  return count;
}

Json to_json(const FlopCount& count) {
  return {{"macs", count.macs},
          {"matmul_flops", count.matmul_flops()},
          {"elue_flops", count.elue_flops()},
          {"convention",
           "matmul_flops: 2 a multiply-accumulate, nothing else; elue_flops: with layer norm 2 an element, attention "
           "scale and softmax n^2 a head"}};
}

}  // namespace espalier
