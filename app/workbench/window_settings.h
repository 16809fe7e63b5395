#pragma once
// What comes back after a restart or a crash: layout, last model and task, recent folders, the recipe as it was.

#include <QByteArray>
#include <QHash>
#include <QString>
#include <QStringList>
#include <QThreadPool>
#include <QVariant>

#include <optional>

#include "recipe/recipe.h"
#include "widgets/theme/theme.h"

namespace espalier {

// Read once at the start. Every change is written on a thread, in order, so that a slow disk cannot stop the window.
class WindowSettings {
 public:
  // `file`: an INI file; empty for the user's own place.
  explicit WindowSettings(const QString& file);
  ~WindowSettings();

  QStringList recent() const;  // models, newest first, at most nine
  void addRecent(const QString& model);
  QString lastModel() const { return value("session/model"); }
  void setLastModel(const QString& model) { set(QStringLiteral("session/model"), model); }
  // The task that was last used with a model.
  QString taskFor(const QString& model) const;
  void setTaskFor(const QString& model, const QString& task);
  QString lastPage() const { return value("session/page"); }
  void setLastPage(const QString& page) { set(QStringLiteral("session/page"), page); }

  ThemeMode themeMode() const;
  void setThemeMode(ThemeMode mode);
  double textScale() const;
  void setTextScale(double scale) { set(QStringLiteral("view/textScale"), scale); }

  QByteArray geometry() const { return m_values.value(QStringLiteral("window/geometry")).toByteArray(); }
  QByteArray state() const { return m_values.value(QStringLiteral("window/state")).toByteArray(); }
  void setLayout(const QByteArray& geometry, const QByteArray& state);

  // The recipe being edited; never written half. Nothing when there is none or it is damaged.
  std::optional<Recipe> savedRecipe() const;
  void saveRecipe(const Recipe& recipe);

 private:
  QString value(const char* key) const { return m_values.value(QLatin1String(key)).toString(); }
  void set(const QString& key, const QVariant& value);
  QString recipeFile() const;

  QString m_file;
  QHash<QString, QVariant> m_values;
  QThreadPool m_writer;
};

}  // namespace espalier
