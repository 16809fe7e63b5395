#include "widgets/forms/setting_form.h"

#include <QEvent>
#include <QGridLayout>
#include <QLabel>
#include <QStringList>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

#include "base/json.h"
#include "widgets/forms/setting_editor.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

QString defaultText(const Setting& setting) {
  if (setting.default_value->is_string()) return QString::fromStdString(setting.default_value->get<std::string>());
  if (setting.default_value->is_boolean())
    return setting.default_value->get<bool>() ? SettingForm::tr("on") : SettingForm::tr("off");
  if (setting.default_value->is_number()) return formatNumber(setting.default_value->get<double>(), 6);
  return {};
}

// Help, range and default in whole sentences.
QString helpText(const Setting& setting) {
  QStringList sentences{QString::fromStdString(setting.help)};
  const QString unit = setting.unit.empty() ? QString() : QStringLiteral(" ") + QString::fromStdString(setting.unit);
  if (setting.minimum && setting.maximum) {
    sentences << SettingForm::tr("From %1 to %2%3.")
                     .arg(formatNumber(*setting.minimum, 6), formatNumber(*setting.maximum, 6), unit);
  } else if (setting.minimum) {
    sentences << SettingForm::tr("At least %1%2.").arg(formatNumber(*setting.minimum, 6), unit);
  } else if (setting.maximum) {
    sentences << SettingForm::tr("At most %1%2.").arg(formatNumber(*setting.maximum, 6), unit);
  }
  const QString fallback = defaultText(setting);
  if (!fallback.isEmpty()) sentences << SettingForm::tr("Default: %1%2.").arg(fallback, unit);
  return sentences.join(QLatin1Char(' '));
}

}  // namespace

SettingForm::SettingForm(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kGrid);
  m_general = new QLabel(this);
  m_general->setWordWrap(true);
  m_general->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_general->hide();
  layout->addWidget(m_general);
  m_grid = new QGridLayout;
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setHorizontalSpacing(kGrid);
  m_grid->setVerticalSpacing(kGrid / 2);
  m_grid->setColumnStretch(1, 1);
  layout->addLayout(m_grid);
  m_advancedButton = new QToolButton(this);
  m_advancedButton->setAutoRaise(true);
  m_advancedButton->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  m_advancedButton->setFocusPolicy(Qt::TabFocus);
  m_advancedButton->hide();
  layout->addWidget(m_advancedButton);
  connect(m_advancedButton, &QToolButton::clicked, this, [this] {
    setAdvancedShown(!m_advancedShown);
    Q_EMIT advancedShownChanged(m_advancedShown);
  });
  connect(&Theme::instance(), &Theme::changed, this, &SettingForm::recolor);
  recolor();
}

void SettingForm::recolor() {
  const QString style = QStringLiteral("color: %1;").arg(Theme::instance().colors().error.name());
  m_general->setStyleSheet(style);
  for (Row& row : m_rows) {
    row.issue->setStyleSheet(style);
    row.issue->setFont(Theme::instance().secondaryFont());
  }
}

void SettingForm::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::EnabledChange) {
    for (Row& row : m_rows) row.reset->setEnabled(isEnabled());
  }
}

void SettingForm::setSchema(const std::vector<Setting>& schema) {
  for (Row& row : m_rows) {
    delete row.label;
    delete row.editor;
    delete row.reset;
    delete row.issue;
  }
  m_rows.clear();
  m_general->hide();
  // Basic settings first; both levels keep the schema's order.
  int line = 0;
  for (const SettingLevel level : {SettingLevel::Basic, SettingLevel::Advanced}) {
    for (const Setting& setting : schema) {
      if (setting.level == level) addRow(setting, 2 * line++);
    }
  }
  recolor();
  const bool anyAdvanced =
      std::any_of(schema.begin(), schema.end(), [](const Setting& s) { return s.level == SettingLevel::Advanced; });
  m_advancedButton->setVisible(anyAdvanced);
  setAdvancedShown(m_advancedShown);
}

