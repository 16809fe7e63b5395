// Folder: espalier.sqlite, steps/HASH (bundles), checkpoints/HASH, cache/HASH.NAME. A bundle is written as
// steps/.partial-PROCESS-HASH and renamed inside the transaction that inserts its row, so that a row's bundle is whole;
// a folder without a row is what a crash between the two leaves, and is replaced.
#include "workspace/workspace.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <set>

#include "base/error.h"
#include "workspace/database.h"
#include "workspace/process_identity.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kSchemaVersion = 1;
constexpr std::string_view kPartial = ".partial-";

constexpr const char* kSchema = R"sql(
  CREATE TABLE steps (
    hash TEXT PRIMARY KEY, parent TEXT NOT NULL, step TEXT NOT NULL, digest TEXT NOT NULL, report TEXT NOT NULL,
    measures TEXT NOT NULL, created_at TEXT NOT NULL);
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, recipe TEXT NOT NULL, state TEXT NOT NULL,
    message TEXT NOT NULL, owner TEXT NOT NULL, created_at TEXT NOT NULL, note TEXT NOT NULL, tags TEXT NOT NULL);
  CREATE TABLE run_steps (
    run INTEGER NOT NULL REFERENCES runs(id), position INTEGER NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (run, position));
  CREATE INDEX run_steps_by_hash ON run_steps(hash);
)sql";

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// SHA-256 over names and contents of a bundle's files.
std::string digest_of(const fs::path& bundle) {
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(bundle)) files.insert(entry.path());
  std::string all;
  for (const fs::path& file : files) all += file.filename().string() + " " + sha256_file(file) + "\n";
  return sha256(all);
}

Json step_json(const Step& step) { return step.method.empty() ? Json(nullptr) : to_json(step); }

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

struct Workspace::Impl {
  explicit Impl(const fs::path& at) : folder(at), database((prepare_folders(at), at / "espalier.sqlite")) {
    prepare_schema();
    remove_partials();
  }

  static void prepare_folders(const fs::path& at) {
    std::error_code error;
    for (const char* part : {"steps", "checkpoints", "cache"}) {
      if (!error) fs::create_directories(at / part, error);
    }
    if (error) {
      throw Error(ErrorKind::Io, {.what = "cannot make the workspace folder",
                                  .where = at.string(),
                                  .got = error.message(),
                                  .wanted = {},
                                  .next = "Choose a folder that you may write to."});
    }
  }

  void prepare_schema() {
    Transaction transaction(database);
    Statement query = database.prepare("PRAGMA user_version");
    query.step();
    const int64_t version = query.integer(0);
    if (version > kSchemaVersion) {
      throw Error(ErrorKind::Unsupported, {.what = "the workspace was made by a newer program",
                                           .where = folder.string(),
                                           .got = "version " + std::to_string(version),
                                           .wanted = "version " + std::to_string(kSchemaVersion) + " or older",
                                           .next = "Update this program, or choose another workspace folder."});
    }
    if (version == 0) {
      database.execute(kSchema);
      database.execute("PRAGMA user_version = 1");
    }
    transaction.commit();
  }

  // Names hold ".partial-PID STARTED-COUNT-HASH".
  void remove_partials() const {
    for (const auto& entry : fs::directory_iterator(folder / "steps")) {
      const std::string name = entry.path().filename().string();
      const size_t mark = name.find(kPartial);
      if (mark == std::string::npos) continue;
      const size_t begin = mark + kPartial.size();
      const std::string owner = name.substr(begin, name.find('-', begin) - begin);
      std::error_code ignored;
      if (!is_running(owner)) fs::remove_all(entry.path(), ignored);
    }
  }

  fs::path bundle_of(const std::string& hash) const { return folder / "steps" / hash; }

  fs::path partial_for(const std::string& hash) const {
    static std::atomic<int> count = 0;
    return folder / "steps" / (std::string(kPartial) + process_identity() + "-" + std::to_string(count++) + "-" + hash);
  }

