#include "app/workbench/lesson_window.h"

#include <QTextBlock>
#include <QTextBrowser>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextList>
#include <QVBoxLayout>

#include "widgets/theme/theme.h"

namespace espalier {

namespace {

// Markdown comes without room between its parts, and with headings that shout.
void setType(QTextDocument* document) {
  for (QTextBlock block = document->begin(); block.isValid(); block = block.next()) {
    QTextCursor cursor(block);
    QTextBlockFormat format = block.blockFormat();
    const int heading = format.headingLevel();
    format.setTopMargin(heading > 1 ? 2 * kGrid : 0);
    format.setBottomMargin(block.textList() ? kGrid / 2 : kGrid);
    format.setLineHeight(120, QTextBlockFormat::ProportionalHeight);
    cursor.setBlockFormat(format);
    if (heading == 0) continue;
    cursor.select(QTextCursor::BlockUnderCursor);
    QTextCharFormat characters;
    characters.setProperty(QTextFormat::FontSizeAdjustment, 0);
    characters.setFont(Theme::instance().titleFont(), QTextCharFormat::FontPropertiesSpecifiedOnly);
    cursor.mergeCharFormat(characters);
  }
}

}  // namespace

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
  setType(m_text->document());
  layout->addWidget(m_text);
  resize(60 * kGrid, 80 * kGrid);
}

QString LessonWindow::text() const { return m_text->toPlainText(); }

}  // namespace espalier
