#pragma once
#include <QMainWindow>
#include <QPointer>

#include <memory>
#include <vector>

#include "app/workbench/run_controller.h"
#include "app/workbench/session.h"
#include "app/workbench/window_settings.h"

class QDockWidget;
class QLabel;
class QTabWidget;
class QToolButton;

namespace espalier {

class JobsPanel;
class LessonWindow;
class MessageBar;
class ModelPanel;
class Page;
class PinnedPanel;
class PropertiesPanel;
class RecipePanel;

struct MainWindowOptions {
  SessionOptions session;
  QString settingsFile;  // empty: the user's own
};

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(MainWindowOptions options, QWidget* parent = nullptr);
  ~MainWindow() override;

  // Opens `location` ("lab" or a path), or what was open last when it is empty.
  void begin(const QString& location);

  Session* session() { return &m_session; }
  RunController* runs() { return &m_runController; }
  MessageBar* bar() const { return m_bar; }
  Page* page(const QString& name) const;
  Page* currentPage() const;
  const std::vector<Page*>& pages() const { return m_pages; }
  void showPage(const QString& name);
  ModelPanel* modelPanel() const { return m_modelPanel; }
  RecipePanel* recipePanel() const { return m_recipePanel; }
  QAction* runAction() const { return m_run; }
  PinnedPanel* pinnedPanel() const { return m_pinned; }

 public Q_SLOTS:
  void openModelDialog();
  void openTaskDialog();
  void openRecipeDialog();
  void saveRecipeDialog();
  void showCommandLine();
  // Puts the picture of the page in front aside.
  void pinView();
  // A path dropped on the window or given by hand: a model, a task or a recipe, whichever it looks like.
  void openPath(const QString& path);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void buildPages();
  void buildDocks();
  void buildActions();
  void buildMenus();
  void buildToolBar();
  void buildStatusBar();
  void connectSession();
  void connectRuns();
  void fillRecentMenu();
  void fillFigureMenu(QMenu* menu);
  void setThemeMode(ThemeMode mode);
  void setTextScale(double scale);
  void updateTitle();
  void updateRun();
  void updateStatus();
  void updateHistory();
  void loadRecipe(const QString& file);
  void offerContinue();
  // Model and task that are open, as one text.
  QString openTarget() const;
  void showTour();
  void showKeys();
  void showAbout();

  Session m_session;
  RunController m_runController;
  WindowSettings m_settings;
  BackgroundReader m_pathReader;
  BackgroundReader m_recipeReader;
  BackgroundReader m_recipeWriter;

  MessageBar* m_bar = nullptr;
  QTabWidget* m_tabs = nullptr;
  std::vector<Page*> m_pages;
  ModelPanel* m_modelPanel = nullptr;
  PropertiesPanel* m_properties = nullptr;
  RecipePanel* m_recipePanel = nullptr;
  JobsPanel* m_jobsPanel = nullptr;
  PinnedPanel* m_pinned = nullptr;
  QDockWidget* m_modelDock = nullptr;
  QDockWidget* m_propertiesDock = nullptr;
  QDockWidget* m_recipeDock = nullptr;
  QDockWidget* m_jobsDock = nullptr;
  QDockWidget* m_pinnedDock = nullptr;

  QAction* m_open = nullptr;
  QAction* m_back = nullptr;
  QAction* m_forward = nullptr;
  QAction* m_run = nullptr;
  QAction* m_cancelRun = nullptr;
  QMenu* m_recentMenu = nullptr;
  QToolButton* m_target = nullptr;
  QLabel* m_readout = nullptr;
  QLabel* m_numbers = nullptr;
  QLabel* m_selectionLabel = nullptr;
  QTimer* m_autosave = nullptr;
  QString m_offeredFor;
  QPointer<LessonWindow> m_tour;  // null while it is closed
  bool m_arranged = false;
};

}  // namespace espalier
