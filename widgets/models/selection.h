#pragma once
// The one selection that every view shares, and where it was before.

#include <QObject>
#include <QString>

#include <vector>

namespace espalier {

// Numbers are -1 and texts empty when nothing of that kind is selected.
struct SelectionState {
  QString page;  // name of the page in front
  QString slot;  // "encoder.3.attention.q_proj.weight"
  int layer = -1;
  int head = -1;        // number in the model as first opened
  int token = -1;       // position in the sentence shown
  qint64 example = -1;  // row of the split shown
  QString run;          // hash of the step
  bool operator==(const SelectionState&) const = default;
};

class Selection : public QObject {
  Q_OBJECT

 public:
  explicit Selection(QObject* parent = nullptr) : QObject(parent) {}

  const SelectionState& state() const { return m_state; }

  void setPage(const QString& page);
  // A weight; `layer` is -1 outside the stack. The head is kept when the layer stays.
  void selectSlot(const QString& slot, int layer);
  void selectLayer(int layer);
  void selectHead(int layer, int head);
  void selectToken(int token);
  void selectExample(qint64 example);
  void selectRun(const QString& hash);
  // Back to what was selected at some time; a step of the history like any other.
  void restore(const SelectionState& state) { set(state, true); }
  // Everything but the page, history included: another model was opened.
  void reset();

  bool canGoBack() const { return !m_back.empty(); }
  bool canGoForward() const { return !m_forward.empty(); }
  void goBack();
  void goForward();

  // "layer 3, head 7"; empty when nothing is selected.
  QString describe() const;

 Q_SIGNALS:
  void changed(const SelectionState& now, const SelectionState& before);
  void historyChanged();

 private:
  void set(const SelectionState& state, bool remember);

  SelectionState m_state;
  std::vector<SelectionState> m_back;
  std::vector<SelectionState> m_forward;
};

}  // namespace espalier

Q_DECLARE_METATYPE(espalier::SelectionState)
