#include "workspace/workspace.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "formats/atomic_file.h"
#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {
namespace fs = std::filesystem;

Recipe recipe_of(const std::string& name) {
  Recipe recipe;
  recipe.name = name;
  recipe.model = "lab";
  recipe.task = "lab";
  recipe.steps.push_back({"prune.heads", {{"sparsity", 0.25}}, {}, true});
  return recipe;
}

StepRecord record_of(const std::string& hash, const std::string& parent = "") {
  StepRecord record;
  record.hash = hash;
  record.parent = parent;
  if (!parent.empty()) record.step = {"prune.heads", {{"sparsity", 0.25}}, {{0, 1}, {"attention"}, {}}, true};
  record.report = {{"heads_removed", 3}};
  return record;
}

TEST(Sha256, OfPublishedVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const TempDir folder;
  write_file_atomically(folder.path() / "abc", "abc");
  EXPECT_EQ(sha256_file(folder.path() / "abc"), sha256("abc"));
}

TEST(Workspace, AStoredStepIsFoundWithEverything) {
  const TempDir folder;
  const Model model = tiny_model();
  {
    Workspace workspace(folder.path() / "deep" / "er");
    workspace.store_step(record_of("base"), model, {});
    workspace.store_step(record_of("leaf", "base"), model, {});
    workspace.set_measures("leaf", {{"accuracy", 0.9}});
  }
  const Workspace again(folder.path() / "deep" / "er");
  const auto leaf = again.find_step("leaf");
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->parent, "base");
  EXPECT_EQ(leaf->step, record_of("leaf", "base").step);
  EXPECT_EQ(leaf->report.at("heads_removed"), 3);
  EXPECT_EQ(leaf->measures.at("accuracy"), 0.9);
  EXPECT_EQ(leaf->created_at.size(), 20u);
  EXPECT_EQ(bundle_bytes(leaf->bundle), predicted_bundle_bytes(model));
  EXPECT_TRUE(again.find_step("base")->step.method.empty());
  EXPECT_FALSE(again.find_step("other"));
}

