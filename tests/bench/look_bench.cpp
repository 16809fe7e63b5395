// The window's speed and memory on models of real size, offscreen with the raster engine.
// espalier-look-bench [--folder FOLDER] [--parts startup,statistics,heat-map,attention,events]
// FOLDER keeps the models made for it (BERT-base's and BERT-large's size, random weights: 1.8 GB); without it they are
// made anew. Times are of one process on this machine: what can be compared stands beside a reference of the same run.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <QElapsedTimer>
#include <QMouseEvent>
#include <QProcess>
#include <QTest>
#include <QWheelEvent>
#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "app/workbench/loop_watchdog.h"
#include "app/workbench/main_window.h"
#include "app/workbench/pages/page.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "formats/safetensors.h"
#include "inspect/rows.h"
#include "inspect/statistics.h"
#include "jobs/runners.h"
#include "tests/bench/bert_folder.h"
#include "tests/support/support.h"
#include "widgets/charts/attention_head_view.h"
#include "widgets/charts/attention_overview.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/theme/theme.h"

namespace espalier::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kFrameMs = 1000.0 / 60;

// On the wall, and of this thread's processor: on a busy machine the second says what the first would be without
// others.
struct Spent {
  double ms = 0, processor_ms = 0;
};

Spent spent(const std::function<void()>& action) {
  const LoopWatchdog::Moment before = LoopWatchdog::threadClock();
  action();
  const LoopWatchdog::Moment after = LoopWatchdog::threadClock();
  return {after.ms - before.ms, after.processorMs - before.processorMs};
}

double milliseconds(const std::function<void()>& action) { return spent(action).ms; }

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

void print(const std::string& what, double value, const std::string& unit, const std::string& goal,
           const std::string& note = {}) {
  fmt::print("{:58} {:>9.1f} {:4} {:>14}  {}\n", what, value, unit, goal, note);
  std::fflush(stdout);
}

struct Models {
  fs::path base, large;
};

Models make_models(const fs::path& folder) {
  const Models models{folder / "bert-base-random", folder / "bert-large-random"};
  if (!fs::exists(models.base / "model.safetensors")) write_bert_folder(models.base, kBertBase);
  if (!fs::exists(models.large / "model.safetensors")) write_bert_folder(models.large, kBertLarge);
  return models;
}

