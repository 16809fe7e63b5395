// A student of fewer layers learns from the fine-tuned model's softened outputs. Hinton, Vinyals, Dean 2015,
// "Distilling the Knowledge in a Neural Network", arXiv 1503.02531: L = (1 - alpha) CE(y, p_s) + alpha T^2 KL(p_t(T) ||
// p_s(T)). The student starts from evenly spaced layers (Sanh 2019, arXiv 1910.01108) or the first ones (Sun 2019).

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "compress/retraining.h"
#include "compress/surgery.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

MethodInfo make_info() {
  return {
      .id = "distill.kd",
      .title = "Distillation into fewer layers (Hinton 2015)",
      .family = "distill",
      .anchors = {"hinton-kd"},
      .paper = "Hinton, Vinyals, Dean 2015, Distilling the Knowledge in a Neural Network, arXiv 1503.02531",
      .summary = "Trains a student of fewer layers to give the same softened probabilities as the fine-tuned model.",
      .hosts = {"encoder"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back(
      {.key = "num_layers",
       .type = SettingType::Integer,
       .default_value = 0,
       .label = "Layers of the student",
       .help = "0 stands for half of the layers, rounded up. All layers is allowed: the model then only learns "
               "from the teacher.",
       .unit = "layers",
       .minimum = 0,
       .maximum = 1000,
       .step = 1});
  settings.push_back({.key = "init",
                      .type = SettingType::Choice,
                      .default_value = "spaced",
                      .label = "Start from",
                      .help = "Which layers of the model the student starts from.",
                      .choices = {{"spaced", "evenly spaced layers"}, {"first", "the first layers"}}});
  settings.push_back({.key = "alpha",
                      .type = SettingType::Real,
                      .default_value = 0.5,
                      .label = "Weight of the teacher",
                      .help = "1 learns from the teacher only, 0 from the labels only.",
                      .minimum = 0,
                      .maximum = 1,
                      .step = 0.1});
  settings.push_back(
      {.key = "temperature",
       .type = SettingType::Real,
       .default_value = 2.0,
       .label = "Temperature",
       .help = "Divides the logits of both before the softmax; higher shows more of the teacher's doubts.",
       .minimum = 0.1,
       .maximum = 1000,
       .step = 0.5});
  for (Setting& setting : retrain_settings(3)) settings.push_back(std::move(setting));
  return settings;
}

int64_t student_layers(const Model& model, const Settings& settings) {
  const auto present = static_cast<int64_t>(model.architecture.layers.size());
  const int64_t wanted = settings.integer("num_layers");
  return wanted == 0 ? (present + 1) / 2 : wanted;
}

// `count` of `present` layers: the first, or evenly spaced with first and last among them (0 2 4 7 9 11 of 12).
std::vector<LayerIndex> initial_layers(int64_t present, int64_t count, bool spaced) {
  std::vector<LayerIndex> layers;
  for (int64_t i = 0; i < count; ++i) {
    const double position = count == 1 ? 0.0 : static_cast<double>(i * (present - 1)) / static_cast<double>(count - 1);
    layers.emplace_back(spaced ? static_cast<int64_t>(std::lround(position)) : i);
  }
  return layers;
}

Model initial_student(const Model& model, const Settings& settings) {
  const auto present = static_cast<int64_t>(model.architecture.layers.size());
  const int64_t count = student_layers(model, settings);
  if (count == present) return model;
  return keep_layers(model, initial_layers(present, count, settings.text("init") == "spaced"));
}

class Distillation final : public Method {
 public:
  Distillation() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    const bool trains = wants_retraining(settings);
    return {.calibration = trains,
            .labels = trains && settings.real("alpha") < 1,
            .gradients = trains,
            .teacher = trains && settings.real("alpha") > 0,
            .retraining = trains};
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    const int64_t count = student_layers(model, settings_of(step));
    if (count <= present) return {};
    return {{"num_layers", std::to_string(count) + " layers are wanted and the model has " + std::to_string(present) +
                               "; a student cannot be deeper than what it starts from."}};
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    Model student = initial_student(model, settings);
    return wants_retraining(settings) ? preview_retrained(student) : student;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.cancel.throw_if_cancelled();
    const Settings settings = settings_of(step);
    context.progress.set_stage("distil");
    MethodResult result;
    const Model student = initial_student(model, settings);
    Teaching teaching;
    if (settings.real("alpha") > 0)
      teaching = {resources.teacher, settings.real("alpha"), settings.real("temperature")};
    result.model = retrain(student, settings, resources, seed, context, result.report, teaching);
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    Json sources = Json::array();
    for (const LayerIndex layer :
         initial_layers(present, student_layers(model, settings), settings.text("init") == "spaced")) {
      sources.push_back(layer.value);
    }
    result.report["layers_before"] = present;
    result.report["layers"] = result.model.architecture.layers.size();
    result.report["initial_layers"] = std::move(sources);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model& model) const override {
    const auto present = static_cast<int64_t>(model.architecture.layers.size());
    return {.identity = step_with({{"num_layers", present}, {"epochs", 0.0}}),
            .typical = step_with({{"epochs", 1.0}}),
            .series = {step_with({{"num_layers", present}, {"epochs", 0.0}}), step_with({{"epochs", 0.0}}),
                       step_with({{"num_layers", 1}, {"epochs", 0.0}})},
            .unmet = step_with({{"epochs", 1.0}})};
  }
};

}  // namespace

std::unique_ptr<Method> make_distill_kd() { return std::make_unique<Distillation>(); }

}  // namespace espalier
