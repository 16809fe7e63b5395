#pragma once
#include <QWidget>

class QAction;
class QLabel;
class QLineEdit;
class QListView;
class QMenu;
class QToolButton;

namespace espalier {

class EstimateView;
class MethodCatalog;
class RecipeChecker;
class RecipeDocument;
class RecipeStepsModel;
class ScopeForm;
class Selection;
class SettingForm;

// The recipe: its steps, the form of the current step, and the estimate.
class RecipePanel : public QWidget {
  Q_OBJECT

 public:
  RecipePanel(RecipeDocument* document, MethodCatalog* catalog, RecipeChecker* checker, Selection* selection,
              QWidget* parent = nullptr);

  int currentStep() const;
  void setCurrentStep(int row);
  QMenu* addMenu() const { return m_addMenu; }
  QListView* stepsView() const { return m_view; }
  SettingForm* form() const { return m_form; }
  EstimateView* estimate() const { return m_estimate; }
  // Puts `widget` over the estimate; call once.
  void setAnswer(QWidget* widget);
  // Actions for the window's Recipe menu.
  QAction* moveUpAction() const { return m_up; }
  QAction* moveDownAction() const { return m_down; }
  QAction* duplicateAction() const { return m_duplicate; }
  QAction* deleteAction() const { return m_delete; }

 Q_SIGNALS:
  // Shown in the form now, "" for none.
  void methodShown(const QString& id);
  // The row of the step in the form, -1 for none.
  void stepShown(int row);
  // The list of methods could not be had and the person asks again.
  void catalogRetryAsked();

 private:
  void buildActions();
  void rebuildAddMenu();
  void showStep();
  void updateActions();
  void updateIssues();

  RecipeDocument* m_document;
  MethodCatalog* m_catalog;
  RecipeChecker* m_checker;
  Selection* m_selection;
  RecipeStepsModel* m_model;
  QLineEdit* m_name;
  QWidget* m_list;
  QListView* m_view;
  QLabel* m_noSteps;
  QToolButton* m_add;
  QMenu* m_addMenu;
  QAction* m_up;
  QAction* m_down;
  QAction* m_duplicate;
  QAction* m_delete;
  QWidget* m_formBox;
  QLabel* m_formTitle;
  QLabel* m_formSummary;
  SettingForm* m_form;
  QToolButton* m_scopeToggle;
  ScopeForm* m_scope;
  EstimateView* m_estimate;
  QString m_shownMethod;
  bool m_scopeOpened = false;
};

}  // namespace espalier
