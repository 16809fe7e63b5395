#pragma once
// What is open: one model, one task, one recipe, and everything that works on them. Every page and panel gets this.

#include <QObject>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>

#include <filesystem>
#include <memory>
#include <optional>

#include "widgets/models/background_reader.h"
#include "widgets/models/job_center.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/opened_model.h"
#include "widgets/models/recipe_checker.h"
#include "widgets/models/recipe_document.h"
#include "widgets/models/run_store.h"
#include "widgets/models/selection.h"
#include "widgets/models/sentence_model.h"

namespace espalier {

struct OpenedTask {
  QString location;  // what recipes call it: an absolute path or "lab"
  QString name;
  QString description;
  QString metric;
  QStringList labels;
  QStringList splits;
  QString devSplit;  // the split to look at and measure on
};

struct SessionOptions {
  std::filesystem::path resources;
  std::filesystem::path workspace;
  JobCenter::MakeRunner makeRunner;
};

class Session : public QObject {
  Q_OBJECT

 public:
  explicit Session(SessionOptions options, QObject* parent = nullptr);
  ~Session() override;

  // Null while none is open.
  const OpenedModelPtr& model() const { return m_model; }
  const std::optional<OpenedTask>& task() const { return m_task; }
  // Whether the open model has any attention head to look at.
  bool hasHeads() const;
  bool isOpeningModel() const { return m_modelReader.isBusy(); }
  // Opened, or being opened now.
  const QString& wantedModel() const { return m_wantedModel; }

  // A folder, a file in one, or "lab". The model that is open stays until the other one is there.
  void openModel(const QString& location);
  void openTask(const QString& location);
  void closeTask();
  // Asks the worker for its methods, unless they are there or being read.
  void requestCatalog();

  Selection* selection() { return &m_selection; }
  RecipeDocument* recipe() { return &m_recipe; }
  MethodCatalog* catalog() { return &m_catalog; }
  RecipeChecker* checker() { return &m_checker; }
  RunStore* runs() { return &m_runs; }
  JobCenter* jobs() { return &m_jobs; }
  SentenceModel* sentence() { return &m_sentence; }
  const std::filesystem::path& resources() const { return m_options.resources; }

  // A job on what is open: "model", "task", "device", "workspace" are filled in.
  JobSpec jobSpec(const std::string& kind) const;
  // A folder of its own for a job's files, gone with the session.
  std::filesystem::path makeJobFolder();
  // One line for pictures: model, task, split.
  QString conditions() const;

 Q_SIGNALS:
  void modelOpening(const QString& location);
  void modelChanged();
  void modelFailed(const QString& location, const espalier::ErrorInfo& error);
  void taskChanged();
  void taskFailed(const QString& location, const espalier::ErrorInfo& error);

 private:
  void updateTarget();

  SessionOptions m_options;
  JobCenter m_jobs;
  Selection m_selection;
  RecipeDocument m_recipe;
  MethodCatalog m_catalog;
  RecipeChecker m_checker;
  RunStore m_runs;
  SentenceModel m_sentence;
  BackgroundReader m_modelReader;
  BackgroundReader m_taskReader;
  OpenedModelPtr m_model;
  std::optional<OpenedTask> m_task;
  QString m_wantedModel;
  QTemporaryDir m_jobFolder;
  int m_jobFolders = 0;
};

}  // namespace espalier