  bool has_step(const std::string& hash) {
    return database.prepare("SELECT 1 FROM steps WHERE hash = ?").bind(1, hash).step();
  }

  RunRecord read_run(const Statement& row) {
    RunRecord record;
    record.id = row.integer(0);
    record.name = row.text(1);
    record.recipe = recipe_from_json(parse_json(row.text(2), "recipe of a run"), "recipe of a run");
    record.state = row.text(3);
    if (record.state == "running" && !is_running(row.text(5))) record.state = "interrupted";
    record.message = row.text(4);
    record.created_at = row.text(6);
    record.note = row.text(7);
    record.tags = parse_json(row.text(8), "tags of a run").get<std::vector<std::string>>();
    Statement steps = database.prepare("SELECT hash FROM run_steps WHERE run = ? ORDER BY position");
    steps.bind(1, record.id);
    while (steps.step()) record.steps.push_back(steps.text(0));
    return record;
  }

  void check_run(int64_t run) {
    if (database.prepare("SELECT 1 FROM runs WHERE id = ?").bind(1, run).step()) return;
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such run",
                                          .where = folder.string(),
                                          .got = std::to_string(run),
                                          .wanted = "a number that \"espalier runs list\" shows",
                                          .next = {}});
  }

  fs::path folder;
  Database database;
};

Workspace::Workspace(const fs::path& folder)
    : impl_(std::make_unique<Impl>(folder.empty() ? default_workspace_folder() : folder)) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;

const fs::path& Workspace::folder() const { return impl_->folder; }

std::optional<StepRecord> Workspace::find_step(const std::string& hash) const {
  Statement row =
      impl_->database.prepare("SELECT parent, step, digest, report, measures, created_at FROM steps WHERE hash = ?");
  row.bind(1, hash);
  if (!row.step()) return std::nullopt;
  StepRecord record;
  record.hash = hash;
  record.parent = row.text(0);
  const Json step = parse_json(row.text(1), "step of the workspace");
  if (!step.is_null()) record.step = step_from_json(step, "step of the workspace");
  record.bundle = impl_->bundle_of(hash);
  record.report = parse_json(row.text(3), "report of a step");
  record.measures = parse_json(row.text(4), "measures of a step");
  record.created_at = row.text(5);
  try {
    if (digest_of(record.bundle) != row.text(2)) return std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;  // gone, or cannot be read
  }
  return record;
}

