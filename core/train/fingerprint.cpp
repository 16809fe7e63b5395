#include "train/fingerprint.h"

#include <cstring>

namespace espalier {
namespace {

// FNV-1a over 8-byte words: against mix-ups, not against forgery.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      add(word);
    }
    for (; i < bytes.size(); ++i) add(static_cast<uint64_t>(bytes[i]));
    add(static_cast<uint64_t>(bytes.size()));
  }
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }
  void add(uint64_t word) {
    state_ = (state_ ^ word) * 0x100000001b3ULL;
    state_ ^= state_ >> 29;  // FNV alone never carries high bits down
  }
  std::string text() const { return std::to_string(state_); }

 private:
  uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add_weight(Hash& hash, const Weight& weight) {
  hash.add(describe(weight));
  if (const auto* dense = weight.as<Dense>()) hash.add(dense->values.bytes());
  if (const auto* masked = weight.as<Masked>()) {
    hash.add(masked->values.bytes());
    hash.add(masked->mask.bytes());
  }
  if (const auto* factors = weight.as<LowRank>()) {
    add_weight(hash, *factors->left);
    add_weight(hash, *factors->right);
  }
  if (const auto* quantized = weight.as<Quantized>()) {
    hash.add(quantized->codes.bytes());
    hash.add(quantized->scales.bytes());
  }
}

void add_model(Hash& hash, const Model& model) {
  hash.add(to_json(model.architecture).dump());
  for (const std::string& slot : model.weights.slots()) {
    hash.add(slot);
    hash.add(model.weights.slots_of(model.weights.handle(slot)).front());
  }
  for (const std::string& slot : model.weights.unique_slots()) add_weight(hash, model.weights.at(slot));
}

void add_data(Hash& hash, const EncodedDataset& data) {
  hash.add(data.examples.size());
  for (const EncodedExample& example : data.examples) {
    hash.add(std::as_bytes(std::span(example.encoding.ids)));
    hash.add(std::as_bytes(std::span(example.encoding.type_ids)));
    hash.add(static_cast<uint64_t>(example.label));
    hash.add(std::as_bytes(std::span(&example.score, 1)));
  }
}

}  // namespace

std::string training_fingerprint(const Model& model, const EncodedDataset& train, const EncodedDataset& dev,
                                 const TrainOptions& options) {
  const Json values = {{"epochs", options.epochs},
                       {"max_steps", options.max_steps},
                       {"batch_size", options.batch_size},
                       {"learning_rate", options.learning_rate},
                       {"warmup_frac", options.warmup_frac},
                       {"weight_decay", options.weight_decay},
                       {"decay_all", options.decay_all},
                       {"adam", {options.adam_beta1, options.adam_beta2, options.adam_epsilon}},
                       {"clip_norm", options.clip_norm},
                       {"dropout", options.dropout},
                       {"evaluations_per_epoch", options.evaluations_per_epoch},
                       {"patience", options.patience},
                       {"keep_best", options.keep_best},
                       {"seed", options.seed},
                       {"device", options.device},
                       {"teacher", options.teacher != nullptr},
                       {"distill", {options.distill_alpha, options.distill_temperature}}};
  Hash hash;
  hash.add(values.dump());
  add_model(hash, model);
  if (options.teacher != nullptr) add_model(hash, *options.teacher);
  add_data(hash, train);
  add_data(hash, dev);
  return hash.text();
}

}  // namespace espalier
