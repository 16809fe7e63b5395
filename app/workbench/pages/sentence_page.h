#pragma once
#include "app/workbench/pages/page.h"

class QVBoxLayout;

namespace espalier {

class SentenceBar;

// A page that asks the worker about the session's sentence and shows the answers. It asks when it comes to the front or
// Return is pressed, once a sentence; an answer to an earlier question is dropped.
class SentencePage : public Page {
  Q_OBJECT

 public:
  void activate() override;

 protected:
  struct Question {
    std::string kind;    // of the job
    QString title;       // of the job
    bool atOnce = true;  // else the page asks it with askOne(), when it knows more
  };
  struct Sayings {
    QString asking;  // while there is no answer yet
    QString none;    // when there will be none
  };

  SentencePage(Session* session, const QString& name, const QString& title, std::vector<Question> questions,
               Sayings sayings, QWidget* parent);

  // The page's content, which begins with the sentence; what else it shows goes into this layout.
  QVBoxLayout* contentLayout() const { return m_layout; }
  void ask();
  // A question about the sentence that was asked about last.
  void askOne(size_t question);
  bool isCurrent() const { return m_current; }
  // "Try again" asks again.
  void showAskError(const ErrorInfo& error);

  // Adds what a question needs beside the sentence; false: there is no point in asking it of this model.
  virtual bool fillJob(size_t question, JobSpec& spec) = 0;
  virtual void take(size_t question, const Json& answer) = 0;
  // The questions are about to be asked of another sentence or anew; what is shown stays until the first answer.
  virtual void asking() {}
  // What stands where the answer will be.
  virtual void setEmptyText(const QString& sentence) = 0;
  // Another model was opened: drops what was learnt from the last one.
  virtual void forgetModel() {}
  // Why the page has nothing to show of what is open, as an empty state; false: it has.
  virtual bool showNothing() { return showModelMissing(); }
  void invalidate();

 private:
  std::vector<Question> m_questions;
  Sayings m_sayings;
  QVBoxLayout* m_layout;
  SentenceBar* m_sentence;
  quint64 m_request = 0;        // of the sentence
  std::vector<quint64> m_jobs;  // of that request
  bool m_current = false;       // what is shown or being asked is the sentence of the session
};

}  // namespace espalier