StepRecord Workspace::store_step(StepRecord record, const Model& model, const CancelToken& cancel) {
  const fs::path partial = impl_->partial_for(record.hash);
  record.bundle = impl_->bundle_of(record.hash);
  record.created_at = now_utc();
  try {
    save_bundle(model, partial, cancel);
    const std::string digest = digest_of(partial);
    Transaction transaction(impl_->database);
    // Another process may have finished the same step meanwhile; its readers keep what they have mapped.
    fs::remove_all(record.bundle);
    fs::rename(partial, record.bundle);
    impl_->database
        .prepare(
            "INSERT OR REPLACE INTO steps (hash, parent, step, digest, report, measures, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(1, record.hash)
        .bind(2, record.parent)
        .bind(3, dump(step_json(record.step)))
        .bind(4, digest)
        .bind(5, dump(record.report))
        .bind(6, dump(record.measures))
        .bind(7, record.created_at)
        .run();
    transaction.commit();
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
  std::error_code ignored;
  fs::remove_all(checkpoint_folder(record.hash), ignored);
  return record;
}

void Workspace::set_measures(const std::string& hash, const Json& measures) {
  impl_->database.prepare("UPDATE steps SET measures = ? WHERE hash = ?").bind(1, dump(measures)).bind(2, hash).run();
}

fs::path Workspace::checkpoint_folder(const std::string& hash) const { return impl_->folder / "checkpoints" / hash; }

fs::path Workspace::cache_file(const std::string& hash, const std::string& name) const {
  return impl_->folder / "cache" / (hash + "." + name);
}

int64_t Workspace::create_run(const Recipe& recipe, const std::string& name) {
  impl_->database
      .prepare(
          "INSERT INTO runs (name, recipe, state, message, owner, created_at, note, tags) "
          "VALUES (?, ?, 'running', '', ?, ?, '', '[]')")
      .bind(1, name)
      .bind(2, dump(to_json(recipe)))
      .bind(3, process_identity())
      .bind(4, now_utc())
      .run();
  return impl_->database.last_insert_id();
}

void Workspace::append_step(int64_t run, const std::string& hash) {
  Transaction transaction(impl_->database);
  impl_->check_run(run);
  if (!impl_->has_step(hash)) {
    throw Error(ErrorKind::Io, {.what = "a finished step was removed while it was being used",
                                .where = impl_->folder.string(),
                                .got = hash.substr(0, 12),
                                .wanted = {},
                                .next = "Start the run again."});
  }
  impl_->database
      .prepare(
          "INSERT INTO run_steps (run, position, hash) "
          "SELECT ?1, COALESCE(MAX(position) + 1, 0), ?2 FROM run_steps WHERE run = ?1")
      .bind(1, run)
      .bind(2, hash)
      .run();
  transaction.commit();
}

void Workspace::finish_run(int64_t run, const std::string& state, const std::string& message) {
  impl_->database.prepare("UPDATE runs SET state = ?, message = ? WHERE id = ?")
      .bind(1, state)
      .bind(2, message)
      .bind(3, run)
      .run();
}

void Workspace::annotate_run(int64_t run, const std::string& note, const std::vector<std::string>& tags) {
  impl_->check_run(run);
  impl_->database.prepare("UPDATE runs SET note = ?, tags = ? WHERE id = ?")
      .bind(1, note)
      .bind(2, dump(Json(tags)))
      .bind(3, run)
      .run();
}

namespace {
constexpr const char* kAllRuns =
    "SELECT id, name, recipe, state, message, owner, created_at, note, tags FROM runs ORDER BY id DESC";
constexpr const char* kOneRun =
    "SELECT id, name, recipe, state, message, owner, created_at, note, tags FROM runs WHERE id = ?";
}  // namespace

std::vector<RunRecord> Workspace::runs() const {
  std::vector<RunRecord> records;
  Statement rows = impl_->database.prepare(kAllRuns);
  while (rows.step()) records.push_back(impl_->read_run(rows));
  return records;
}

std::optional<RunRecord> Workspace::run(int64_t id) const {
  Statement row = impl_->database.prepare(kOneRun);
  row.bind(1, id);
  if (!row.step()) return std::nullopt;
  return impl_->read_run(row);
}

void Workspace::remove_run(int64_t id) {
  std::vector<std::string> orphans;
  {
    Transaction transaction(impl_->database);
    impl_->check_run(id);
    Statement own = impl_->database.prepare(
        "SELECT DISTINCT hash FROM run_steps WHERE run = ?1 AND hash NOT IN "
        "(SELECT hash FROM run_steps WHERE run <> ?1)");
    own.bind(1, id);
    while (own.step()) orphans.push_back(own.text(0));
    for (const std::string& hash : orphans) {
      impl_->database.prepare("DELETE FROM steps WHERE hash = ?").bind(1, hash).run();
    }
    impl_->database.prepare("DELETE FROM run_steps WHERE run = ?").bind(1, id).run();
    impl_->database.prepare("DELETE FROM runs WHERE id = ?").bind(1, id).run();
    transaction.commit();
  }
  std::error_code ignored;
  for (const std::string& hash : orphans) {
    fs::remove_all(impl_->bundle_of(hash), ignored);
    for (const auto& entry : fs::directory_iterator(impl_->folder / "cache")) {
      if (entry.path().filename().string().starts_with(hash)) fs::remove(entry.path(), ignored);
    }
  }
}

fs::path default_workspace_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string chosen = variable("ESPALIER_WORKSPACE"); !chosen.empty()) return chosen;
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty()) return fs::path(data) / "espalier";
  const std::string home = variable("HOME");
  return fs::path(home.empty() ? "." : home) / ".local" / "share" / "espalier";
}

}  // namespace espalier
