#pragma once
#include "app/workbench/pages/page.h"

class QVBoxLayout;

namespace espalier {

class SentenceBar;

// A page that asks the worker one question about the session's sentence and shows the answer. It asks when it comes to
// the front or Return is pressed, once a sentence; an answer to an earlier question is dropped.
class SentencePage : public Page {
  Q_OBJECT

 public:
  void activate() override;

 protected:
  struct Question {
    std::string kind;  // of the job
    QString title;     // of the job
    QString asking;    // said while there is no answer yet
    QString none;      // said when there will be none
  };

  SentencePage(Session* session, const QString& name, const QString& title, Question question, QWidget* parent);

  // The page's content, which begins with the sentence; what else it shows goes into this layout.
  QVBoxLayout* contentLayout() const { return m_layout; }
  void ask();
  // "Try again" asks again.
  void showAskError(const ErrorInfo& error);

  // Adds what this page's question needs beside the sentence.
  virtual void fillJob(JobSpec& spec) = 0;
  virtual void take(const Json& answer) = 0;
  // What stands where the answer will be.
  virtual void setEmptyText(const QString& sentence) = 0;
  // Another model was opened: drops what was learnt from the last one.
  virtual void forgetModel() {}

 private:
  void invalidate();

  Question m_question;
  QVBoxLayout* m_layout;
  SentenceBar* m_sentence;
  quint64 m_request = 0;
  bool m_current = false;  // what is shown or being asked is the sentence of the session
};

}  // namespace espalier
