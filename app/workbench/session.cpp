#include "app/workbench/session.h"

#include <QDir>
#include <QFileInfo>

#include <algorithm>

#include "data/splits.h"
#include "data/task.h"

namespace espalier {

namespace {

const QString kLab = QStringLiteral("lab");

OpenedTask readTask(const QString& location) {
  const Task task = open_task(location.toStdString());
  OpenedTask opened;
  opened.location = location;
  opened.name = QString::fromStdString(task.name);
  opened.description = QString::fromStdString(task.description);
  opened.metric = QString::fromStdString(task.metric);
  for (const std::string& label : task.labels) opened.labels << QString::fromStdString(label);
  for (const std::string& split : task.splits) opened.splits << QString::fromStdString(split);
  opened.devSplit = QString::fromStdString(evaluation_split(task));
  return opened;
}

QString absolute(const QString& location) {
  return location == kLab ? location : QDir::cleanPath(QFileInfo(location).absoluteFilePath());
}

}  // namespace

Session::Session(SessionOptions options, QObject* parent)
    : QObject(parent),
      m_options(std::move(options)),
      m_jobs(m_options.makeRunner),
      m_checker(&m_recipe, &m_catalog, &m_jobs),
      m_runs(m_options.workspace, &m_catalog),
      m_sentence(&m_jobs, &m_selection) {}

Session::~Session() = default;

bool Session::hasHeads() const {
  if (!m_model) return false;
  const std::vector<LayerSpec>& layers = m_model->model.architecture.layers;
  return std::any_of(layers.begin(), layers.end(),
                     [](const LayerSpec& layer) { return layer.attention.num_heads() > 0; });
}

void Session::openModel(const QString& location) {
  m_wantedModel = absolute(location);
  Q_EMIT modelOpening(m_wantedModel);
  m_modelReader.start<OpenedModel>(
      [wanted = m_wantedModel, resources = m_options.resources](const CancelToken& cancel) {
        return openModelForWindow(wanted, resources, cancel);
      },
      [this](const std::shared_ptr<OpenedModel>& opened) {
        m_model = opened;
        m_selection.reset();
        updateTarget();
        Q_EMIT modelChanged();
        // The lab's task goes with the lab's model; another model gets the task that its owner chooses.
        const bool labTask = m_task && m_task->location == kLab;
        if (m_model->location == kLab && !labTask) openTask(kLab);
        if (m_model->location != kLab && labTask) closeTask();
      },
      [this](const ErrorInfo& error) {
        const QString failed = m_wantedModel;
        m_wantedModel = m_model ? m_model->location : QString();
        Q_EMIT modelFailed(failed, error);
      });
}

void Session::openTask(const QString& location) {
  const QString wanted = absolute(location);
  m_taskReader.start<OpenedTask>([wanted](const CancelToken&) { return readTask(wanted); },
                                 [this](const std::shared_ptr<OpenedTask>& opened) {
                                   m_task = *opened;
                                   updateTarget();
                                   Q_EMIT taskChanged();
                                 },
                                 [this, wanted](const ErrorInfo& error) { Q_EMIT taskFailed(wanted, error); });
}

void Session::closeTask() {
  m_taskReader.cancel();
  if (!m_task) return;
  m_task.reset();
  updateTarget();
  Q_EMIT taskChanged();
}

void Session::updateTarget() {
  const QString model = m_model ? m_model->location : QString();
  const QString task = m_task ? m_task->location : QString();
  m_recipe.setTarget(model, task, QStringLiteral("cpu"));
  m_runs.setTarget(model, task);
  m_checker.setEnabled(m_model != nullptr);
  m_sentence.setSource(task, m_task ? m_task->devSplit : QString());
}

void Session::requestCatalog() {
  if (m_catalog.state() == MethodCatalog::State::Ready || m_catalog.state() == MethodCatalog::State::Loading) return;
  m_catalog.setLoading();
  JobSpec spec;
  spec.kind = "methods";
  JobCallbacks callbacks;
  callbacks.done = [this](const Json& answer) { m_catalog.setAnswer(answer); };
  callbacks.failed = [this](const ErrorInfo& error) { m_catalog.setFailed(QString::fromStdString(error.message)); };
  m_jobs.start(spec, JobLane::Questions, tr("Read the list of methods"), this, std::move(callbacks));
}

JobSpec Session::jobSpec(const std::string& kind) const {
  JobSpec spec;
  spec.kind = kind;
  spec.settings = {{"device", "cpu"}, {"workspace", m_options.workspace.string()}};
  if (m_model) spec.settings["model"] = m_model->location.toStdString();
  if (m_task) {
    spec.settings["task"] = m_task->location.toStdString();
    spec.settings["split"] = m_task->devSplit.toStdString();
  }
  return spec;
}

std::filesystem::path Session::makeJobFolder() {
  const QString name = QStringLiteral("job-%1").arg(++m_jobFolders);
  QDir(m_jobFolder.path()).mkpath(name);
  return std::filesystem::path(m_jobFolder.filePath(name).toStdString());
}

QString Session::conditions() const {
  QStringList parts;
  if (m_model) parts << m_model->name;
  if (m_task) parts << tr("%1, %2 split").arg(m_task->name, m_task->devSplit);
  return parts.join(QStringLiteral(" on "));
}

}  // namespace espalier
