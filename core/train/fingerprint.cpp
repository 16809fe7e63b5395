#include "train/fingerprint.h"

#include <cstring>

#include "base/json.h"
#include "train/objective.h"

namespace espalier {
void Fingerprint::add(std::span<const std::byte> bytes) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    add(word);
  }
  for (; i < bytes.size(); ++i) add(static_cast<uint64_t>(bytes[i]));
  add(static_cast<uint64_t>(bytes.size()));
}

void Fingerprint::add(uint64_t word) {
  state_ = (state_ ^ word) * 0x100000001b3ULL;
  state_ ^= state_ >> 29;  // FNV alone never carries high bits down
}

void Fingerprint::add(const Encoding& encoding) {
  add(std::as_bytes(std::span(encoding.ids)));
  add(std::as_bytes(std::span(encoding.type_ids)));
}

namespace {

void add_weight(Fingerprint& hash, const Weight& weight) {
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

void add_model(Fingerprint& hash, const Model& model) {
  hash.add(to_json(model.architecture).dump());
  for (const std::string& slot : model.weights.slots()) {
    hash.add(slot);
    hash.add(model.weights.slots_of(model.weights.handle(slot)).front());
  }
  for (const std::string& slot : model.weights.unique_slots()) add_weight(hash, model.weights.at(slot));
}

}  // namespace

std::string training_fingerprint(const Model& model, const Objective& objective, const TrainOptions& options) {
  const Json values = {{"epochs", options.epochs},
                       {"max_steps", options.max_steps},
                       {"batch_size", options.batch_size},
                       {"learning_rate", options.learning_rate},
                       {"warmup_frac", options.warmup_frac},
                       {"warmup_steps", options.warmup_steps},
                       {"schedule", to_string(options.schedule)},
                       {"label_smoothing", options.label_smoothing},
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
  Fingerprint hash;
  hash.add(values.dump());
  add_model(hash, model);
  if (options.teacher != nullptr) add_model(hash, *options.teacher);
  objective.add_to(hash);
  return hash.text();
}

}  // namespace espalier
