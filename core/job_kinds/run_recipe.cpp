// Runs a recipe: baseline, then step by step, each stored under the hash of all that it depends on and then measured as
// stored. A step that an earlier run has finished is taken from there.
#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "base/error.h"
#include "base/version.h"
#include "compress/method.h"
#include "formats/safetensors.h"
#include "job_kinds/front.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/ledger.h"
#include "job_kinds/notes.h"
#include "job_kinds/quality/measure.h"
#include "job_kinds/row.h"
#include "job_kinds/step_hash.h"
#include "workspace/workspace.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// Shares of a step's part of the progress bar.
constexpr double kApplyShare = 0.8;
// Of the whole bar: opening, the baseline and its measures.
constexpr double kBaselineShare = 0.05;
// Of a step's measures: not part of its row.
constexpr const char* kPlanMember = "engine_plan";

void throw_issues(const std::vector<StepIssue>& issues, const Recipe& recipe) {
  if (issues.empty()) return;
  std::string all;
  for (const StepIssue& found : issues) {
    all += "\n  step " + std::to_string(found.step + 1) + " (" + recipe.steps.at(found.step).method + ")" +
           (found.issue.key.empty() ? "" : ", " + found.issue.key) + ": " + found.issue.message;
  }
  throw Error(ErrorKind::InvalidInput, "the recipe cannot be run:" + all);
}

bool needs_training_data(const Recipe& recipe) {
  for (const Step& step : recipe.steps) {
    if (!step.enabled) continue;
    const Method& chosen = method(step.method);
    const Needs needs = chosen.needs(Settings(chosen.settings(), step.settings));
    if (needs.calibration || needs.labels || needs.gradients || needs.retraining) return true;
  }
  return false;
}

// A model of the run with what it was measured as.
struct Made {
  StepRecord record;
  Model model;
  std::vector<PlanEntry> plan;  // empty where the engine does not run it
  Json row;
};

class RecipeRun {
 public:
  RecipeRun(const JobSpec& spec, JobContext& context)
      : context_(context),
        recipe_(recipe_from_json(json_get<Json>(spec.settings, "recipe", kSettingsOf), "recipe")),
        wanted_(measures_from(recipe_.measure)),
        energy_(energy_conditions(spec.settings)),
        fresh_(json_get_or(spec.settings, "no_cache", false, kSettingsOf)),
        name_(json_get_or(spec.settings, "name", recipe_.name, kSettingsOf)),
        workspace_(json_get_or(spec.settings, "workspace", std::string(), kSettingsOf)),
        source_(open_job_model(recipe_.model)),
        max_length_(job_max_length(spec.settings, source_)),
        quality_(quality_settings(spec.settings, source_)),
        task_(open_job_task(recipe_.task, source_)) {}

  Json run() {
    context_.progress.set_stage("opening model and task");
    throw_issues(check_recipe(source_, recipe_, nullptr), recipe_);
    load_data();
    throw_issues(check_recipe(source_, recipe_, &resources_), recipe_);
    id_ = workspace_.create_run(recipe_, name_);
    context_.result({{"kind", "run"}, {"run", id_}});
    try {
      make_all();
    } catch (const Cancelled&) {
      workspace_.finish_run(id_, "cancelled");
      throw;
    } catch (...) {
      workspace_.finish_run(id_, "failed", current_error_info().message);
      throw;
    }
    workspace_.finish_run(id_, "done");
    context_.progress.report(1);
    Json front = Json::array();
    for (const size_t row : pareto_front(rows_)) front.push_back(row);
    return {{"run", id_}, {"rows", rows_}, {"front", front}, {"workspace", workspace_.folder().string()}};
  }

 private:
  void load_data() {
    const std::string split = evaluation_split(task_, "");
    std::vector<std::string> used = {split};
    if (has_split(task_, "train")) used.emplace_back("train");
    data_ = data_identity(task_, used);
    dev_ = open_quality(task_, source_, quality_, context_);
    if (!dev_->conditions().empty()) data_ = sha256(data_ + dev_->conditions());
    resources_.task = &task_;
    resources_.dev = dev_->encoded();
    resources_.teacher = &source_;
    resources_.device = recipe_.device;
    if (gives_labelled_texts(task_) && has_split(task_, "train") && needs_training_data(recipe_)) {
      context_.progress.set_stage("reading training data");
      train_ = load_job_split(task_, "train", source_, max_length_, 0, context_);
      resources_.train = &train_->encoded;
    }
  }

