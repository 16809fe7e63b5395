#pragma once
// What comes back after a restart or a crash: layout, last model and task, recent folders, the recipe as it was.

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>
#include <QThreadPool>

#include <optional>

#include "recipe/recipe.h"
#include "widgets/theme/theme.h"

namespace espalier {

class WindowSettings {
 public:
  // `file`: an INI file; empty for the user's own place.
  explicit WindowSettings(const QString& file);
  ~WindowSettings();

  QStringList recent() const;  // models, newest first, at most nine
  void addRecent(const QString& model);
  QString lastModel() const { return value("session/model"); }
  void setLastModel(const QString& model) { m_settings.setValue(QStringLiteral("session/model"), model); }
  // The task that was last used with a model.
  QString taskFor(const QString& model) const;
  void setTaskFor(const QString& model, const QString& task);
  QString lastPage() const { return value("session/page"); }
  void setLastPage(const QString& page) { m_settings.setValue(QStringLiteral("session/page"), page); }

  ThemeMode themeMode() const;
  void setThemeMode(ThemeMode mode);
  double textScale() const;
  void setTextScale(double scale) { m_settings.setValue(QStringLiteral("view/textScale"), scale); }

  QByteArray geometry() const { return m_settings.value(QStringLiteral("window/geometry")).toByteArray(); }
  QByteArray state() const { return m_settings.value(QStringLiteral("window/state")).toByteArray(); }
  void setLayout(const QByteArray& geometry, const QByteArray& state);

  // The recipe being edited; written on a thread, in order, never half. Nothing when there is none or it is damaged.
  std::optional<Recipe> savedRecipe() const;
  void saveRecipe(const Recipe& recipe);

 private:
  QString value(const char* key) const { return m_settings.value(QLatin1String(key)).toString(); }
  QString recipeFile() const;

  QSettings m_settings;
  QThreadPool m_writer;
};

}  // namespace espalier
