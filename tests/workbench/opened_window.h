#pragma once
// A window with the small model and a task of two examples open, and a worker that answers what a test gives it.

#include <gtest/gtest.h>

#include <QDir>
#include <QFile>

#include <memory>

#include "app/workbench/main_window.h"
#include "tests/support/support.h"
#include "tests/widgets/small_model.h"

namespace espalier::test {

inline constexpr char kQuery[] = "encoder.0.attention.q_proj.weight";

// `kinds`: the worker's, beside those that every window asks for. The folder "run" holds the model with one weight in 4
// bits.
class OpenedWindow : public testing::Test {
 protected:
  explicit OpenedWindow(JobKinds kinds) : m_kinds(std::move(kinds)) {
    m_kinds.add("methods", [](const JobSpec&, JobContext&) { return Json::parse(R"({"methods": []})"); });
    m_kinds.add("check", [](const JobSpec&, JobContext&) { return Json::parse(R"({"issues": [], "estimates": []})"); });
    m_kinds.add("examples", [](const JobSpec&, JobContext&) {
      return Json::parse(R"({"examples": [{"text": "a fine film", "label": 1}, {"text": "a dull film", "label": 0}],
                             "total": 2, "labels": ["no", "yes"]})");
    });
  }

  void SetUp() override {
    const Model model = smallModel();
    save_bundle(model, folder.path() / "small");
    Model quantized = model;
    quantized.weights.add(kQuery,
                          quantize_symmetric(materialize(model.weight(kQuery)), 4, true, ActivationRange::PerToken));
    save_bundle(quantized, folder.path() / "run");
    QDir(path("")).mkdir("task");
    for (const char* name : {"task/train.tsv", "task/dev.tsv"}) {
      QFile file(path(name));
      ASSERT_TRUE(file.open(QIODevice::WriteOnly));
      file.write("sentence\tlabel\na fine film\t1\na dull film\t0\n");
    }
    MainWindowOptions options;
    options.session.workspace = folder.path() / "workspace";
    options.session.makeRunner = [kinds = m_kinds] { return make_inline_runner(kinds); };
    options.settingsFile = path("settings.ini");
    window = std::make_unique<MainWindow>(std::move(options));
    window->show();
    window->begin(path("small"));
    ASSERT_TRUE(waitFor([&] { return window->session()->model() != nullptr; }));
    window->session()->openTask(path("task"));
    ASSERT_TRUE(waitFor([&] { return window->session()->task().has_value(); }));
  }

  QString path(const char* name) const { return QString::fromStdString((folder.path() / name).string()); }

  template <typename T>
  T* page(const char* name) const {
    return qobject_cast<T*>(window->page(QString::fromLatin1(name)));
  }

  void addRun() {
    RunStore* runs = window->session()->runs();
    runs->addLive(
        {{"hash", "a"}, {"parent", ""}, {"method", ""}, {"accuracy", 0.9}, {"bundle", path("small").toStdString()}});
    runs->addLive({{"hash", "b"},
                   {"parent", "a"},
                   {"method", "quantize.linear"},
                   {"accuracy", 0.8},
                   {"bundle", path("run").toStdString()}});
  }

  TempDir folder;
  std::unique_ptr<MainWindow> window;

 private:
  JobKinds m_kinds;
};

}  // namespace espalier::test