  void make_all() {
    std::vector<Step> steps;
    for (const Step& step : recipe_.steps) {
      if (step.enabled) steps.push_back(with_defaults(step));
    }
    Made current = make_baseline();
    const double share = (1 - kBaselineShare) / static_cast<double>(std::max<size_t>(1, steps.size()));
    for (size_t i = 0; i < steps.size(); ++i) {
      const double begin = kBaselineShare + share * static_cast<double>(i);
      JobContext part = context_.slice(begin, begin + share);
      current = make_step(std::move(current), steps[i], i + 1, steps.size(), part);
    }
  }

  Made make_baseline() {
    JobContext part = context_.slice(0, kBaselineShare);
    part.progress.set_stage("baseline");
    Model model = materialized(source_);
    Made made;
    made.record.hash = baseline_hash(model, data_, max_length_);
    const bool cached = take_or_store(
        made.record, [&] { return std::move(model); }, made.model);
    reference_.model = made.model;
    resources_.teacher = &reference_.model;
    if (wanted_.latency) {
      reference_.runtime = std::make_unique<Runtime>(made.model, row_latency_options(made.model).threads);
    }
    if (wanted_.quality || wanted_.loyalty) reference_outputs_ = reference_outputs(made, part);
    measure(made, nullptr, 0, cached, part);
    return made;
  }

  // What the baseline says of the split; logits come from the cache of an earlier run where there is one.
  Outputs reference_outputs(const Made& baseline, JobContext& context) {
    const auto run = [&] { return dev_->run(*make_runner(baseline.model), context); };
    if (dev_->encoded() == nullptr) return run();
    const fs::path file = workspace_.cache_file(baseline.record.hash, data_.substr(0, 16) + ".logits.safetensors");
    const Shape shape = {static_cast<int64_t>(dev_->encoded()->examples.size()),
                         baseline.model.architecture.head.num_labels};
    if (!fresh_ && fs::exists(file)) {
      try {
        const TensorFile cached = read_safetensors(file);
        if (cached.tensors.contains("logits") && cached.tensors.at("logits").shape() == shape) {
          return cached.tensors.at("logits");
        }
      } catch (const Error& error) {
        context.log(std::string("The stored logits of the baseline are made again: ") + error.what());
      }
    }
    const Outputs outputs = run();
    TensorFile content;
    content.tensors["logits"] = std::get<Tensor>(outputs);
    write_safetensors(file, content);
    return outputs;
  }

  Made make_step(Made before, const Step& step, size_t index, size_t count, JobContext& context) {
    const std::string stage = "step " + std::to_string(index) + "/" + std::to_string(count) + ": " + step.method;
    context.progress.set_stage(stage);
    Made made;
    made.record.hash = step_hash(before.record.hash, step, data_, max_length_, recipe_.seed, recipe_.device);
    made.record.parent = before.record.hash;
    made.record.step = step;
    const bool cached = take_or_store(
        made.record,
        [&] {
          const auto begin = std::chrono::steady_clock::now();
          JobContext part = context.slice(0, kApplyShare);
          Resources resources = resources_;
          if (!fresh_) resources.checkpoint_folder = workspace_.checkpoint_folder(made.record.hash);
          MethodResult result = method(step.method).apply(before.model, step, resources, recipe_.seed, part);
          made.record.report = std::move(result.report);
          made.record.measures["seconds"] =
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
          Json done = to_json(step);
          done["seed"] = recipe_.seed;
          done["code_version"] = kCodeVersion;
          (*result.model.provenance)["steps"].push_back(done);
          return std::move(result.model);
        },
        made.model);
    JobContext part = context.slice(kApplyShare, 1);
    part.progress.set_stage("measuring after " + step.method);
    measure(made, &before, index, cached, part);
    return made;
  }

