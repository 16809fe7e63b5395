#include "app/workbench/pages/page.h"

#include <QStackedWidget>
#include <QVBoxLayout>

namespace espalier {

Page::Page(Session* session, const QString& name, const QString& title, QWidget* parent)
    : QWidget(parent), m_session(session), m_name(name), m_title(title) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  m_bar = new MessageBar(this);
  layout->addWidget(m_bar);
  m_stack = new QStackedWidget(this);
  m_empty = new EmptyState(m_stack);
  m_stack->addWidget(m_empty);
  layout->addWidget(m_stack, 1);
  setAccessibleName(title);
  setAutoFillBackground(true);
  setBackgroundRole(QPalette::Base);
  connect(m_empty, &EmptyState::pressed, this, [this] {
    if (m_emptyAction) m_emptyAction();
  });
}

bool Page::showsContent() const { return m_content && m_stack->currentWidget() == m_content; }

void Page::setContent(QWidget* content) {
  m_content = content;
  m_stack->addWidget(content);
}

void Page::showContent() { m_stack->setCurrentWidget(m_content); }

void Page::showEmpty(const QString& sentence, const QString& button, std::function<void()> action,
                     const QString& whyNot) {
  m_emptyAction = std::move(action);
  m_empty->setMessage(sentence, button, whyNot);
  m_stack->setCurrentWidget(m_empty);
}

void Page::showBusy(const QString& sentence) {
  m_emptyAction = {};
  m_empty->setBusy(sentence);
  m_stack->setCurrentWidget(m_empty);
}

bool Page::showModelMissing() {
  if (m_session->model()) return false;
  if (m_session->isOpeningModel()) {
    showBusy(tr("Opening the model …"));
  } else {
    showEmpty(tr("Open a model folder to begin, or drop one on the window."), tr("Open a model …"),
              [this] { Q_EMIT openModelAsked(); });
  }
  return true;
}

bool Page::showHeadsMissing() {
  if (m_session->hasHeads()) return false;
  showEmpty(tr("This model has no attention heads."), tr("Show its weights"),
            [this] { Q_EMIT pageAsked(QStringLiteral("weights")); });
  return true;
}

void Page::showError(const ErrorInfo& error, const QString& button, std::function<void()> action) {
  m_bar->showMessage(MessageBar::Kind::Error, QString::fromStdString(error.message), button, std::move(action));
}

void Page::follow(Chart* chart) {
  connect(chart, &Chart::readoutChanged, this, &Page::readoutChanged);
  connect(&chart->figureActions(), &FigureActions::reported, this, [this](const QString& sentence, bool failed) {
    m_bar->showMessage(failed ? MessageBar::Kind::Error : MessageBar::Kind::Note, sentence);
  });
}

}  // namespace espalier
