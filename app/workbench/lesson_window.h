#pragma once
#include <QDialog>

class QTextBrowser;

namespace espalier {

// A lesson to read beside the window, which stays usable: its steps are done there.
class LessonWindow : public QDialog {
  Q_OBJECT

 public:
  // `markdown` is the lesson's text.
  LessonWindow(const QString& title, const QString& markdown, QWidget* parent = nullptr);

  QString text() const;

 private:
  QTextBrowser* m_text;
};

}  // namespace espalier
