#include "app/workbench/run_picker.h"

#include <QSignalBlocker>

namespace espalier {

RunPicker::RunPicker(Session* session, const QString& nothing, QWidget* parent)
    : QComboBox(parent), m_session(session), m_nothing(nothing) {
  setAccessibleName(tr("Run to compare with"));
  setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  setMinimumContentsLength(20);
  connect(this, &QComboBox::activated, this, [this](int index) {
    m_run = itemData(index).toString();
    if (!m_run.isEmpty()) m_session->selection()->selectRun(m_run);
    Q_EMIT runChanged();
  });
  connect(session->runs(), &RunStore::changed, this, &RunPicker::refill);
  connect(session->selection(), &Selection::changed, this, &RunPicker::follow);
  refill();
}

const RunRow* RunPicker::run() const { return m_run.isEmpty() ? nullptr : m_session->runs()->find(m_run); }

void RunPicker::refill() {
  const QString before = m_run;
  {
    const QSignalBlocker blocker(this);
    clear();
    if (!m_nothing.isEmpty()) addItem(m_nothing, QString());
    for (const RunRow& row : m_session->runs()->rows()) {
      // The baseline is the model that is open.
      if (row.isBaseline() || row.bundle.isEmpty()) continue;
      addItem(row.name, row.hash);
      setItemData(count() - 1, row.name, Qt::ToolTipRole);
    }
    if (findData(m_run) < 0) m_run.clear();
    const QString selected = m_session->selection()->state().run;
    if (m_run.isEmpty() && m_nothing.isEmpty()) m_run = findData(selected) >= 0 ? selected : itemData(0).toString();
    setCurrentIndex(findData(m_run));
  }
  const bool any = count() > (m_nothing.isEmpty() ? 0 : 1);
  setEnabled(any);
  setToolTip(any ? tr("The run that the open model is compared with.")
                 : tr("Run a recipe on this model first: there is nothing to compare with yet."));
  if (m_run != before) Q_EMIT runChanged();
}

// A picker that shows no run stays with none until somebody chooses there.
void RunPicker::follow() {
  const QString& selected = m_session->selection()->state().run;
  if (m_run.isEmpty() || selected == m_run) return;
  const int index = findData(selected);
  if (selected.isEmpty() || index < 0) return;
  m_run = selected;
  setCurrentIndex(index);
  Q_EMIT runChanged();
}

}  // namespace espalier
