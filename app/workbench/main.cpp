#include <QApplication>
#include <QCommandLineParser>
#include <QFileInfo>

#include "app/workbench/main_window.h"
#include "app/workbench/startup_probe.h"
#include "base/version.h"
#include "jobs/runners.h"
#include "widgets/theme/theme.h"
#include "workspace/workspace.h"

int main(int argc, char** argv) {
  using namespace espalier;
  QApplication application(argc, argv);
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
  parser.addOptions({task, measure, weight});
  parser.process(application);

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
  return QApplication::exec();
}
