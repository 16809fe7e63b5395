#include "compress/method.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "compress/weight_leaves.h"
#include "measure/cost.h"

namespace espalier {
namespace {

constexpr int64_t kReportLength = 128;  // tokens of the sequence whose multiply-accumulates a report states

std::string_view scope_name(Part part) { return to_string(part); }

bool has_examples(const EncodedDataset* dataset) { return dataset != nullptr && !dataset->examples.empty(); }

bool has_labels(const EncodedDataset* dataset, const Architecture& architecture) {
  if (architecture.head.kind == HeadKind::Regression) return true;
  return std::ranges::any_of(dataset->examples, [](const EncodedExample& example) { return example.label >= 0; });
}

void check_scope(const Model& model, const Scope& scope, std::vector<Issue>& issues) {
  const auto num_layers =
      static_cast<int32_t>(std::max(model.architecture.layers.size(), model.architecture.decoder.size()));
  for (const int32_t layer : scope.layers) {
    if (layer < 0 || layer >= num_layers) {
      issues.push_back({"scope", "Layer " + std::to_string(layer) + " does not exist; the model has layers 0 to " +
                                     std::to_string(num_layers - 1) + "."});
    }
  }
  for (const std::string& slot : scope.slots) {
    if (!model.weights.contains(slot)) {
      issues.push_back({"scope", "The model has no weight \"" + slot + "\"; choose one of its model tree."});
    }
  }
  static const std::set<std::string_view> known = {scope_name(Part::Embeddings),  scope_name(Part::Attention),
                                                   scope_name(Part::FeedForward), scope_name(Part::Pooler),
                                                   scope_name(Part::Head),        scope_name(Part::CrossAttention),
                                                   scope_name(Part::Recurrent)};
  for (const std::string& part : scope.parts) {
    if (known.contains(part)) continue;
    std::string names;
    for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    issues.push_back({"scope", "\"" + part + "\" is no part of a model; the parts are " + names + "."});
  }
}

std::string host_of(const Architecture& architecture) {
  if (architecture.is_recurrent()) return "recurrent";
  if (architecture.has_decoder()) return "encoder-decoder";
  return architecture.is_causal() ? "decoder" : "encoder";
}

void check_host(const MethodInfo& info, const Architecture& architecture, std::vector<Issue>& issues) {
  const std::string host = host_of(architecture);
  if (info.hosts.empty() || std::ranges::find(info.hosts, host) != info.hosts.end()) return;
  std::string known;
  for (const std::string& name : info.hosts) known += (known.empty() ? "" : ", ") + name;
  issues.push_back({"method", "This method works on models of the kinds " + known + "; this one is of the kind " +
                                  host + ". Choose another method or model."});
}

void check_order(const Model& model, const Needs& needs, std::vector<Issue>& issues) {
  if (!needs.retraining) return;
  for (const std::string& slot : model.weights.unique_slots()) {
    if (!is_frozen(model.weights.at(slot))) continue;
    issues.push_back({"epochs", "Training cannot change \"" + slot +
                                    "\": an earlier step froze it as integer codes. Move the step that quantizes "
                                    "behind this one, or set epochs to 0."});
    return;
  }
}

void check_needs(const Model& model, const Needs& needs, const Resources& resources, std::vector<Issue>& issues) {
  const bool wants_data = needs.calibration || needs.labels || needs.retraining;
  if (wants_data && !has_examples(resources.train)) {
    issues.push_back({"", std::string("This step needs ") + (needs.labels ? "labelled " : "") +
                              "training examples and there are none. Choose a task with a train split."});
  } else if (needs.labels && !has_labels(resources.train, model.architecture)) {
    issues.push_back({"", "This step needs labels and no training example has one. Choose a task with labels."});
  }
  if ((needs.labels || needs.retraining) && model.architecture.head.kind != HeadKind::Classification &&
      model.architecture.head.kind != HeadKind::Regression) {
    issues.push_back({"", "This step needs the loss of a task and the model's head is \"" +
                              std::string(to_string(model.architecture.head.kind)) +
                              "\". Fine-tune the model on the task first."});
  }
  if (!needs.teacher) return;
  if (resources.teacher == nullptr) {
    issues.push_back({"",
                      "This step needs a teacher and there is none. Run it in a recipe whose model is fine-tuned on "
                      "the task, or set alpha to 0."});
    return;
  }
  const Architecture& teacher = resources.teacher->architecture;
  if (teacher.head.kind != model.architecture.head.kind ||
      teacher.head.num_labels != model.architecture.head.num_labels) {
    issues.push_back({"", "The teacher's head gives " + std::to_string(teacher.head.num_labels) + " outputs (" +
                              std::string(to_string(teacher.head.kind)) + "), the model's " +
                              std::to_string(model.architecture.head.num_labels) + " (" +
                              std::string(to_string(model.architecture.head.kind)) + "); they must agree."});
  }
  if (teacher.embedding.vocab_size != model.architecture.embedding.vocab_size) {
    issues.push_back({"", "The teacher's vocabulary has " + std::to_string(teacher.embedding.vocab_size) +
                              " entries, the model's " + std::to_string(model.architecture.embedding.vocab_size) +
                              "; both must read the same tokens."});
  }
}

}  // namespace

Json to_json(const Needs& needs) {
  return {{"calibration", needs.calibration},
          {"labels", needs.labels},
          {"gradients", needs.gradients},
          {"teacher", needs.teacher},
          {"retraining", needs.retraining}};
}

Step Method::step_with(Json settings) const {
  Step step;
  step.method = info_.id;
  step.settings = std::move(settings);
  return step;
}

std::optional<Model> Method::masked_form(const Model&, const MethodResult&) const { return std::nullopt; }
double Method::extra_seconds(const Model&, const Step&) const { return 0; }

std::vector<Issue> check_step(const Method& method, const Model& model, const Step& step, const Resources* resources) {
  std::vector<Issue> issues = check_settings(method.settings(), step.settings);
  check_scope(model, step.scope, issues);
  check_host(method.info(), model.architecture, issues);
  // The rest reads settings and scope, which must be good for that.
  if (!issues.empty()) return issues;
  const Needs needs = method.needs(Settings(method.settings(), step.settings));
  check_order(model, needs, issues);
  const std::vector<Issue> own = method.check(model, step);
  issues.insert(issues.end(), own.begin(), own.end());
  if (resources != nullptr) check_needs(model, needs, *resources, issues);
  return issues;
}

void require_step(const Method& method, const Model& model, const Step& step, const Resources& resources) {
  const std::vector<Issue> issues = check_step(method, model, step, &resources);
  if (issues.empty()) return;
  std::string text;
  for (const Issue& issue : issues) {
    if (!text.empty()) text += " ";
    text += issue.key.empty() ? issue.message : issue.key + ": " + issue.message;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "the step cannot be done", .where = method.info().id, .got = text});
}

