#pragma once
#include <QWidget>

#include <functional>

#include "app/workbench/session.h"
#include "widgets/charts/chart.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/message_bar.h"

class QStackedWidget;

namespace espalier {

// A page of the centre: a bar for what went wrong, and either its content or its empty state.
class Page : public QWidget {
  Q_OBJECT

 public:
  Page(Session* session, const QString& name, const QString& title, QWidget* parent = nullptr);

  const QString& name() const { return m_name; }  // stable, for settings and history
  const QString& title() const { return m_title; }
  MessageBar* bar() const { return m_bar; }
  EmptyState* emptyState() const { return m_empty; }
  bool showsContent() const;
  // The picture that Ctrl+Shift+E saves; null when there is none now.
  virtual Chart* mainChart() const { return nullptr; }
  // The page came to the front.
  virtual void activate() {}

 Q_SIGNALS:
  // Exact reading under the pointer, for the status bar.
  void readoutChanged(const QString& text);
  // The person asks for another page, say from the model tree or an empty state.
  void pageAsked(const QString& name);
  void openModelAsked();
  void openTaskAsked();
  void runAsked();

 protected:
  // The widget that shows content; call once.
  void setContent(QWidget* content);
  void showContent();
  // One sentence and one button; the button calls `action`.
  void showEmpty(const QString& sentence, const QString& button = {}, std::function<void()> action = {},
                 const QString& whyNot = {});
  void showBusy(const QString& sentence);
  // True, with the empty state shown, when no model is open yet.
  bool showModelMissing();
  // True, with the empty state shown, when the model has no attention heads to look at.
  bool showHeadsMissing();
  // An error with the next step as a button.
  void showError(const ErrorInfo& error, const QString& button = {}, std::function<void()> action = {});
  void follow(Chart* chart);
  Session* session() const { return m_session; }

 private:
  Session* m_session;
  QString m_name;
  QString m_title;
  MessageBar* m_bar;
  QStackedWidget* m_stack;
  EmptyState* m_empty;
  QWidget* m_content = nullptr;
  std::function<void()> m_emptyAction;
};

}  // namespace espalier
