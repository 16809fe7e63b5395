#include "app/workbench/lesson_window.h"

#include <QTextBrowser>
#include <QVBoxLayout>

#include "widgets/theme/theme.h"

namespace espalier {

LessonWindow::LessonWindow(const QString& title, const QString& markdown, QWidget* parent) : QDialog(parent) {
  setWindowTitle(title);
  setModal(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  m_text = new QTextBrowser(this);
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->setAccessibleName(title);
  m_text->document()->setDocumentMargin(3 * kGrid);
  m_text->setMarkdown(markdown);
  layout->addWidget(m_text);
  resize(60 * kGrid, 80 * kGrid);
}

QString LessonWindow::text() const { return m_text->toPlainText(); }

}  // namespace espalier
