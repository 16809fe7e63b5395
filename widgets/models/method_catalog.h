#pragma once
// The methods that the worker offers, with the schema of their settings. The window links none of them.

#include <QObject>
#include <QString>

#include <vector>

#include "base/error.h"
#include "recipe/setting.h"

namespace espalier {

struct MethodEntry {
  QString id;      // "prune.heads"
  QString title;   // "Attention heads (Michel 2019)"
  QString family;  // "prune"
  QString paper;
  QString summary;
  QString page;  // Markdown
  std::vector<Setting> settings;
};

class MethodCatalog : public QObject {
  Q_OBJECT

 public:
  enum class State { Empty, Loading, Ready, Failed };

  explicit MethodCatalog(QObject* parent = nullptr) : QObject(parent) {}

  State state() const { return m_state; }
  const std::vector<MethodEntry>& entries() const { return m_entries; }
  // Null when there is none.
  const MethodEntry* find(const QString& id) const;
  // The families in the order of the entries.
  QStringList families() const;
  const QString& failure() const { return m_failure; }

  void setLoading();
  // The answer of a "methods" job; an answer of another shape becomes a failure.
  void setAnswer(const Json& answer);
  void setFailed(const QString& message);

 Q_SIGNALS:
  void changed();

 private:
  State m_state = State::Empty;
  std::vector<MethodEntry> m_entries;
  QString m_failure;
};

// "Prune" for "prune": how a family is called in menus.
QString familyTitle(const QString& family);

}  // namespace espalier
