#pragma once
#include <QWidget>

class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace espalier {

class SentenceModel;

// Where a sentence is typed or picked from the data set.
class SentenceBar : public QWidget {
  Q_OBJECT

 public:
  explicit SentenceBar(SentenceModel* model, QWidget* parent = nullptr);

  QLineEdit* textField() const { return m_text; }
  QLineEdit* pairField() const { return m_pair; }
  QSpinBox* exampleField() const { return m_example; }

 Q_SIGNALS:
  // Return was pressed, even on an unchanged sentence.
  void submitted();

 private:
  void submit();
  void showSentence();
  void showSource();

  SentenceModel* m_model;
  QLineEdit* m_text;
  QLineEdit* m_pair;
  QToolButton* m_pairToggle;
  QSpinBox* m_example;
  QLabel* m_label;
};

}  // namespace espalier
