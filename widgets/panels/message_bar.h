#pragma once
#include <QFrame>

#include <functional>

#include "base/error.h"

class QLabel;
class QPushButton;
class QToolButton;

namespace espalier {

// A line at the top of the page that it concerns: what happened, and the next step as a button. Hidden until used.
class MessageBar : public QFrame {
  Q_OBJECT

 public:
  enum class Kind { Note, Error };

  explicit MessageBar(QWidget* parent = nullptr);

  // An empty `button` shows none. The bar goes when its button is pressed or it is closed.
  void showMessage(Kind kind, const QString& text, const QString& button = {}, std::function<void()> action = {});
  void clear();
  QString text() const;
  QPushButton* actionButton() const { return m_button; }

 private:
  void recolor();

  Kind m_kind = Kind::Note;
  QLabel* m_text;
  QPushButton* m_button;
  QToolButton* m_close;
  std::function<void()> m_action;
};

}  // namespace espalier
