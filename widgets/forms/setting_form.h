#pragma once
#include <QWidget>

#include <map>
#include <vector>

#include "recipe/setting.h"

class QGridLayout;
class QLabel;
class QToolButton;

namespace espalier {

class SettingEditor;

// A form made from a schema. It holds no values of its own: an edit is announced, and the owner answers with setValues.
class SettingForm : public QWidget {
  Q_OBJECT

 public:
  explicit SettingForm(QWidget* parent = nullptr);

  // Builds the form anew. Only settings that differ from what is shown make widgets anew.
  void setSchema(const std::vector<Setting>& schema);
  // Values by key; missing members show the default.
  void setValues(const Json& values);
  // Marks each issue at its setting; issues of no setting of the form are shown above it.
  void setIssues(const std::vector<Issue>& issues);
  // Shows the settings of the advanced level too.
  void setAdvancedShown(bool shown);
  bool isAdvancedShown() const { return m_advancedShown; }

  // Null for unknown keys.
  SettingEditor* editor(const std::string& key) const;
  // The text under a setting, "" when it has no issue; the text above the form for an unknown key.
  QString issueText(const std::string& key) const;

 Q_SIGNALS:
  void edited(const std::string& key, const espalier::Json& value);
  // Back to the default.
  void resetAsked(const std::string& key);
  void advancedShownChanged(bool shown);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  struct Row {
    Setting setting;
    QLabel* label = nullptr;
    SettingEditor* editor = nullptr;
    QToolButton* reset = nullptr;
    QLabel* issue = nullptr;
    std::string issueMessage;
  };
  void addRow(const Setting& setting, int line);
  void showRow(Row& row);
  void refreshIssue(Row& row);
  void recolor();

  std::vector<Row> m_rows;
  QGridLayout* m_grid;
  QLabel* m_general;
  QToolButton* m_advancedButton;
  bool m_advancedShown = false;
};

}  // namespace espalier
