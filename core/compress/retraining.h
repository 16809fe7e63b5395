#pragma once
// Fine-tuning at the end of a step, the same for every method that offers it.

#include "compress/method.h"
#include "recipe/setting.h"

namespace espalier {

// True when the settings (with those of retrain_settings among them) ask for any training.
bool wants_retraining(const Settings& settings);

// Who else than the labels is learnt from: (1 - alpha) CE + alpha T^2 KL(teacher || student).
struct Teaching {
  const Model* teacher = nullptr;
  double alpha = 0;
  double temperature = 1;
};

// Fine-tunes `model` as the settings say and writes the training's report into report["train"]; gives `model` back when
// they ask for none. Masks stay; codes are never reached (check_step refuses them).
Model retrain(const Model& model, const Settings& settings, const Resources& resources, uint64_t seed,
              JobContext& context, Json& report, const Teaching& teaching = {});

// The forms that `model` has after training: floats become float32.
Model preview_retrained(const Model& model);

// Rough seconds of that training on this machine's processor; -1 when the number of examples is not known.
double retraining_seconds(const Model& model, const Settings& settings, const Resources* resources);
// Bytes that training holds beside the model: gradients, optimizer moments, activations.
int64_t retraining_bytes(const Model& model, const Settings& settings);
// Rough seconds of one pass with gradients over the first `examples` training examples.
double gradient_seconds(const Model& model, int64_t examples, const Resources* resources);

}  // namespace espalier