TEST(Workspace, ADamagedOrMissingBundleIsNotFoundAndCanBeStoredAgain) {
  const TempDir folder;
  const Model model = tiny_model();
  Workspace workspace(folder.path());
  const fs::path bundle = workspace.store_step(record_of("a"), model, {}).bundle;
  {
    std::fstream file(bundle / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x55');
  }
  EXPECT_FALSE(workspace.find_step("a"));
  workspace.store_step(record_of("a"), model, {});
  EXPECT_TRUE(workspace.find_step("a"));
  fs::resize_file(bundle / "model.safetensors", 100);
  EXPECT_FALSE(workspace.find_step("a"));
  fs::remove_all(bundle);
  EXPECT_FALSE(workspace.find_step("a"));
  workspace.store_step(record_of("a"), model, {});
  EXPECT_TRUE(workspace.find_step("a"));
}

TEST(Workspace, ACancelledStoreLeavesNothing) {
  const TempDir folder;
  Workspace workspace(folder.path());
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(workspace.store_step(record_of("a"), tiny_model(), cancel), Cancelled);
  EXPECT_FALSE(workspace.find_step("a"));
  EXPECT_TRUE(fs::is_empty(folder.path() / "steps"));
}

TEST(Workspace, StoringAStepRemovesItsCheckpoints) {
  const TempDir folder;
  Workspace workspace(folder.path());
  const fs::path checkpoints = workspace.checkpoint_folder("a");
  fs::create_directories(checkpoints);
  write_file_atomically(checkpoints / "state", "x");
  workspace.store_step(record_of("a"), tiny_model(), {});
  EXPECT_FALSE(fs::exists(checkpoints));
}

TEST(Workspace, RunsAreKeptNewestFirst) {
  const TempDir folder;
  Workspace workspace(folder.path());
  workspace.store_step(record_of("base"), tiny_model(), {});
  const int64_t first = workspace.create_run(recipe_of("first"), "first");
  const int64_t second = workspace.create_run(recipe_of("second"), "second");
  workspace.append_step(first, "base");
  workspace.finish_run(first, "failed", "no heads left");
  workspace.annotate_run(second, "looks good", {"keep", "paper"});
  const auto runs = workspace.runs();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].id, second);
  EXPECT_EQ(runs[0].state, "running");
  EXPECT_EQ(runs[0].note, "looks good");
  EXPECT_EQ(runs[0].tags, (std::vector<std::string>{"keep", "paper"}));
  EXPECT_EQ(runs[1].recipe, recipe_of("first"));
  EXPECT_EQ(runs[1].steps, std::vector<std::string>{"base"});
  EXPECT_EQ(runs[1].state, "failed");
  EXPECT_EQ(runs[1].message, "no heads left");
  EXPECT_FALSE(workspace.run(999));
  EXPECT_EQ(expect_error([&] { workspace.remove_run(999); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([&] { workspace.append_step(first, "gone"); }).kind(), ErrorKind::Io);
}

TEST(Workspace, RemovingARunKeepsWhatOthersUse) {
  const TempDir folder;
  Workspace workspace(folder.path());
  for (const char* hash : {"base", "a", "b"}) workspace.store_step(record_of(hash), tiny_model(), {});
  const int64_t first = workspace.create_run(recipe_of("first"), "first");
  const int64_t second = workspace.create_run(recipe_of("second"), "second");
  for (const char* hash : {"base", "a"}) workspace.append_step(first, hash);
  for (const char* hash : {"base", "b"}) workspace.append_step(second, hash);
  write_file_atomically(workspace.cache_file("a", "logits.safetensors"), "x");
  workspace.remove_run(first);
  EXPECT_FALSE(workspace.run(first));
  EXPECT_FALSE(workspace.find_step("a"));
  EXPECT_FALSE(fs::exists(folder.path() / "steps" / "a"));
  EXPECT_FALSE(fs::exists(workspace.cache_file("a", "logits.safetensors")));
  EXPECT_TRUE(workspace.find_step("base"));
  EXPECT_TRUE(workspace.find_step("b"));
}

TEST(Workspace, ANewerVersionIsRefusedNamingBoth) {
  const TempDir folder;
  { const Workspace workspace(folder.path()); }
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "espalier.sqlite").c_str(), &database), SQLITE_OK);
  sqlite3_exec(database, "PRAGMA user_version = 7", nullptr, nullptr, nullptr);
  sqlite3_close(database);
  const Error error = expect_error([&] { const Workspace workspace(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
  EXPECT_NE(std::string(error.what()).find("version 7"), std::string::npos);
  EXPECT_NE(std::string(error.what()).find("version 1"), std::string::npos);
}

TEST(Workspace, AFileThatIsNoDatabaseIsAnError) {
  const TempDir folder;
  write_file_atomically(folder.path() / "espalier.sqlite", std::string(5000, 'x'));
  EXPECT_EQ(expect_error([&] { const Workspace workspace(folder.path()); }).kind(), ErrorKind::Format);
}

TEST(Workspace, AFolderThatCannotBeMadeIsAnError) {
  const TempDir folder;
  write_file_atomically(folder.path() / "file", "x");
  EXPECT_EQ(expect_error([&] { const Workspace workspace(folder.path() / "file" / "w"); }).kind(), ErrorKind::Io);
}

TEST(Workspace, TwoObjectsSeeEachOther) {
  const TempDir folder;
  Workspace one(folder.path()), two(folder.path());
  const int64_t run = one.create_run(recipe_of("shared"), "shared");
  one.store_step(record_of("base"), tiny_model(), {});
  EXPECT_TRUE(two.find_step("base"));
  two.append_step(run, "base");
  two.store_step(record_of("base"), tiny_model(), {});
  EXPECT_EQ(one.run(run)->steps, std::vector<std::string>{"base"});
  EXPECT_TRUE(one.find_step("base"));
}

// Starts a child that does `body` and ends; the tests above have started no thread, so a fork is safe here.
pid_t in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child != 0) return child;
  try {
    body();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(WorkspaceProcesses, TwoAtOnceStoreTheSameSteps) {
  const TempDir folder;
  const Model model = tiny_model();
  const auto store_all = [&] {
    Workspace workspace(folder.path());
    const int64_t run = workspace.create_run(recipe_of("both"), "both");
    for (int i = 0; i < 12; ++i) {
      workspace.store_step(record_of("step" + std::to_string(i)), model, {});
      workspace.append_step(run, "step" + std::to_string(i));
    }
    workspace.finish_run(run, "done");
  };
  const pid_t one = in_child(store_all), two = in_child(store_all);
  EXPECT_EQ(status_of(one), 0);
  EXPECT_EQ(status_of(two), 0);
  const Workspace workspace(folder.path());
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(workspace.find_step("step" + std::to_string(i))) << i;
  ASSERT_EQ(workspace.runs().size(), 2u);
  for (const RunRecord& run : workspace.runs()) {
    EXPECT_EQ(run.steps.size(), 12u);
    EXPECT_EQ(run.state, "done");
  }
}

TEST(WorkspaceProcesses, AKilledOneLosesNoFinishedStep) {
  const Model model = tiny_model(1, {.hidden = 64, .ffn = 256, .vocab = 2000});
  for (int round = 0; round < 10; ++round) {
    const TempDir folder;
    std::array<int, 2> finished{};
    ASSERT_EQ(pipe(finished.data()), 0);
    const pid_t child = in_child([&] {
      Workspace workspace(folder.path());
      const int64_t run = workspace.create_run(recipe_of("killed"), "killed");
      for (char i = 0; i < 100; ++i) {
        workspace.store_step(record_of("step" + std::to_string(i)), model, {});
        workspace.append_step(run, "step" + std::to_string(i));
        if (write(finished[1], &i, 1) != 1) _exit(2);
      }
    });
    close(finished[1]);
    // Dies somewhere inside the step after this many, at a point that differs from round to round.
    char last = -1;
    for (int i = 0; i <= round % 4; ++i) ASSERT_EQ(read(finished[0], &last, 1), 1);
    usleep(static_cast<useconds_t>(300 * round));
    kill(child, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status_of(child)));
    while (read(finished[0], &last, 1) == 1) continue;
    close(finished[0]);

    Workspace workspace(folder.path());
    for (char i = 0; i <= last; ++i) EXPECT_TRUE(workspace.find_step("step" + std::to_string(i))) << round;
    const auto runs = workspace.runs();
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].state, "interrupted");
    for (const std::string& hash : runs[0].steps) EXPECT_TRUE(workspace.find_step(hash));
    for (const auto& entry : fs::directory_iterator(folder.path() / "steps")) {
      EXPECT_EQ(entry.path().filename().string().find(".partial"), std::string::npos);
    }
    workspace.store_step(record_of("step" + std::to_string(last + 1)), model, {});
    EXPECT_TRUE(workspace.find_step("step" + std::to_string(last + 1)));
  }
}

TEST(DefaultFolder, ComesFromTheEnvironment) {
  const auto with = [](const char* workspace, const char* data) {
    setenv("ESPALIER_WORKSPACE", workspace, 1);
    setenv("XDG_DATA_HOME", data, 1);
    return default_workspace_folder();
  };
  EXPECT_EQ(with("/w", "/d"), "/w");
  EXPECT_EQ(with("", "/d"), "/d/espalier");
  unsetenv("ESPALIER_WORKSPACE");
  unsetenv("XDG_DATA_HOME");
  setenv("HOME", "/h", 1);
  EXPECT_EQ(default_workspace_folder(), "/h/.local/share/espalier");
}

}  // namespace
}  // namespace espalier::test
