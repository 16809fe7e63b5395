#pragma once
#include <QComboBox>

#include "app/workbench/session.h"

namespace espalier {

// Chooses the run that a page compares the open model with. It is the selected run: choosing one here selects it
// everywhere, and what is selected elsewhere is shown here.
class RunPicker : public QComboBox {
  Q_OBJECT

 public:
  // `nothing` names the choice of no run; empty: there is always one, if there are any.
  RunPicker(Session* session, const QString& nothing, QWidget* parent = nullptr);

  // Null for nothing. Its bundle exists.
  const RunRow* run() const;

 Q_SIGNALS:
  void runChanged();

 private:
  void refill();
  void follow();

  Session* m_session;
  QString m_nothing;
  QString m_run;  // hash
};

}  // namespace espalier
