#pragma once
#include <QLabel>
#include <QTimer>

#include "app/workbench/session.h"

namespace espalier {

// One line: what accuracy becomes without the heads that the recipe removes, estimated while one clicks. Once it is on
// the screen the worker opens model and examples, so that the first click is answered as fast as the others; it asks
// only while it is there. A question that is out of date is given up as soon as the worker has opened the model, so
// that quick clicks do not make it open the model again and again.
class WhatIfLine : public QLabel {
  Q_OBJECT

 public:
  explicit WhatIfLine(Session* session, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  bool canAsk() const;
  void update(bool other);  // `other`: model or task are other ones
  void ask();
  void ended(quint64 question);
  void showEstimate(const Json& estimate);

  Session* m_session;
  QTimer m_pause;            // between the last click and the question
  HeadSet m_heads;           // asked about, or about to be; none: the worker only opens what it needs
  quint64 m_question = 0;    // number of the newest question
  quint64 m_job = 0;         // being answered; 0: none
  bool m_answering = false;  // the worker has opened the model and answers
  bool m_opened = false;     // the worker was asked to open this model and task
};

}  // namespace espalier
