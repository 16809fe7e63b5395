#pragma once
// The seam between the workbench and every compression method. A method reads a Model and writes another.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "base/json.h"
#include "data/task.h"
#include "model/model.h"
#include "recipe/recipe.h"
#include "recipe/setting.h"

namespace espalier {

struct MethodInfo {
  std::string id;                    // "prune.heads"
  std::string title;                 // "Attention heads (Michel 2019)"
  std::string family;                // "prune", "share", "factorize", "quantize", "distill"
  std::vector<std::string> anchors;  // sections of the method catalogue that it implements: "michel-heads"
  std::string paper;                 // authors, year, title, arXiv id
  std::string summary;               // one sentence
  // Kinds of model it works on: "encoder", "decoder", "encoder-decoder" (Transformers), "recurrent"; none: all.
  std::vector<std::string> hosts;
  std::string page = {};  // Markdown of the folder's README (filled by the registry)
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
  // Where training inside the step leaves checkpoints and goes on from them; empty: nowhere.
  std::filesystem::path checkpoint_folder;
};

// Sizes before anything runs. Unknown members are -1.
struct Estimate {
  int64_t bundle_bytes = -1;
  int64_t parameters = -1;
  int64_t macs = -1;  // one example of 128 tokens
  double job_seconds = -1;
  int64_t peak_bytes = -1;
};

// Steps by which the universal invariants try a method on one model (compress/invariants.h).
struct Probe {
  Step identity;             // leaves every logit as it was
  Step typical;              // changes the model; deterministic from the seed
  std::vector<Step> series;  // each gives at most the bytes of the one before; the last fewer than the first
  Step unmet;                // cannot be done without resources, or not at all
};

struct MethodResult {
  Model model;
  // "heads_removed", "sparsity", "train": {...}; field names carry units. Every report has the members of
  // add_size_report, which anyone can compute again from the saved model.
  Json report = Json::object();
};

// Unchangeable once it is in the registry: any thread may use it.
class Method {
 public:
  virtual ~Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  const MethodInfo& info() const { return info_; }
  const std::vector<Setting>& settings() const { return settings_; }
  // The registry's; nobody else calls it.
  void set_page(std::string page) { info_.page = std::move(page); }

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

  // Settings by which this method is tried on `model`, a classifier with at least two layers, heads and units.
  virtual Probe probe(const Model& model) const = 0;
  // `model` with zeros where `result`, made from it without training, has nothing any more; empty for a method that
  // removes nothing. The two compute the same.
  virtual std::optional<Model> masked_form(const Model& model, const MethodResult& result) const;
  // Rough seconds of apply beyond retraining and importance, which needs() tells; for the dry run.
  virtual double extra_seconds(const Model& model, const Step& step) const;

 protected:
  Method(MethodInfo info, std::vector<Setting> settings) : info_(std::move(info)), settings_(std::move(settings)) {}
  // The step's settings with defaults filled in; only after check_settings found nothing.
  Settings settings_of(const Step& step) const { return Settings(settings_, step.settings); }
  // A step of this method with these settings, no scope.
  Step step_with(Json settings) const;

 private:
  MethodInfo info_;
  std::vector<Setting> settings_;
};

// Every method of this program, in a stable order (families as above, then id). Any thread.
std::span<const std::unique_ptr<Method>> methods();
// InvalidInput naming the nearest known id.
const Method& method(const std::string& id);

// Schema, method-specific checks, order of steps and needs: all issues at once. `resources` null: needs are not
// checked.
std::vector<Issue> check_step(const Method& method, const Model& model, const Step& step, const Resources* resources);
// The same by the step's own method; an unknown method is an issue of key "method".
std::vector<Issue> check_step(const Model& model, const Step& step, const Resources* resources);
// The same as an exception: InvalidInput that lists every issue. First thing in every apply.
void require_step(const Method& method, const Model& model, const Step& step, const Resources& resources);

// One issue of a recipe: the step's position (switched-off steps counted) and what is wrong.
struct StepIssue {
  size_t step = 0;
  Issue issue;
};
// Of every enabled step, each on the preview of the steps before it.
std::vector<StepIssue> check_recipe(const Model& model, const Recipe& recipe, const Resources* resources);

// Sizes of the model after each enabled step (index 0: the baseline), without running anything. A step with issues
// has unknown sizes and is passed over.
std::vector<Estimate> estimate_recipe(const Model& model, const Recipe& recipe, const Resources* resources);

// The slots of the given kinds that a scope selects.
std::vector<Slot> slots_in_scope(const Architecture& architecture, const Scope& scope,
                                 const std::vector<SlotKind>& kinds);

// Bytes of the stored forms of every weight, each once.
int64_t weight_bytes(const Model& model);
// Adds "parameters", "weight_bytes" and "macs" (one sequence of 128 tokens) of `after`, and of `before` as
// "parameters_before", ...
void add_size_report(Json& report, const Model& before, const Model& after);

}  // namespace espalier
