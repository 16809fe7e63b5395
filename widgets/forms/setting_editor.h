#pragma once
#include <QDoubleSpinBox>
#include <QWidget>

#include "recipe/setting.h"

namespace espalier {

// Edits the value of one setting. Values outside the schema's range can be shown and typed: the form marks them,
// nothing is changed silently.
class SettingEditor : public QWidget {
  Q_OBJECT

 public:
  explicit SettingEditor(const Setting& setting, QWidget* parent = nullptr) : QWidget(parent), m_setting(setting) {}

  const Setting& setting() const { return m_setting; }
  // Shows a value without emitting. A value of the wrong type shows the default.
  virtual void setValue(const Json& value) = 0;
  virtual Json value() const = 0;
  // What keeps the typed text from being a value; empty when it is one.
  virtual QString problem() const { return {}; }

 Q_SIGNALS:
  void edited();

 private:
  Setting m_setting;
};

// The editor for the setting's type.
SettingEditor* makeSettingEditor(const Setting& setting, QWidget* parent);

// A number as short as it can be written ("5e-05", "0.25", "32") with a range wider than any schema's. The wheel only
// works with the focus, so that scrolling a form changes nothing.
class NumberBox : public QDoubleSpinBox {
  Q_OBJECT

 public:
  explicit NumberBox(bool whole, QWidget* parent = nullptr);

  // Where the arrows stop.
  void setStepRange(std::optional<double> minimum, std::optional<double> maximum);

  QString textFromValue(double value) const override;
  double valueFromText(const QString& text) const override;
  QValidator::State validate(QString& text, int& position) const override;
  void stepBy(int steps) override;
  QSize minimumSizeHint() const override;

 protected:
  void wheelEvent(QWheelEvent* event) override;

 private:
  // The text without prefix and suffix.
  QString bare(const QString& text) const;

  bool m_whole;
  std::optional<double> m_stepMinimum;
  std::optional<double> m_stepMaximum;
};

}  // namespace espalier
