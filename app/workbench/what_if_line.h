#pragma once
#include <QLabel>
#include <QTimer>

#include "app/workbench/session.h"
#include "app/workbench/what_if_edit.h"

namespace espalier {

// One line: what accuracy becomes by what the recipe lists, estimated while one clicks. While the page of heads is in
// front the worker has model and examples open, so that the first click is answered as fast as the others. It asks only
// while it is on the screen, and nothing about a recipe that came with the model before one has touched it or that
// page. A question that is out of date is given up as soon as the worker has opened the model, so that quick clicks do
// not make it open the model again and again.
class WhatIfLine : public QLabel {
  Q_OBJECT

 public:
  explicit WhatIfLine(Session* session, QWidget* parent = nullptr);

  // The step of the recipe whose settings are shown; -1 for none.
  void setStep(int row);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  bool canAsk() const;
  void update(bool other);  // `other`: model or task are other ones
  void ask();
  void ended(quint64 question);
  void showEstimate(const Json& estimate);

  Session* m_session;
  int m_step = -1;
  QTimer m_pause;            // between the last click and the question
  WhatIfEdit m_edit;         // asked about, or about to be; no parts: the worker only opens what it needs
  quint64 m_question = 0;    // number of the newest question
  quint64 m_job = 0;         // being answered; 0: none
  bool m_answering = false;  // the worker has opened the model and answers
  bool m_opened = false;     // the worker was asked to open this model and task
  bool m_wanted = false;     // the recipe was touched, or the page of heads looked at, with this model and task
};

}  // namespace espalier
