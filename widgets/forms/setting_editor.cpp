#include "widgets/forms/setting_editor.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QToolButton>
#include <QWheelEvent>

#include "base/json.h"
#include "widgets/models/head_list.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

QHBoxLayout* plainRow(QWidget* owner) {
  auto* layout = new QHBoxLayout(owner);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kGrid / 2);
  return layout;
}

std::string stringOr(const Json& value, const Json& fallback) {
  if (value.is_string()) return value.get<std::string>();
  return fallback.is_string() ? fallback.get<std::string>() : std::string();
}

class BoolEditor : public SettingEditor {
 public:
  BoolEditor(const Setting& setting, QWidget* parent) : SettingEditor(setting, parent) {
    m_box = new QCheckBox(this);
    plainRow(this)->addWidget(m_box);
    setFocusProxy(m_box);
    connect(m_box, &QCheckBox::toggled, this, &SettingEditor::edited);
  }
  void setValue(const Json& value) override {
    const QSignalBlocker blocker(m_box);
    const Json& shown = value.is_boolean() ? value : *setting().default_value;
    m_box->setChecked(shown.is_boolean() && shown.get<bool>());
  }
  Json value() const override { return m_box->isChecked(); }

 private:
  QCheckBox* m_box;
};

class NumberEditor : public SettingEditor {
 public:
  NumberEditor(const Setting& setting, QWidget* parent)
      : SettingEditor(setting, parent), m_whole(setting.type == SettingType::Integer) {
    m_box = new NumberBox(m_whole, this);
    m_box->setStepRange(setting.minimum, setting.maximum);
    if (setting.step) {
      m_box->setStepType(QAbstractSpinBox::DefaultStepType);
      m_box->setSingleStep(*setting.step);
    }
    if (!setting.unit.empty()) m_box->setSuffix(QStringLiteral(" ") + QString::fromStdString(setting.unit));
    plainRow(this)->addWidget(m_box);
    setFocusProxy(m_box);
    connect(m_box, &QDoubleSpinBox::valueChanged, this, &SettingEditor::edited);
  }
  void setValue(const Json& value) override {
    const Json& shown = value.is_number() ? value : *setting().default_value;
    const double number = shown.is_number() ? shown.get<double>() : 0;
    if (number == m_box->value()) return;
    const QSignalBlocker blocker(m_box);
    m_box->setValue(number);
  }
  Json value() const override {
    if (m_whole) return static_cast<int64_t>(m_box->value());
    return m_box->value();
  }

 private:
  bool m_whole;
  NumberBox* m_box;
};

// A list that scrolls past without changing.
class CalmComboBox : public QComboBox {
 public:
  using QComboBox::QComboBox;

 protected:
  void wheelEvent(QWheelEvent* event) override {
    if (hasFocus()) {
      QComboBox::wheelEvent(event);
    } else {
      event->ignore();
    }
  }
};

class ChoiceEditor : public SettingEditor {
 public:
  ChoiceEditor(const Setting& setting, QWidget* parent) : SettingEditor(setting, parent) {
    m_box = new CalmComboBox(this);
    m_box->setFocusPolicy(Qt::StrongFocus);
    m_box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_box->setMinimumContentsLength(8);
    for (const SettingChoice& choice : setting.choices) {
      const std::string& label = choice.label.empty() ? choice.value : choice.label;
      m_box->addItem(QString::fromStdString(label), QString::fromStdString(choice.value));
    }
    plainRow(this)->addWidget(m_box);
    setFocusProxy(m_box);
    connect(m_box, &QComboBox::currentIndexChanged, this, &SettingEditor::edited);
  }
  void setValue(const Json& value) override {
    const QSignalBlocker blocker(m_box);
    const QString wanted = QString::fromStdString(stringOr(value, *setting().default_value));
    int index = m_box->findData(wanted);
    if (index < 0) {
      // Shown as it is, so that the form can mark it.
      m_box->addItem(wanted, wanted);
      index = m_box->count() - 1;
    }
    m_box->setCurrentIndex(index);
  }
  Json value() const override { return m_box->currentData().toString().toStdString(); }

 private:
  QComboBox* m_box;
};

class TextEditor : public SettingEditor {
 public:
  TextEditor(const Setting& setting, QWidget* parent) : SettingEditor(setting, parent) {
    m_line = new QLineEdit(this);
    QHBoxLayout* row = plainRow(this);
    row->addWidget(m_line);
    setFocusProxy(m_line);
    if (setting.type == SettingType::Path) {
      auto* browse = new QToolButton(this);
      browse->setText(QStringLiteral("…"));
      browse->setToolTip(tr("Choose a folder."));
      browse->setAccessibleName(tr("Choose a folder for %1").arg(QString::fromStdString(setting.label)));
      row->addWidget(browse);
      connect(browse, &QToolButton::clicked, this, [this] {
        const QString folder = QFileDialog::getExistingDirectory(this, {}, m_line->text());
        if (!folder.isEmpty()) m_line->setText(folder);
      });
    }
    connect(m_line, &QLineEdit::textChanged, this, &SettingEditor::edited);
  }
  void setValue(const Json& value) override {
    const QString text = QString::fromStdString(stringOr(value, *setting().default_value));
    if (text == m_line->text()) return;
    const QSignalBlocker blocker(m_line);
    m_line->setText(text);
  }
  Json value() const override { return m_line->text().toStdString(); }

 private:
  QLineEdit* m_line;
};

class HeadListEditor : public SettingEditor {
 public:
  HeadListEditor(const Setting& setting, QWidget* parent) : SettingEditor(setting, parent) {
    m_line = new QLineEdit(this);
    m_line->setPlaceholderText(tr("none, or say 0.3, 1.4-7"));
    plainRow(this)->addWidget(m_line);
    setFocusProxy(m_line);
    connect(m_line, &QLineEdit::textChanged, this, &SettingEditor::edited);
  }
  void setValue(const Json& value) override {
    const HeadSet heads = headsFromJson(value.is_array() ? value : *setting().default_value);
    const std::optional<HeadSet> typed = headsFromText(m_line->text());
    if (typed && *typed == heads) return;
    const QSignalBlocker blocker(m_line);
    m_line->setText(headsToText(heads));
  }
  Json value() const override { return headsToJson(headsFromText(m_line->text()).value_or(HeadSet{})); }
  QString problem() const override {
    return headsFromText(m_line->text()) ? QString() : tr("Write each as layer.number, for example 0.3, 1.4-7.");
  }

 private:
  QLineEdit* m_line;
};

}  // namespace

SettingEditor* makeSettingEditor(const Setting& setting, QWidget* parent) {
  switch (setting.type) {
    case SettingType::Bool:
      return new BoolEditor(setting, parent);
    case SettingType::Integer:
    case SettingType::Real:
      return new NumberEditor(setting, parent);
    case SettingType::Choice:
      return new ChoiceEditor(setting, parent);
    case SettingType::HeadList:
      return new HeadListEditor(setting, parent);
    case SettingType::Text:
    case SettingType::Path:
      return new TextEditor(setting, parent);
  }
  return nullptr;
}

}  // namespace espalier
