#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "formats/digest.h"
#include "model/model.h"
#include "recipe/recipe.h"

namespace espalier {

// A step that was finished: the model after it and what was measured. Steps form a tree through `parent`.
struct StepRecord {
  std::string hash;    // of (parent hash, step, data, seed, code version); of the model's bytes for a baseline
  std::string parent;  // empty for a baseline
  Step step;           // method empty for a baseline
  std::filesystem::path bundle;
  Json report = Json::object();    // what the method said it did
  Json measures = Json::object();  // the row: "accuracy", "bundle_bytes", ...; empty until measured
  std::string created_at;          // ISO 8601, UTC
};

// One recipe that was asked for: its leaf is the last of its steps that finished.
struct RunRecord {
  int64_t id = 0;
  std::string name;
  Recipe recipe;
  std::vector<std::string> steps;  // hashes, baseline first; grows while the run goes on
  std::string state;               // "running", "done", "failed", "cancelled", "interrupted" (its process is gone)
  std::string message;             // why it failed
  std::string created_at;
  std::string note;
  std::vector<std::string> tags;
};

// Safe for several processes at once (SQLite WAL). Every commit survives kill -9. Use one object a thread.
class Workspace {
 public:
  // Opens or makes the folder. Refuses a workspace of a newer version, naming both versions. Removes what processes
  // that died have left half written.
  explicit Workspace(const std::filesystem::path& folder);
  ~Workspace();
  Workspace(Workspace&&) noexcept;

  const std::filesystem::path& folder() const;

  std::optional<StepRecord> find_step(const std::string& hash) const;  // nothing when its bundle is gone or damaged
  // Stores the bundle under its hash (written beside, renamed) and then the row: a finished step, or nothing.
  StepRecord store_step(StepRecord record, const Model& model, const CancelToken& cancel);
  void set_measures(const std::string& hash, const Json& measures);
  // Where training inside an unfinished step leaves its checkpoints; gone once the step is stored.
  std::filesystem::path checkpoint_folder(const std::string& hash) const;
  // Where something that can be computed again may lie; the folder exists, the file may not. Goes with the step.
  std::filesystem::path cache_file(const std::string& hash, const std::string& name) const;

  int64_t create_run(const Recipe& recipe, const std::string& name);
  // Io when the step is gone because another process has removed its run meanwhile.
  void append_step(int64_t run, const std::string& hash);
  void finish_run(int64_t run, const std::string& state, const std::string& message = "");
  void annotate_run(int64_t run, const std::string& note, const std::vector<std::string>& tags);
  std::vector<RunRecord> runs() const;  // newest first
  std::optional<RunRecord> run(int64_t id) const;
  void remove_run(int64_t id);  // steps that no other run uses go with it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where runs go when nobody says: $ESPALIER_WORKSPACE, else $XDG_DATA_HOME/espalier, else ~/.local/share/espalier.
std::filesystem::path default_workspace_folder();

}  // namespace espalier
