#include <QCommandLineParser>
#include <QFileInfo>

#include <cstdio>

#include "app/workbench/loop_watchdog.h"
#include "app/workbench/main_window.h"
#include "app/workbench/startup_probe.h"
#include "base/version.h"
#include "jobs/runners.h"
#include "widgets/theme/theme.h"
#include "workspace/workspace.h"

int main(int argc, char** argv) {
  using namespace espalier;
  WatchedApplication application(argc, argv);
  QApplication::setApplicationName(QStringLiteral("espalier-workbench"));
  QApplication::setApplicationDisplayName(QStringLiteral("Espalier"));
  QApplication::setApplicationVersion(QLatin1String(kVersion));
  QApplication::setDesktopFileName(QStringLiteral("espalier-workbench"));

  QCommandLineParser parser;
  parser.setApplicationDescription(QStringLiteral("A workbench for compressing Transformer language models."));
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(QStringLiteral("model"), QStringLiteral("Model folder or bundle to open, or \"lab\"."),
                               QStringLiteral("[model]"));
  const QCommandLineOption task(QStringLiteral("task"),
                                QStringLiteral("Task to open with it: a folder or file, or \"lab\"."),
                                QStringLiteral("path"));
  QCommandLineOption measure(QStringLiteral("measure-startup"));
  measure.setFlags(QCommandLineOption::HiddenFromHelp);
  QCommandLineOption weight(QStringLiteral("weight"), {}, QStringLiteral("slot"),
                            QStringLiteral("embeddings.word.weight"));
  weight.setFlags(QCommandLineOption::HiddenFromHelp);
  QCommandLineOption watch(QStringLiteral("watch-events"));
  watch.setFlags(QCommandLineOption::HiddenFromHelp);
  parser.addOptions({task, measure, weight, watch});
  parser.process(application);

  // Tells on standard error what kept the window from answering, for whoever works on it.
  LoopWatchdog watchdog;
  if (parser.isSet(watch)) {
    watchdog.setReport([](const LongSlot& slot) {
      std::fprintf(stderr, "%.0f ms (%.0f computing): %s; in it %s\n", slot.ms, slot.processorMs, qPrintable(slot.what),
                   slot.slowest.isEmpty() ? "nothing nested" : qPrintable(slot.slowest));
    });
    application.setWatchdog(&watchdog);
  }

  Theme::instance().install(application);
  const std::filesystem::path programs = QApplication::applicationDirPath().toStdString();
  MainWindowOptions options;
  options.session.resources = findResources(programs);
  options.session.workspace = default_workspace_folder();
  options.session.makeRunner = [programs] {
    ProcessRunnerOptions runner;
    runner.program = programs / "espalier";
    return make_process_runner(std::move(runner));
  };

  MainWindow window(std::move(options));
  const QStringList arguments = parser.positionalArguments();
  if (parser.isSet(measure)) {
    // Without the worker: what is measured is the window alone.
    new StartupProbe(&window, parser.value(weight));
    window.show();
    window.session()->openModel(arguments.isEmpty() ? QStringLiteral("lab") : arguments.first());
    return QApplication::exec();
  }
  window.show();
  window.begin(arguments.isEmpty() ? QString() : arguments.first());
  if (parser.isSet(task)) window.session()->openTask(parser.value(task));
  const int status = QApplication::exec();
  if (parser.isSet(watch)) {
    std::fprintf(stderr, "%lld events, the longest took %.0f ms, %zu took over %.0f ms\n",
                 static_cast<long long>(watchdog.handled()), watchdog.longestMs(), watchdog.longSlots().size(),
                 kLongestSlotMs);
  }
  return status;
}
