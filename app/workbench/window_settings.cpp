#include "app/workbench/window_settings.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QSettings>

#include "base/error.h"
#include "base/json.h"
#include "formats/atomic_file.h"

namespace espalier {

namespace {

constexpr qsizetype kRecentLimit = 9;
const QString kOrganization = QStringLiteral("espalier");
const QString kApplication = QStringLiteral("workbench");

QString taskKey(const QString& model) {
  // A path is no key: slashes would make groups.
  const QByteArray digest = QCryptographicHash::hash(model.toUtf8(), QCryptographicHash::Sha1).toHex().left(16);
  return QStringLiteral("tasks/") + QString::fromLatin1(digest);
}

}  // namespace

WindowSettings::WindowSettings(const QString& file)
    : m_file(file.isEmpty()
                 ? QSettings(QSettings::IniFormat, QSettings::UserScope, kOrganization, kApplication).fileName()
                 : file) {
  m_writer.setMaxThreadCount(1);
  const QSettings stored(m_file, QSettings::IniFormat);
  for (const QString& key : stored.allKeys()) m_values[key] = stored.value(key);
}

WindowSettings::~WindowSettings() { m_writer.waitForDone(); }

void WindowSettings::set(const QString& key, const QVariant& value) {
  if (m_values.value(key) == value) return;
  m_values[key] = value;
  m_writer.start([file = m_file, key, value] {
    QSettings stored(file, QSettings::IniFormat);
    stored.setValue(key, value);
    stored.sync();
  });
}

QStringList WindowSettings::recent() const { return m_values.value(QStringLiteral("recent/models")).toStringList(); }

void WindowSettings::addRecent(const QString& model) {
  QStringList models = recent();
  models.removeAll(model);
  models.prepend(model);
  set(QStringLiteral("recent/models"), models.mid(0, kRecentLimit));
}

QString WindowSettings::taskFor(const QString& model) const { return m_values.value(taskKey(model)).toString(); }

void WindowSettings::setTaskFor(const QString& model, const QString& task) { set(taskKey(model), task); }

ThemeMode WindowSettings::themeMode() const {
  const QString mode = value("view/theme");
  if (mode == QLatin1String("light")) return ThemeMode::Light;
  if (mode == QLatin1String("dark")) return ThemeMode::Dark;
  return ThemeMode::System;
}

void WindowSettings::setThemeMode(ThemeMode mode) {
  set(QStringLiteral("view/theme"), mode == ThemeMode::Light  ? QStringLiteral("light")
                                    : mode == ThemeMode::Dark ? QStringLiteral("dark")
                                                              : QStringLiteral("system"));
}

double WindowSettings::textScale() const {
  const double scale = m_values.value(QStringLiteral("view/textScale"), 1.0).toDouble();
  return scale >= 0.75 && scale <= 3 ? scale : 1.0;
}

void WindowSettings::setLayout(const QByteArray& geometry, const QByteArray& state) {
  set(QStringLiteral("window/geometry"), geometry);
  set(QStringLiteral("window/state"), state);
}

QString WindowSettings::recipeFile() const {
  return QFileInfo(m_file).absoluteDir().filePath(QStringLiteral("recipe.autosave.json"));
}

std::optional<Recipe> WindowSettings::savedRecipe() const {
  const QString file = recipeFile();
  if (!QFileInfo::exists(file)) return std::nullopt;
  try {
    return read_recipe(file.toStdString());
  } catch (const Error&) {
    // A file that someone else damaged is no reason not to start.
    return std::nullopt;
  }
}

void WindowSettings::saveRecipe(const Recipe& recipe) {
  m_writer.start([file = recipeFile().toStdString(), text = to_json(recipe).dump(2)] {
    try {
      std::filesystem::create_directories(std::filesystem::path(file).parent_path());
      write_file_atomically(file, text);
    } catch (const std::exception& error) {
      // A full disk must not stop the work; the next edit tries again.
      qWarning("the recipe was not saved: %s", error.what());
    }
  });
}

}  // namespace espalier
