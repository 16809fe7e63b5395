#include "recipe/setting.h"
#include "base/json.h"

#include <cmath>

#include "tests/support/support.h"

namespace espalier {
namespace {

std::vector<Setting> schema() {
  Setting sparsity;
  sparsity.key = "sparsity";
  sparsity.default_value = 0.5;
  sparsity.label = "Sparsity";
  sparsity.help = "Share of weights that become zero.";
  sparsity.minimum = 0;
  sparsity.maximum = 0.99;
  Setting epochs;
  epochs.key = "epochs";
  epochs.type = SettingType::Integer;
  epochs.default_value = 3;
  epochs.minimum = 0;
  Setting criterion;
  criterion.key = "criterion";
  criterion.type = SettingType::Choice;
  criterion.default_value = "l1";
  criterion.choices = {{"l1", "Sum of magnitudes"}, {"l2", "Euclidean"}};
  criterion.level = SettingLevel::Advanced;
  Setting global;
  global.key = "global";
  global.type = SettingType::Bool;
  global.default_value = false;
  Setting heads;
  heads.key = "heads";
  heads.type = SettingType::HeadList;
  heads.default_value = Json::array();
  Setting text;
  text.key = "note";
  text.type = SettingType::Text;
  text.default_value = "";
  return {sparsity, epochs, criterion, global, heads, text};
}

std::string message_for(const std::string& key, const Json& value) {
  const auto issues = check_settings(schema(), {{key, value}});
  return issues.empty() ? "" : issues[0].message;
}

TEST(Settings, EveryFaultIsListedAtOnce) {
  const auto issues = check_settings(schema(), {{"sparsity", 1.5},
                                                {"epochs", 2.5},
                                                {"criterion", "l3"},
                                                {"global", 1},
                                                {"heads", {{0}}},
                                                {"note", 3},
                                                {"sparsty", 1}});
  ASSERT_EQ(issues.size(), 7u);
  EXPECT_EQ(issues[0].message, "got 1.5, wanted 0 to 0.99");
  EXPECT_EQ(issues[1].message, "got 2.5, wanted a whole number, at least 0");
  EXPECT_EQ(issues[2].message, "got \"l3\", wanted one of l1, l2");
  EXPECT_EQ(issues[6].key, "sparsty");
  EXPECT_EQ(issues[6].message, "no such setting; did you mean sparsity?");
}

TEST(Settings, WholeNumbersMayBeWrittenAsReals) {
  EXPECT_EQ(message_for("epochs", 3.0), "");
  const Settings settings(schema(), {{"epochs", 4.0}, {"sparsity", 0}});
  EXPECT_EQ(settings.integer("epochs"), 4);
  EXPECT_EQ(settings.json()["epochs"].dump(), "4");
  EXPECT_EQ(settings.json()["sparsity"].dump(), "0.0");
}

TEST(Settings, EndsOfRangesAreInside) {
  EXPECT_EQ(message_for("sparsity", 0), "");
  EXPECT_EQ(message_for("sparsity", 0.99), "");
  EXPECT_NE(message_for("sparsity", std::nextafter(0.99, 1.0)), "");
  EXPECT_NE(message_for("sparsity", -0.001), "");
  EXPECT_NE(message_for("sparsity", std::nan("")), "");
  EXPECT_NE(message_for("epochs", 1e300), "");
}

TEST(Settings, DefaultsFillInAndTypesAreKept) {
  const Settings settings(schema(), {{"heads", {{0, 1}, {2, 3}}}});
  EXPECT_EQ(settings.real("sparsity"), 0.5);
  EXPECT_EQ(settings.integer("epochs"), 3);
  EXPECT_EQ(settings.text("criterion"), "l1");
  EXPECT_FALSE(settings.flag("global"));
  EXPECT_EQ(settings.json()["heads"].size(), 2u);
  EXPECT_EQ(test::expect_error([&] { settings.flag("gone"); }).kind(), ErrorKind::Internal);
}

TEST(Settings, ConstructionRefusesWhatTheCheckRefuses) {
  const Error error = test::expect_error([] { Settings(schema(), {{"sparsity", "x"}, {"epochs", -1}}); });
  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_NE(std::string(error.what()).find("sparsity"), std::string::npos);
  EXPECT_NE(std::string(error.what()).find("epochs"), std::string::npos);
  EXPECT_EQ(check_settings(schema(), Json::array()).size(), 1u);
  EXPECT_EQ(check_settings(schema(), Json()).size(), 1u);
}

TEST(Settings, ASchemaSurvivesTheWayThroughJson) {
  for (const Setting& setting : schema()) {
    const Json json = to_json(setting);
    EXPECT_EQ(to_json(setting_from_json(json, "schema")), json);
  }
  Json wrong = to_json(schema()[0]);
  wrong["type"] = "colour";
  EXPECT_EQ(test::expect_error([&] { setting_from_json(wrong, "schema"); }).kind(), ErrorKind::Format);
}

}  // namespace
}  // namespace espalier
