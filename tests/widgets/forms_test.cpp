#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QTest>
#include <QToolButton>

#include "base/json.h"
#include "tests/support/support.h"
#include "widgets/forms/scope_form.h"
#include "widgets/forms/setting_editor.h"
#include "widgets/forms/setting_form.h"
#include "widgets/models/head_list.h"

namespace espalier {
namespace {

Setting setting(const char* key, SettingType type, const Json& fallback, const char* label) {
  Setting made;
  made.key = key;
  made.type = type;
  made.default_value = fallback;
  made.label = label;
  made.help = "One sentence.";
  return made;
}

std::vector<Setting> everyType() {
  std::vector<Setting> schema = {setting("flag", SettingType::Bool, false, "Flag"),
                                 setting("epochs", SettingType::Integer, 3, "Epochs"),
                                 setting("rate", SettingType::Real, 5e-5, "Rate"),
                                 setting("mode", SettingType::Choice, "cycle", "Mode"),
                                 setting("note", SettingType::Text, "", "Note"),
                                 setting("heads", SettingType::HeadList, Json::array(), "Heads"),
                                 setting("teacher", SettingType::Path, "", "Teacher")};
  schema[1].unit = "epochs";
  schema[1].minimum = 1;
  schema[1].maximum = 10;
  schema[2].minimum = 0;
  schema[2].maximum = 1;
  schema[3].choices = {{"cycle", "Cycle"}, {"sequence", "Sequence"}};
  schema[6].level = SettingLevel::Advanced;
  return schema;
}

class Form : public testing::Test {
 protected:
  void SetUp() override {
    form.setSchema(everyType());
    form.setValues(Json::object());
    QObject::connect(&form, &SettingForm::edited, [this](const std::string& key, const Json& value) {
      lastKey = key;
      lastValue = value;
      ++edits;
    });
  }
  template <typename T>
  T* field(const char* key) {
    return qobject_cast<T*>(form.editor(key)->focusProxy());
  }
  SettingForm form;
  std::string lastKey;
  Json lastValue;
  int edits = 0;
};

TEST_F(Form, ShowsDefaultsWithoutEmitting) {
  for (const Setting& each : everyType()) {
    EXPECT_EQ(form.editor(each.key)->value(), *each.default_value) << each.key;
  }
  EXPECT_EQ(edits, 0);
}

TEST_F(Form, EveryTypeEditsItsJson) {
  field<QCheckBox>("flag")->click();
  EXPECT_EQ(lastValue, Json(true));
  field<NumberBox>("epochs")->setValue(7);
  EXPECT_EQ(lastValue, Json(7));
  EXPECT_TRUE(lastValue.is_number_integer());
  field<NumberBox>("rate")->setValue(3e-6);
  EXPECT_DOUBLE_EQ(lastValue.get<double>(), 3e-6);
  EXPECT_EQ(field<NumberBox>("rate")->text(), "3e-06");
  field<QComboBox>("mode")->setCurrentIndex(1);
  EXPECT_EQ(lastValue, Json("sequence"));
  field<QLineEdit>("note")->setText("hello");
  EXPECT_EQ(lastValue, Json("hello"));
  field<QLineEdit>("heads")->setText("0.1, 1.3");
  EXPECT_EQ(lastValue, Json::parse("[[0, 1], [1, 3]]"));
  field<QLineEdit>("teacher")->setText("/models/teacher");
  EXPECT_EQ(lastValue, Json("/models/teacher"));
  EXPECT_EQ(edits, 7);
}

TEST_F(Form, ShowsValuesOutsideTheRangeAndMarksThem) {
  const Json values = {{"epochs", 99}, {"mode", "spiral"}, {"unknown", 1}};
  form.setValues(values);
  EXPECT_EQ(form.editor("epochs")->value(), Json(99));
  EXPECT_EQ(form.editor("mode")->value(), Json("spiral"));
  EXPECT_EQ(edits, 0);
  form.setIssues(check_settings(everyType(), values));
  EXPECT_FALSE(form.issueText("epochs").isEmpty());
  EXPECT_FALSE(form.issueText("mode").isEmpty());
  EXPECT_FALSE(form.issueText("unknown").isEmpty()) << "an unknown key is told above the form";
  EXPECT_TRUE(form.issueText("rate").isEmpty());
  form.setIssues({});
  EXPECT_TRUE(form.issueText("epochs").isEmpty());
}

TEST_F(Form, AHalfTypedListIsMarkedAndNotAnnounced) {
  field<QLineEdit>("heads")->setText("0.");
  EXPECT_EQ(edits, 0);
  EXPECT_FALSE(form.issueText("heads").isEmpty());
  field<QLineEdit>("heads")->setText("0.2");
  EXPECT_EQ(edits, 1);
  EXPECT_TRUE(form.issueText("heads").isEmpty());
}

TEST_F(Form, AdvancedSettingsAreHiddenUntilAskedForOrFaulty) {
  EXPECT_TRUE(form.editor("teacher")->isHidden());
  form.setIssues({{"teacher", "The folder does not exist."}});
  EXPECT_FALSE(form.editor("teacher")->isHidden());
  form.setIssues({});
  EXPECT_TRUE(form.editor("teacher")->isHidden());
  form.setAdvancedShown(true);
  EXPECT_FALSE(form.editor("teacher")->isHidden());
}

TEST_F(Form, FieldsAreNamedForScreenReaders) {
  for (const Setting& each : everyType()) {
    EXPECT_EQ(form.editor(each.key)->focusProxy()->accessibleName().toStdString(), each.label);
  }
}

TEST_F(Form, TypingBesideAUnitChangesTheNumber) {
  auto* box = field<NumberBox>("epochs");
  EXPECT_EQ(box->text(), "3 epochs");
  box->selectAll();
  QTest::keyClicks(box, "8");
  EXPECT_EQ(lastValue, Json(8));
  auto* rate = field<NumberBox>("rate");
  rate->selectAll();
  QTest::keyClicks(rate, "2e-4");
  EXPECT_DOUBLE_EQ(lastValue.get<double>(), 2e-4);
}

TEST(NumberBox, StepsStopAtTheRangeButTypingMayLeaveIt) {
  NumberBox box(true);
  box.setStepRange(1, 3);
  box.setValue(3);
  box.stepBy(1);
  EXPECT_EQ(box.value(), 3);
  box.setValue(9);
  EXPECT_EQ(box.value(), 9);
  box.stepBy(-1);
  EXPECT_EQ(box.value(), 8);
  int position = 0;
  QString text = "5e";
  EXPECT_EQ(NumberBox(false).validate(text, position), QValidator::Intermediate);
  text = "1.5";
  EXPECT_NE(NumberBox(true).validate(text, position), QValidator::Acceptable);
}

TEST(ScopeForm, ReadsRangesAndTakesTheSelection) {
  EXPECT_EQ(layersFromText("0-2, 5"), (std::vector<int32_t>{0, 1, 2, 5}));
  EXPECT_EQ(layersFromText(""), std::vector<int32_t>{});
  EXPECT_EQ(layersFromText("2-1"), std::nullopt);
  EXPECT_EQ(layersToText({0, 1, 2, 5}), "0-2, 5");
  ScopeForm form;
  Scope heard;
  QObject::connect(&form, &ScopeForm::edited, [&](const Scope& scope) { heard = scope; });
  QToolButton* use = nullptr;
  for (QToolButton* button : form.findChildren<QToolButton*>()) {
    if (button->text() == "Use selection") use = button;
  }
  ASSERT_NE(use, nullptr);
  EXPECT_FALSE(use->isEnabled());
  EXPECT_FALSE(use->toolTip().isEmpty());
  form.setSelection(3, {});
  use->click();
  EXPECT_EQ(heard.layers, (std::vector<int32_t>{3}));
  form.setSelection(3, "encoder.3.ffn.in_proj.weight");
  use->click();
  EXPECT_EQ(heard.slots, (std::vector<std::string>{"encoder.3.ffn.in_proj.weight"}));
}

}  // namespace
}  // namespace espalier