void SettingForm::addRow(const Setting& setting, int line) {
  Row row;
  row.setting = setting;
  const QString name = QString::fromStdString(setting.label.empty() ? setting.key : setting.label);
  const QString help = helpText(setting);
  row.label = new QLabel(name, this);
  row.label->setToolTip(help);
  row.label->setWordWrap(true);
  row.editor = makeSettingEditor(setting, this);
  row.editor->setToolTip(help);
  row.label->setBuddy(row.editor);
  if (QWidget* field = row.editor->focusProxy()) {
    field->setAccessibleName(name);
    field->setAccessibleDescription(help);
    field->setObjectName(QString::fromStdString(setting.key));
  }
  row.reset = new QToolButton(this);
  row.reset->setAutoRaise(true);
  row.reset->setText(QStringLiteral("↺"));
  row.reset->setToolTip(tr("Back to the default."));
  row.reset->setAccessibleName(tr("Reset %1").arg(name));
  QSizePolicy keep = row.reset->sizePolicy();
  keep.setRetainSizeWhenHidden(true);
  row.reset->setSizePolicy(keep);
  row.reset->hide();
  row.issue = new QLabel(this);
  row.issue->setWordWrap(true);
  row.issue->hide();
  m_grid->addWidget(row.label, line, 0);
  m_grid->addWidget(row.editor, line, 1);
  m_grid->addWidget(row.reset, line, 2);
  m_grid->addWidget(row.issue, line + 1, 0, 1, 3);
  const std::string key = setting.key;
  connect(row.editor, &SettingEditor::edited, this, [this, key] {
    for (Row& edited : m_rows) {
      if (edited.setting.key != key) continue;
      refreshIssue(edited);
      if (edited.editor->problem().isEmpty()) Q_EMIT this->edited(key, edited.editor->value());
      return;
    }
  });
  connect(row.reset, &QToolButton::clicked, this, [this, key] { Q_EMIT resetAsked(key); });
  m_rows.push_back(std::move(row));
}

void SettingForm::setValues(const Json& values) {
  for (Row& row : m_rows) {
    const auto found = values.is_object() ? values.find(row.setting.key) : values.end();
    const bool given = values.is_object() && found != values.end();
    row.editor->setValue(given ? *found : *row.setting.default_value);
    row.reset->setVisible(given && *found != *row.setting.default_value && !row.label->isHidden());
    refreshIssue(row);
  }
}

void SettingForm::setIssues(const std::vector<Issue>& issues) {
  QStringList general;
  for (Row& row : m_rows) row.issueMessage.clear();
  for (const Issue& issue : issues) {
    const auto row =
        std::find_if(m_rows.begin(), m_rows.end(), [&](const Row& r) { return r.setting.key == issue.key; });
    if (row == m_rows.end()) {
      const QString message = QString::fromStdString(issue.message);
      if (!general.contains(message)) general << message;
    } else if (row->issueMessage.find(issue.message) == std::string::npos) {
      if (!row->issueMessage.empty()) row->issueMessage += "\n";
      row->issueMessage += issue.message;
    }
  }
  for (Row& row : m_rows) refreshIssue(row);
  m_general->setText(general.join(QLatin1Char('\n')));
  m_general->setVisible(!general.isEmpty());
}

void SettingForm::refreshIssue(Row& row) {
  const QString problem = row.editor->problem();
  const QString text = problem.isEmpty() ? QString::fromStdString(row.issueMessage) : problem;
  row.issue->setText(text);
  // A faulty setting is shown even among hidden ones.
  showRow(row);
}

void SettingForm::showRow(Row& row) {
  const bool faulty = !row.issue->text().isEmpty();
  const bool shown = row.setting.level == SettingLevel::Basic || m_advancedShown || faulty;
  row.label->setVisible(shown);
  row.editor->setVisible(shown);
  row.issue->setVisible(shown && faulty);
  if (!shown) row.reset->hide();
}

void SettingForm::setAdvancedShown(bool shown) {
  m_advancedShown = shown;
  m_advancedButton->setText(shown ? tr("Fewer settings") : tr("More settings"));
  m_advancedButton->setArrowType(shown ? Qt::UpArrow : Qt::RightArrow);
  for (Row& row : m_rows) showRow(row);
}

SettingEditor* SettingForm::editor(const std::string& key) const {
  for (const Row& row : m_rows) {
    if (row.setting.key == key) return row.editor;
  }
  return nullptr;
}

QString SettingForm::issueText(const std::string& key) const {
  for (const Row& row : m_rows) {
    if (row.setting.key == key) return row.issue->isHidden() ? QString() : row.issue->text();
  }
  return m_general->isHidden() ? QString() : m_general->text();
}

}  // namespace espalier
