#include "widgets/models/selection.h"

#include <QStringList>

namespace espalier {

namespace {
constexpr size_t kHistoryLimit = 100;
}

void Selection::set(const SelectionState& state, bool remember) {
  if (state == m_state) return;
  const SelectionState before = m_state;
  if (remember) {
    m_back.push_back(before);
    if (m_back.size() > kHistoryLimit) m_back.erase(m_back.begin());
    m_forward.clear();
  }
  m_state = state;
  Q_EMIT changed(m_state, before);
  if (remember) Q_EMIT historyChanged();
}

void Selection::setPage(const QString& page) {
  SelectionState state = m_state;
  state.page = page;
  set(state, !m_state.page.isEmpty());
}

void Selection::selectSlot(const QString& slot, int layer) {
  SelectionState state = m_state;
  state.slot = slot;
  if (layer != state.layer) state.head = -1;
  state.layer = layer;
  set(state, true);
}

void Selection::selectLayer(int layer) {
  SelectionState state = m_state;
  if (layer != state.layer) {
    state.head = -1;
    state.slot.clear();
  }
  state.layer = layer;
  set(state, true);
}

void Selection::selectHead(int layer, int head) {
  SelectionState state = m_state;
  state.layer = layer;
  state.head = head;
  set(state, true);
}

void Selection::selectToken(int token) {
  SelectionState state = m_state;
  state.token = token;
  set(state, false);
}

void Selection::selectExample(qint64 example) {
  SelectionState state = m_state;
  state.example = example;
  state.token = -1;
  // The first example is shown unasked: there is nothing to go back to.
  set(state, m_state.example >= 0);
}

void Selection::selectRun(const QString& hash) {
  SelectionState state = m_state;
  state.run = hash;
  set(state, true);
}

void Selection::reset() {
  m_back.clear();
  m_forward.clear();
  SelectionState state;
  state.page = m_state.page;
  set(state, false);
  Q_EMIT historyChanged();
}

void Selection::goBack() {
  if (m_back.empty()) return;
  const SelectionState state = m_back.back();
  m_back.pop_back();
  m_forward.push_back(m_state);
  set(state, false);
  Q_EMIT historyChanged();
}

void Selection::goForward() {
  if (m_forward.empty()) return;
  const SelectionState state = m_forward.back();
  m_forward.pop_back();
  m_back.push_back(m_state);
  set(state, false);
  Q_EMIT historyChanged();
}

QString Selection::describe() const {
  QStringList parts;
  if (m_state.layer >= 0) parts << tr("layer %1").arg(m_state.layer);
  if (m_state.head >= 0) parts << tr("head %1").arg(m_state.head);
  if (m_state.layer < 0 && !m_state.slot.isEmpty()) parts << m_state.slot;
  if (m_state.example >= 0) parts << tr("example %1").arg(m_state.example + 1);
  return parts.join(QStringLiteral(", "));
}

}  // namespace espalier
