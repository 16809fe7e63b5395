#pragma once
// The small-scale fixture: 4 layers, width 32, 4 heads, 64 units, 200 tokens; a task made in code (which of two tokens
// is more frequent), so that a minute's work of two cores is enough for every test.

#include "base/job_context.h"
#include "compress/method.h"
#include "data/task.h"
#include "engine/engine.h"
#include "model/model.h"

namespace espalier::test {

Architecture small_architecture();
// Sequences of 6 to 16 tokens; the label says whether token 10 or token 11 is more frequent.
EncodedDataset majority_task(size_t examples, uint64_t seed);
// Trained on majority_task for a moment, made once a program: far from chance and from certainty.
const Model& small_model();
const EncodedDataset& small_train();
const EncodedDataset& small_dev();
Resources small_resources();

Tensor engine_logits(const Model& model, size_t examples = 32);
double largest_difference(const Tensor& a, const Tensor& b);
// Dense float32 values of a slot.
std::vector<float> values_of(const Model& model, const std::string& slot);
Weight dense(Shape shape, std::vector<float> values);
std::vector<float> normal_values(size_t count, uint64_t seed);

Step step_of(const std::string& method, Json settings);
// Applies a step that must succeed, with small_resources.
MethodResult apply_step(const Model& model, const Step& step, uint64_t seed = 1);
// All issues as one text.
std::string issues_of(const Model& model, const Step& step);

}  // namespace espalier::test
