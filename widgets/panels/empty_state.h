#pragma once
#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;

namespace espalier {

// What a page shows when it has nothing: one sentence and one button, or that it is working.
class EmptyState : public QWidget {
  Q_OBJECT

 public:
  explicit EmptyState(QWidget* parent = nullptr);

  // Without `button` there is none. `whyNot` disables the button and says why.
  void setMessage(const QString& sentence, const QString& button = {}, const QString& whyNot = {});
  // "Reading the data set", with a bar that moves.
  void setBusy(const QString& sentence);
  QPushButton* button() const { return m_button; }
  QString sentence() const;

 Q_SIGNALS:
  void pressed();

 private:
  QLabel* m_sentence;
  QPushButton* m_button;
  QProgressBar* m_busy;
};

}  // namespace espalier
