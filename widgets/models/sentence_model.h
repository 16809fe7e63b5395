#pragma once
// The sentence that Attention and Saliency show: typed, or an example of the open task.

#include <QObject>
#include <QString>
#include <QStringList>

#include <map>
#include <utility>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

class JobCenter;
class Selection;

struct Sentence {
  QString text;
  QString pair;  // empty for single sentences
  bool hasPair = false;
  int label = -1;                             // of the data set; -1 for typed text
  std::vector<std::pair<int, int>> evidence;  // code point spans of words known to decide; the lab only
  qint64 example = -1;                        // row of the split; -1 for typed text
  bool operator==(const Sentence&) const = default;
};

class SentenceModel : public QObject {
  Q_OBJECT

 public:
  SentenceModel(JobCenter* jobs, Selection* selection, QObject* parent = nullptr);

  const Sentence& sentence() const { return m_sentence; }
  const QStringList& labels() const { return m_labels; }
  // Examples in the split; -1 until known.
  qint64 total() const { return m_total; }
  bool hasSource() const { return !m_task.isEmpty(); }
  const QString& split() const { return m_split; }
  const QString& problem() const { return m_problem; }

  // Another task: forgets its examples; "" for none. The first example is shown when nothing was typed.
  void setSource(const QString& task, const QString& split);
  void setTyped(const QString& text, const QString& pair);
  // Shows an example, asking the worker when it is not there yet.
  void showExample(qint64 example);

 Q_SIGNALS:
  void sentenceChanged();
  // Total, labels or problem.
  void sourceChanged();

 private:
  void ask(qint64 offset);
  void takePage(qint64 offset, const Json& answer);
  void set(const Sentence& sentence);

  JobCenter* m_jobs;
  Selection* m_selection;
  Sentence m_sentence;
  QString m_task;
  QString m_split;
  QStringList m_labels;
  qint64 m_total = -1;
  QString m_problem;
  std::map<qint64, Sentence> m_known;
  qint64 m_wanted = -1;
  quint64 m_request = 0;
};

}  // namespace espalier