  // Takes the step of that hash from the workspace, or makes and stores it. True when it was there.
  bool take_or_store(StepRecord& record, const std::function<Model()>& make, Model& model) {
    std::optional<StepRecord> found;
    if (!fresh_) found = workspace_.find_step(record.hash);
    const bool cached = found.has_value();
    if (found) {
      record = std::move(*found);
    } else {
      const Model made = make();
      record = workspace_.store_step(record, made, context_.cancel);
    }
    workspace_.append_step(id_, record.hash);
    // What is measured, and worked on further, is what lies on the disk.
    model = open_model(record.bundle);
    return cached;
  }

  void measure(Made& made, const Made* before, size_t index, bool cached, JobContext& context) {
    Json& measured = made.record.measures;
    add_costs(measured, made.model, bundle_bytes(made.record.bundle), wanted_);
    const bool is_baseline = before == nullptr;
    const bool lacks_own = dev_->lacks_quality(measured, wanted_);
    if (lacks_own || (!is_baseline && dev_->lacks_comparison(measured, wanted_))) {
      const Outputs outputs = is_baseline ? reference_outputs_ : dev_->run(*make_runner(made.model), context);
      if (wanted_.quality) dev_->add_quality(measured, outputs);
      if (!is_baseline) dev_->add_comparison(measured, outputs, reference_outputs_, wanted_);
    }
    if (wanted_.latency && !may_reuse_latency(measured, made.model)) {
      add_latency(measured, made.model, is_baseline ? nullptr : &reference_, {}, context.cancel);
    }
    if (wanted_.energy) add_energy(measured, made.model, energy_, context.cancel);
    add_plan(made);
    workspace_.set_measures(made.record.hash, measured);

    Json& row = made.row;
    row = measured;
    row.erase(kPlanMember);
    row["step"] = index;
    row["method"] = made.record.step.method;
    row["methods"] = is_baseline ? Json::array() : before->row.at("methods");
    if (!is_baseline) row["methods"].push_back(made.record.step.method);
    row["settings"] = made.record.step.settings;
    row["hash"] = made.record.hash;
    row["parent"] = made.record.parent;
    row["bundle"] = made.record.bundle.string();
    row["cached"] = cached;
    row["report"] = made.record.report;
    row["warnings"] = warnings(is_baseline);
    if (is_baseline) {
      row["notes"] = runtime_notes(made.model.architecture);
    } else {
      const std::vector<LedgerLine> ledger = ledger_of(made.plan, before->plan, made.model);
      row["ledger"] = ledger_json(ledger);
      row["notes"] = notes_on(row, before->row, made.model, ledger);
    }
    rows_.push_back(row);
    context_.result({{"kind", "row"}, {"run", id_}, {"index", index}, {"row", row}});
  }

  // The engine's plan, from the workspace where this processor has made it before.
  void add_plan(Made& made) {
    if (!engine_runs(made.model.architecture)) return;
    Json& measured = made.record.measures;
    std::optional<std::vector<PlanEntry>> known;
    if (measured.contains(kPlanMember)) known = plan_from_json(measured.at(kPlanMember));
    made.plan = known ? std::move(*known) : Engine(made.model, {.threads = 1}).plan();
    measured[kPlanMember] = plan_json(made.plan);
    int64_t resident = 0;
    for (const PlanEntry& entry : made.plan) resident += entry.resident_bytes;
    measured["resident_bytes"] = resident;
  }

  std::vector<std::string> warnings(bool is_baseline) const {
    if (!is_baseline) return {};
    std::vector<std::string> all = dev_->warnings();
    if (train_) all.insert(all.end(), train_->warnings.begin(), train_->warnings.end());
    return all;
  }

  JobContext& context_;
  const Recipe recipe_;
  const Measures wanted_;
  const EnergyConditions energy_;
  const bool fresh_;
  const std::string name_;
  Workspace workspace_;
  const Model source_;
  const int64_t max_length_;
  const QualitySettings quality_;
  const Task task_;
  std::string data_;
  std::unique_ptr<QualityMeasure> dev_;
  std::optional<LoadedSplit> train_;
  Resources resources_;
  Reference reference_;
  Outputs reference_outputs_;  // empty when neither quality nor loyalty is wanted
  std::vector<Json> rows_;
  int64_t id_ = 0;
};

}  // namespace

Json run_recipe_job(const JobSpec& spec, JobContext& context) { return RecipeRun(spec, context).run(); }

}  // namespace espalier
