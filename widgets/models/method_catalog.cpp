#include "widgets/models/method_catalog.h"

#include <QStringList>

#include "base/json.h"

namespace espalier {

namespace {

QString text(const Json& json, const char* key) {
  return QString::fromStdString(json_get_or<std::string>(json, key, "", "methods"));
}

}  // namespace

const MethodEntry* MethodCatalog::find(const QString& id) const {
  for (const MethodEntry& entry : m_entries) {
    if (entry.id == id) return &entry;
  }
  return nullptr;
}

QStringList MethodCatalog::families() const {
  QStringList families;
  for (const MethodEntry& entry : m_entries) {
    if (!families.contains(entry.family)) families << entry.family;
  }
  return families;
}

void MethodCatalog::setLoading() {
  m_state = State::Loading;
  Q_EMIT changed();
}

void MethodCatalog::setAnswer(const Json& answer) {
  std::vector<MethodEntry> entries;
  try {
    for (const Json& item : json_get<Json>(answer, "methods", "methods")) {
      MethodEntry entry;
      entry.id = QString::fromStdString(json_get<std::string>(item, "id", "methods"));
      entry.title = text(item, "title");
      entry.family = text(item, "family");
      entry.paper = text(item, "paper");
      entry.summary = text(item, "summary");
      entry.page = text(item, "page");
      for (const Json& setting : json_get_or<Json>(item, "settings", Json::array(), "methods")) {
        entry.settings.push_back(setting_from_json(setting, entry.id.toStdString()));
      }
      entries.push_back(std::move(entry));
    }
  } catch (...) {
    setFailed(QString::fromStdString(current_error_info().message));
    return;
  }
  m_entries = std::move(entries);
  m_failure.clear();
  m_state = State::Ready;
  Q_EMIT changed();
}

void MethodCatalog::setFailed(const QString& message) {
  m_failure = message;
  m_state = State::Failed;
  Q_EMIT changed();
}

QString familyTitle(const QString& family) {
  if (family.isEmpty()) return family;
  return family.left(1).toUpper() + family.mid(1);
}

}  // namespace espalier
