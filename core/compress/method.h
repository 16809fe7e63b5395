#pragma once
// The seam between the workbench and every compression method. A method reads a Model and writes another.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "model/model.h"
#include "recipe/recipe.h"

namespace espalier {

struct MethodInfo {
  std::string id;                    // "prune.heads"
  std::string title;                 // "Attention heads (Michel 2019)"
  std::string family;                // "prune", "share", "factorize", "quantize", "distill"
  std::vector<std::string> anchors;  // sections of the method catalogue that it implements: "michel-heads"
  std::string paper;                 // authors, year, title, arXiv id
  std::string summary;               // one sentence
  std::vector<std::string> hosts;    // kinds of model it works on: "encoder"
  std::string page;                  // Markdown of the folder's README (filled by the registry)
};

// What a method cannot work without, for these settings.
struct Needs {
  bool calibration = false;  // examples, labels not used
  bool labels = false;       // labelled training examples
  bool gradients = false;
  bool teacher = false;  // the fine-tuned model as first opened
  bool retraining = false;
};
Json to_json(const Needs& needs);

// What is there to satisfy needs. Pointers may be null.
struct Resources {
  const Task* task = nullptr;
  const EncodedDataset* train = nullptr;
  const EncodedDataset* dev = nullptr;
  const Model* teacher = nullptr;
  std::string device = "cpu";
};

// Sizes before anything runs. Unknown members are -1.
struct Estimate {
  int64_t bundle_bytes = -1;
  int64_t parameters = -1;
  int64_t macs = -1;  // one example of 128 tokens
  double job_seconds = -1;
  int64_t peak_bytes = -1;
};

struct MethodResult {
  Model model;
  Json report = Json::object();  // "heads_removed", "sparsity", "train": {...}; field names carry units
};

class Method {
 public:
  virtual ~Method() = default;

  virtual const MethodInfo& info() const = 0;
  virtual const std::vector<Setting>& settings() const = 0;
  virtual Needs needs(const Settings& settings) const = 0;

  // Everything that makes the step impossible on this model, beyond the schema: indivisible heads, nothing in scope,
  // weights that are already frozen codes. Fast; reads shapes and forms, not values.
  virtual std::vector<Issue> check(const Model& model, const Step& step) const = 0;
  // A model of the right shapes and forms whose values do not matter, made without data: the dry run counts on it.
  // The default of an exact method may be apply itself when it is fast.
  virtual Model preview(const Model& model, const Step& step) const = 0;
  // Does it. Never changes `model`. Long work reports and looks for cancellation.
  virtual MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                             JobContext& context) const = 0;
};

// Every method of this program, in a stable order (families as above, then id).
std::span<const std::unique_ptr<Method>> methods();
// InvalidInput naming the nearest known id.
const Method& method(const std::string& id);

// Schema, needs and method-specific checks of one step, all issues at once. `resources` null: needs are not checked.
std::vector<Issue> check_step(const Model& model, const Step& step, const Resources* resources);
// The same for a whole recipe through previews: the step's number and its issues.
struct StepIssue {
  size_t step = 0;
  Issue issue;
};
std::vector<StepIssue> check_recipe(const Model& model, const Recipe& recipe, const Resources* resources);

// Sizes of the model after each enabled step (index 0: the baseline), without running anything.
std::vector<Estimate> estimate_recipe(const Model& model, const Recipe& recipe, const Resources* resources);

// The slots of the given kinds that a scope selects.
std::vector<Slot> slots_in_scope(const Architecture& architecture, const Scope& scope,
                                 const std::vector<SlotKind>& kinds);

}  // namespace espalier