std::vector<Slot> slots_in_scope(const Architecture& architecture, const Scope& scope,
                                 const std::vector<SlotKind>& kinds) {
  const auto listed = [](const auto& list, const auto& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  std::vector<Slot> selected;
  for (Slot& slot : slots_of(architecture)) {
    if (std::ranges::find(kinds, slot.kind) == kinds.end()) continue;
    if (!listed(scope.slots, slot.name)) continue;
    if (!listed(scope.parts, std::string(scope_name(slot.part)))) continue;
    if (!scope.layers.empty() && (!slot.layer || !listed(scope.layers, slot.layer->value))) continue;
    selected.push_back(std::move(slot));
  }
  return selected;
}

int64_t weight_bytes(const Model& model) {
  int64_t bytes = 0;
  for (const std::string& slot : model.weights.unique_slots()) bytes += stored_bytes(model.weights.at(slot));
  return bytes;
}

void add_size_report(Json& report, const Model& before, const Model& after) {
  report["parameters_before"] = num_parameters(before);
  report["parameters"] = num_parameters(after);
  report["weight_bytes_before"] = weight_bytes(before);
  report["weight_bytes"] = weight_bytes(after);
  report["macs_before"] = count_macs(before, kReportLength);
  report["macs"] = count_macs(after, kReportLength);
}

}  // namespace espalier
