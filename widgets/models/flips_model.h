#pragma once
// Examples whose answer changed from the open model to a run, as the "flips" job tells them.

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <QString>
#include <QStringList>

#include <optional>
#include <set>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

enum class FlipChange { Lost, Gained, Moved };  // right to wrong, wrong to right, wrong to another wrong

struct FlipExample {
  qint64 index = 0;  // of the split
  FlipChange change = FlipChange::Lost;
  QString text;
  QString pair;
  int gold = -1, before = -1, after = -1;              // labels
  double beforeProbability = 0, afterProbability = 0;  // of the own answer
  double lossChange = 0;                               // nats; positive: worse
};

struct FlipTotals {
  qint64 examples = 0, lost = 0, gained = 0, moved = 0;
  double before = 0, after = 0;  // accuracy
  double p = 1;                  // McNemar
};

struct FlipGroup {
  QString by;    // "length", "label", "loss", "word"
  QString name;  // "9-16 tokens"
  FlipTotals counts;
  std::set<qint64> members;  // examples of the split
};

using LabelCounts = std::vector<std::vector<qint64>>;

struct FlipsReport {
  FlipTotals all;
  QStringList labels;
  LabelCounts between;  // [answer before][answer after]
  LabelCounts after;    // [gold][answer after]
  std::vector<FlipExample> examples;
  std::vector<FlipGroup> slices;
};
// Throws Format where a member is missing or no such thing.
FlipsReport readFlips(const Json& answer);

class FlipsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { ChangeColumn, TextColumn, GoldColumn, BeforeColumn, AfterColumn, LossColumn, NumColumns };
  enum Role { ExampleRole = Qt::UserRole, SortRole };

  explicit FlipsModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  void setReport(std::vector<FlipExample> examples, const QStringList& labels);
  const FlipExample& at(int row) const { return m_examples[static_cast<size_t>(row)]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString labelName(int label) const;

  std::vector<FlipExample> m_examples;
  QStringList m_labels;
};

// What of the examples is seen. The worst stand first until somebody sorts otherwise.
class FlipsFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit FlipsFilter(FlipsModel* model, QObject* parent = nullptr);

  void setChange(FlipChange change, bool shown);
  // Of one slice; none: of all.
  void setMembers(std::optional<std::set<qint64>> members);
  // Answers of one cell: `before` and `after`, or `gold` and `after`; -1 asks nothing.
  void setCell(int gold, int before, int after);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  FlipsModel* m_model;
  std::set<FlipChange> m_changes{FlipChange::Lost, FlipChange::Gained, FlipChange::Moved};
  std::optional<std::set<qint64>> m_members;
  int m_gold = -1, m_before = -1, m_after = -1;
};

}  // namespace espalier
