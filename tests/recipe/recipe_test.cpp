#include "recipe/recipe.h"
#include "base/json.h"

#include <fstream>

#include "tests/support/support.h"

namespace espalier {
namespace {

Recipe example() {
  Recipe recipe;
  recipe.name = "half the heads";
  recipe.model = "lab";
  recipe.task = "lab";
  recipe.seed = 18446744073709551615u;
  recipe.device = "cuda:0";
  Step heads{"prune.heads", {{"fraction", 0.5}}, {{0, 2}, {"attention"}, {}}, true};
  Step q8{"quantize.q8", Json::object(), {}, false};
  recipe.steps = {heads, q8};
  recipe.measure = {"quality", "size"};
  return recipe;
}

TEST(Recipe, SurvivesTheWayThroughJson) {
  EXPECT_EQ(recipe_from_json(to_json(example()), "r"), example());
  const Recipe plain = recipe_from_json({{"model", "m"}}, "r");
  EXPECT_EQ(plain.seed, 1u);
  EXPECT_EQ(plain.device, "cpu");
  EXPECT_TRUE(plain.steps.empty());
  EXPECT_EQ(recipe_from_json(to_json(plain), "r"), plain);
}

TEST(Recipe, UnknownMembersAreRefusedByName) {
  const auto message = [](const Json& json) {
    return std::string(test::expect_error([&] { recipe_from_json(json, "r.json"); }).what());
  };
  EXPECT_NE(message({{"model", "m"}, {"stepz", 1}}).find("Did you mean \"steps\"?"), std::string::npos);
  Json deep = to_json(example());
  deep["steps"][1]["setings"] = 1;
  EXPECT_NE(message(deep).find("r.json, step 2"), std::string::npos) << message(deep);
  deep = to_json(example());
  deep["steps"][0]["scope"]["layer"] = 1;
  EXPECT_NE(message(deep).find("\"layer\""), std::string::npos);
}

TEST(Recipe, WrongValuesAreRefused) {
  const std::vector<std::pair<std::string, Json>> wrong = {
      {"model", 3},     {"seed", -1},           {"seed", 1.5},          {"seed", "x"},     {"steps", 3},
      {"steps", {{3}}}, {"measure", {"speed"}}, {"measure", "quality"}, {"device", false}, {"steps", {Json::object()}}};
  for (const auto& [key, value] : wrong) {
    Json json = to_json(example());
    json[key] = value;
    EXPECT_EQ(test::expect_error([&] { recipe_from_json(json, "r"); }).kind(), ErrorKind::Format) << key << value;
  }
  Json json = to_json(example());
  json["steps"][0]["scope"]["parts"] = {"legs"};
  EXPECT_EQ(test::expect_error([&] { recipe_from_json(json, "r"); }).kind(), ErrorKind::Format);
  json["steps"][0]["scope"] = {{"layers", {-1}}};
  EXPECT_EQ(test::expect_error([&] { recipe_from_json(json, "r"); }).kind(), ErrorKind::Format);
  EXPECT_EQ(test::expect_error([&] { recipe_from_json(Json::array(), "r"); }).kind(), ErrorKind::Format);
}

TEST(Recipe, IsReadFromAFile) {
  const test::TempDir folder;
  const auto file = folder.path() / "r.json";
  std::ofstream(file) << to_json(example()).dump(2);
  EXPECT_EQ(read_recipe(file), example());
  std::ofstream(file) << "{\"model\": ";
  EXPECT_NE(std::string(test::expect_error([&] { read_recipe(file); }).what()).find(file.string()), std::string::npos);
}

TEST(Recipe, CommandLinesQuoteWhatAShellWouldSplit) {
  EXPECT_EQ(command_line_of(example(), "r.json"), "espalier run r.json");
  EXPECT_EQ(command_line_of(example(), "my recipe's.json"), "espalier run 'my recipe'\\''s.json'");
}

}  // namespace
}  // namespace espalier
