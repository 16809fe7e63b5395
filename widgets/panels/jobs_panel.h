#pragma once
#include <QWidget>

class QAction;
class QPlainTextEdit;
class QTabWidget;
class QTableView;

namespace espalier {

class JobCenter;
class JobsModel;
class LossCurve;

// The jobs with their progress, and the log and curves of the chosen one.
class JobsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit JobsPanel(JobCenter* center, QWidget* parent = nullptr);

  QAction* cancelAction() const { return m_cancel; }
  quint64 currentJob() const;
  LossCurve* curve() const { return m_curve; }

 private:
  void showJob();
  void updateActions();

  JobCenter* m_center;
  JobsModel* m_model;
  QTableView* m_view;
  QAction* m_cancel;
  QAction* m_clear;
  QPlainTextEdit* m_log;
  LossCurve* m_curve;
  QTabWidget* m_detail;
  quint64 m_shown = 0;
};

}  // namespace espalier
