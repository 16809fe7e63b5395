#include "engine/pass_outputs.h"

namespace espalier {

PassOutputs reserve_outputs(const PreparedModel& model, const PreparedStack& stack, const EngineRequest& request,
                            const std::vector<SequenceSizes>& sequences, int64_t logit_rows) {
  PassOutputs outputs;
  int64_t tokens = 0;
  for (const SequenceSizes& one : sequences) tokens += one.tokens;
  if (model.head_out) outputs.logits.resize(static_cast<size_t>(logit_rows * model.head_out->linear->columns()));
  if (request.hidden_states) {
    const auto floats = static_cast<size_t>(tokens * model.architecture.hidden_size);
    outputs.hidden_states.assign(stack.layers.size() + 1, std::vector<float>(floats));
  }
  if (!request.attentions) return outputs;
  for (const PreparedLayer& layer : stack.layers) {
    auto& of_layer = outputs.attentions.emplace_back();
    auto& cross_of_layer = outputs.cross_attentions.emplace_back();
    for (const SequenceSizes& one : sequences) {
      of_layer.emplace_back(static_cast<size_t>(layer.attention.spec.num_heads() * one.tokens * one.keys));
      if (!layer.cross) continue;
      cross_of_layer.emplace_back(static_cast<size_t>(layer.cross->spec.num_heads() * one.tokens * one.memory));
    }
  }
  return outputs;
}

void take_layers(PassOutputs& from, const PreparedModel& model, const PreparedStack& stack, bool decoder,
                 const std::vector<SequenceSizes>& sequences, EngineOutput& output) {
  const int64_t hidden = model.architecture.hidden_size;
  auto& hidden_states = decoder ? output.decoder_hidden_states : output.hidden_states;
  auto& attentions = decoder ? output.decoder_attentions : output.attentions;
  for (std::vector<float>& state : from.hidden_states) {
    const auto tokens = static_cast<int64_t>(state.size()) / hidden;
    hidden_states.push_back(Tensor::from(Shape{tokens, hidden}, std::move(state)));
  }
  for (size_t l = 0; l < from.attentions.size(); ++l) {
    const PreparedLayer& layer = stack.layers[l];
    auto& of_layer = attentions.emplace_back();
    for (size_t b = 0; b < sequences.size(); ++b) {
      const Shape shape = {layer.attention.spec.num_heads(), sequences[b].tokens, sequences[b].keys};
      of_layer.push_back(Tensor::from(shape, std::move(from.attentions[l][b])));
    }
    if (!layer.cross) continue;
    auto& cross_of_layer = output.cross_attentions.emplace_back();
    for (size_t b = 0; b < sequences.size(); ++b) {
      const Shape shape = {layer.cross->spec.num_heads(), sequences[b].tokens, sequences[b].memory};
      cross_of_layer.push_back(Tensor::from(shape, std::move(from.cross_attentions[l][b])));
    }
  }
}

}  // namespace espalier