// The built programs lie beside this one.
fs::path program(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

struct Startup {
  double first_paint_ms = 0, model_ms = 0, heat_map_ms = 0, resident_mib = 0, anonymous_mib = 0;
};

Startup start_once(const QString& model) {
  QProcess process;
  process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
  process.start(QString::fromStdString(program("espalier-workbench").string()),
                {QStringLiteral("--measure-startup"), model});
  if (!process.waitForFinished(90'000) || process.exitCode() != 0) throw std::runtime_error("the window did not start");
  const Json json = Json::parse(process.readAllStandardOutput().toStdString());
  const auto mib = [&](const char* key) { return json.at(key).get<double>() / (1 << 20); };
  return {json.at("first_paint_ms"), json.at("model_open_ms"), json.at("heat_map_ms"), mib("resident_bytes"),
          mib("anonymous_bytes")};
}

void startup(const Models& models) {
  const auto measure = [](const std::string& name, const QString& model, const char* goal, const char* memory_goal) {
    std::vector<double> paint, opened, shown, resident, anonymous;
    for (int run = 0; run < 5; ++run) {
      const Startup one = start_once(model);
      paint.push_back(one.first_paint_ms);
      opened.push_back(one.model_ms);
      shown.push_back(one.heat_map_ms);
      resident.push_back(one.resident_mib);
      anonymous.push_back(one.anonymous_mib);
    }
    print(name + ": process start to first paint", quantile(paint, 0.5), "ms", "", "median of 5");
    print(name + ": to the model in the tree", quantile(opened, 0.5), "ms", goal);
    print(name + ": to the heat map of the word embeddings", quantile(shown, 0.5), "ms", goal);
    print(name + ": resident", quantile(resident, 0.5), "MiB", "", "mapped pages of the model that were read included");
    print(name + ": of these not mapped from a file", quantile(anonymous, 0.5), "MiB", memory_goal);
  };
  measure("lab", QStringLiteral("lab"), "", "");
  measure("BERT-base", QString::fromStdString(models.base.string()), "", "300");
  measure("BERT-large", QString::fromStdString(models.large.string()), "1000", "");
}

WeightPtr word_embeddings(const fs::path& folder) {
  const TensorFile file = read_safetensors(folder / "model.safetensors");
  return share(Dense{file.tensors.at("bert.embeddings.word_embeddings.weight")});
}

void statistics(const Models& models) {
  const Matrix matrix(word_embeddings(models.base));
  std::vector<double> exact, reading;
  double sum = 0;
  for (int run = 0; run < 9; ++run) {
    exact.push_back(milliseconds([&] { sum += summarize(matrix).statistics.mean; }));
    std::vector<double> sums(static_cast<size_t>(matrix.rows()));
    reading.push_back(milliseconds([&] {
      for_each_rows(matrix, rows_per_block(matrix.cols()), {},
                    [&](int64_t, std::span<const float> values, int64_t begin, int64_t) {
                      float block = 0;
                      for (const float value : values) block += value;
                      sums[static_cast<size_t>(begin)] = block;
                    });
    }));
    for (const double part : sums) sum += part;
  }
  const std::string size = fmt::format("{} x {} ({:.1f} M)", matrix.rows(), matrix.cols(),
                                       static_cast<double>(matrix.rows() * matrix.cols()) * 1e-6);
  print("exact statistics and norms of " + size, quantile(exact, 0.5), "ms", "500", "median of 9, page cache warm");
  print("adding the same values up", quantile(reading, 0.5), "ms", "",
        fmt::format("statistics take {:.1f} times as long; sum {:.3g}", quantile(exact, 0.5) / quantile(reading, 0.5),
                    sum));
}

// Frames: each an event, what it leads to, and the pixels.
class Frames {
 public:
  explicit Frames(QWidget& view) : view_(view) {}

  void add(const std::function<void()>& input) {
    const Spent one = spent([&] {
      input();
      QCoreApplication::processEvents();
      view_.repaint();
    });
    wall_.push_back(one.ms);
    processor_.push_back(one.processor_ms);
    // The next one comes with the screen's next picture; readers work meanwhile.
    if (one.ms < kFrameMs) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(kFrameMs - one.ms));
  }

  void print_as(const std::string& what, double middle_goal, double high_goal, const std::string& note) const {
    const auto line = [&](const std::string& name, double share, double goal, const std::string& more) {
      print(what + name, quantile(wall_, share), "ms", goal > 0 ? fmt::format("{:.0f}", goal) : "",
            fmt::format("{:.1f} ms of the processor{}", quantile(processor_, share), more));
    };
    line(": median", 0.5, middle_goal, note.empty() ? "" : "; " + note);
    line(": 95th percentile", 0.95, high_goal, "");
    line(": longest", 1, 0, "");
  }
  size_t count() const { return wall_.size(); }

 private:
  QWidget& view_;
  std::vector<double> wall_, processor_;
};

void mouse(QWidget& view, QEvent::Type type, QPointF at, Qt::MouseButton button, Qt::MouseButtons buttons) {
  QMouseEvent event(type, at, view.mapToGlobal(at), button, buttons, Qt::NoModifier);
  QCoreApplication::sendEvent(&view, &event);
}

void wheel(QWidget& view, QPointF at, int delta) {
  QWheelEvent event(at, view.mapToGlobal(at), {}, {0, delta}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
  QCoreApplication::sendEvent(&view, &event);
}

void heat_map(const Models& models) {
  HeatMapView view;
  view.resize(1200, 700);
  view.show();
  std::optional<double> shown;
  QObject::connect(&view, &HeatMapView::firstShown, [&](double ms) { shown = ms; });
  MatrixLabels labels;
  labels.name = QStringLiteral("embeddings.word.weight");
  view.setSource(word_embeddings(models.base), labels);
  if (!QTest::qWaitFor([&] { return shown && view.isSettled() && view.summary(); }, 20'000)) {
    throw std::runtime_error("the heat map did not settle");
  }
  print("heat map of 30522 x 768: first pixels", *shown, "ms", "", "1200 x 700 pixels");
  const QPointF middle(500, 300);
  Frames frames(view);
  int settled = 0;
  const auto count = [&] { settled += view.isSettled() ? 1 : 0; };
  for (int i = 0; i < 40; ++i, count()) frames.add([&] { wheel(view, middle, 60); });
  mouse(view, QEvent::MouseButtonPress, middle, Qt::LeftButton, Qt::LeftButton);
  for (int i = 1; i <= 240; ++i, count()) {
    const QPointF at = middle + QPointF(150 * std::sin(i * 0.05), -9.0 * (i < 120 ? i : 240 - i));
    frames.add([&] { mouse(view, QEvent::MouseMove, at, Qt::NoButton, Qt::LeftButton); });
  }
  mouse(view, QEvent::MouseButtonRelease, middle, Qt::LeftButton, Qt::NoButton);
  for (int i = 0; i < 60; ++i, count()) {
    frames.add([&] { mouse(view, QEvent::MouseMove, middle + QPointF(i, i), Qt::NoButton, Qt::NoButton); });
  }
  for (int i = 0; i < 60; ++i, count()) frames.add([&] { wheel(view, middle, -60); });
  frames.print_as("heat map, a frame", 16, 25,
                  fmt::format("{} of zoom, pan, hover; in {} % of them every tile at full detail", frames.count(),
                              100 * settled / static_cast<int>(frames.count())));
}

AttentionPtr random_attention(int layers, int heads, int64_t n) {
  auto data = std::make_shared<AttentionData>();
  Rng rng(5);
  for (int64_t i = 0; i < n; ++i) {
    data->tokens << QStringLiteral("token%1").arg(i);
    data->special.push_back(i == 0 || i == n - 1);
  }
  for (int l = 0; l < layers; ++l) {
    std::vector<float> values(static_cast<size_t>(heads * n * n));
    for (size_t row = 0; row < values.size(); row += static_cast<size_t>(n)) {
      double sum = 0;
      for (size_t i = row; i < row + static_cast<size_t>(n); ++i)
        sum += values[i] = std::exp(2 * static_cast<float>(rng.normal()));
      for (size_t i = row; i < row + static_cast<size_t>(n); ++i) values[i] /= static_cast<float>(sum);
    }
    data->layers.push_back(Tensor::from({heads, n, n}, std::move(values)));
  }
  return data;
}

void attention() {
  const AttentionPtr data = random_attention(12, 12, 512);
  AttentionOverview overview;
  overview.resize(700, 600);
  overview.show();
  QCoreApplication::processEvents();
  const double first = milliseconds([&] {
    overview.setAttention(data);
    overview.repaint();
  });
  print("attention, 12 x 12 heads of 512 tokens: overview", first, "ms", "1000", "from the weights to the pixels");
  for (const auto mode : {AttentionHeadView::Mode::Lines, AttentionHeadView::Mode::Matrix}) {
    const std::string name = mode == AttentionHeadView::Mode::Lines ? "lines" : "matrix";
    AttentionHeadView view;
    view.resize(600, 600);
    view.setMode(mode);
    view.setAttention(data);
    view.setHead(LayerIndex(5), HeadIndex(7));
    view.show();
    QCoreApplication::processEvents();
    const Spent whole = spent([&] { view.repaint(); });
    print("attention, one head as " + name + ": all of it", whole.ms, "ms", "",
          fmt::format("{:.1f} ms of the processor", whole.processor_ms));
    Frames frames(view);
    for (int i = 0; i < 200; ++i) {
      QPointF at(150 + i, 150 + i);
      if (mode == AttentionHeadView::Mode::Lines) {
        at = view.tokenRect(1 + i % 20, i % 40 < 20).center();
      }
      frames.add([&] { mouse(view, QEvent::MouseMove, at, Qt::NoButton, Qt::NoButton); });
    }
    frames.print_as("attention, one head as " + name + ", hover", 50, 50, "");
  }
}

// Everything that a person would click through, and what of it kept the window's thread.
void events(const Models& models, WatchedApplication& application) {
  for (const auto& [name, location] : {std::pair<std::string, QString>{"lab", QStringLiteral("lab")},
                                       {"BERT-large", QString::fromStdString(models.large.string())}}) {
    LoopWatchdog watchdog;
    watchdog.setReport([](const LongSlot& slot) {
      fmt::print("  {:.0f} ms ({:.0f} computing): {}; in it {}\n", slot.ms, slot.processorMs, slot.what.toStdString(),
                 slot.slowest.isEmpty() ? "nothing nested" : slot.slowest.toStdString());
    });
    const test::TempDir folder;
    MainWindowOptions options;
    options.session.resources = test::source_dir() / "resources";
    options.session.workspace = folder.path() / "workspace";
    options.session.makeRunner = [] {
      ProcessRunnerOptions runner;
      runner.program = program("espalier");
      return make_process_runner(std::move(runner));
    };
    options.settingsFile = QString::fromStdString((folder.path() / "settings.ini").string());
    application.setWatchdog(&watchdog);
    {
      MainWindow window(std::move(options));
      window.resize(1280, 800);
      window.show();
      window.begin(location);
      if (!QTest::qWaitFor([&] { return window.session()->model() != nullptr; }, 20'000)) {
        throw std::runtime_error("the model did not open");
      }
      window.session()->sentence()->setTyped(
          QStringLiteral("a film of rare beauty that is, all in all, a little too long for its own good"), {});
      for (int round = 0; round < 2; ++round) {
        for (const Page* page : window.pages()) {
          window.showPage(page->name());
          QTest::qWait(1500);
        }
        window.session()->selection()->selectSlot(QStringLiteral("encoder.1.ffn.in_proj.weight"), 1);
      }
    }
    application.setWatchdog(nullptr);
    const auto computing = std::count_if(watchdog.longSlots().begin(), watchdog.longSlots().end(),
                                         [](const LongSlot& slot) { return slot.processorMs > kLongestSlotMs; });
    print(name + ": events handled, all pages twice", static_cast<double>(watchdog.handled()), "", "");
    print(name + ": longest", watchdog.longestMs(), "ms", "50");
    print(name + ": longer than 50 ms", static_cast<double>(watchdog.longSlots().size()), "", "0",
          fmt::format("{} of them computing all the while", computing));
  }
}

void run(const std::vector<std::string>& parts, const fs::path& folder, WatchedApplication& application) {
  const KernelInfo info = kernel_info();
  fmt::print("{}, {} cores, Qt {}, platform {}\n", info.cpu_model, info.cores, qVersion(),
             QApplication::platformName().toStdString());
  const Models models = make_models(folder);
  fmt::print("{:58} {:>9} {:4} {:>14}\n", "", "measured", "", "goal, at most");
  for (const std::string& part : parts) {
    if (part == "startup") startup(models);
    if (part == "statistics") statistics(models);
    if (part == "heat-map") heat_map(models);
    if (part == "attention") attention();
    if (part == "events") events(models, application);
  }
}

}  // namespace
}  // namespace espalier::bench

int main(int argc, char** argv) {
  using namespace espalier;
  CLI::App app("The window's speed and memory");
  std::vector<std::string> parts = {"startup", "statistics", "heat-map", "attention", "events"};
  std::string folder;
  app.add_option("--parts", parts)->delimiter(',')->check(CLI::IsMember(parts));
  app.add_option("--folder", folder, "Keeps the models that are measured");
  CLI11_PARSE(app, argc, argv);
  qputenv("QT_QPA_PLATFORM", "offscreen");
  WatchedApplication application(argc, argv);
  Theme::instance().install(application);
  try {
    const test::TempDir directory;
    bench::run(parts, folder.empty() ? directory.path() : std::filesystem::path(folder), application);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
