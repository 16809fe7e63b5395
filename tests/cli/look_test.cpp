// The verbs that look inside a model, on the lab.

#include <fstream>

#include "base/json.h"
#include "tests/cli/command.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::espalier;

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Look, WrongArgumentsEndWithTwoAndSayWhy) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> commands = {
      {{"heads", "lab", "--criterion", "nonsense"}, "michel, taylor"},
      {{"heads", "lab", "--criterion", "taylor", "--average", "token"}, "--average"},
      {{"heads", "lab", "--tolerance", "-1"}, "0 to 100"},
      {{"neurons", "lab", "--criterion", "entropy"}, "activation"},
      {{"neurons", "lab", "--layers", "--criterion", "magnitude"}, "influence"},
      {{"flips", "lab", "--task", "lab"}, "--baseline"},
      {{"whatif", "lab", "--task", "lab"}, "nothing to ask"},
      {{"whatif", "lab", "--task", "lab", "--heads", "3-4"}, "LAYER.HEAD"},
      {{"whatif", "lab", "--task", "lab", "--heads", "99.0"}, "no such layer"},
      {{"whatif", "lab", "--task", "lab", "--neurons", "0:5"}, "LAYER:FIRST-LAST"},
      {{"whatif", "lab", "--task", "lab", "--bits", "encoder.0.ffn.in_prj:4"}, "in_proj"},
      {{"attention", "lab"}, "--task"},
      {{"attention", "lab", "a film", "--head", "3"}, "LAYER.HEAD"},
      {{"attention", "lab", "a film", "--head", "99.0"}, "no such layer"},
      {{"weights", "lab", "encoder.0.ffn.in_prj.weight"}, "in_proj"},
      {{"weights", "lab", "--rank", "3"}, "name"},
      {{"activations", "lab"}, "--task"},
      {{"saliency", "lab", "--text", "a", "--method", "guess"}, "rollout"},
      {{"saliency", "lab", "--text", "a", "--method", "gradient,rollout"}, "one method"}};
  for (const auto& [command, part] : commands) {
    const auto result = espalier(command);
    std::string text;
    for (const std::string& word : command) text += " " + word;
    EXPECT_EQ(result.exit_code, 2) << text << "\n" << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << text << "\n" << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
  }
}

TEST(Look, HeadsByAllCriteria) {
  ESPALIER_REQUIRE_LAB_MODEL();
  const test::TempDir temp;
  const std::string svg = (temp.path() / "heads.svg").string();
  const auto result = espalier({"heads", "lab", "--criterion", "michel,entropy,random", "--curve", "--max-examples",
                                "32", "--svg", svg, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json answer = result.json();
  EXPECT_EQ(answer.at("criteria").size(), 3U);
  EXPECT_TRUE(answer["criteria"][0].contains("within"));
  EXPECT_NE(read(svg).find("</svg>"), std::string::npos);
  const auto table = espalier({"heads", "lab", "--criterion", "michel,entropy", "--max-examples", "16"});
  EXPECT_NE(table.out.find("tau entropy"), std::string::npos) << table.out;
}

TEST(Look, NeuronsLayersFlipsAndSaliency) {
  ESPALIER_REQUIRE_LAB_MODEL();
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"neurons", "lab", "--criterion", "magnitude"},
           {"neurons", "lab", "--layers", "--criterion", "influence,ablation", "--curve", "--max-examples", "16"},
           {"flips", "lab", "--baseline", "lab", "--task", "lab", "--max-examples", "50"},
           {"saliency", "lab", "--score", "--method", "gradient,integrated_gradients", "--max-examples", "5"},
           {"whatif", "lab", "--task", "lab", "--heads", "1.0,1.2", "--neurons", "2:0-99", "--layer", "1", "--rank",
            "encoder.2.ffn.in:8", "--bits", "encoder.0.attention.q_proj:3", "--max-examples", "200"},
           {"whatif", "lab", "--task", "lab", "--each-head", "--width", "3", "--max-examples", "200"},
           {"attention", "lab", "The plot was not very clever.", "--head", "0.0"},
           {"attention", "lab", "--task", "lab", "--max-examples", "20"},
           {"weights", "lab"},
           {"weights", "lab", "encoder.0.ffn.in_proj.weight", "--rank", "4", "--with", "lab"},
           {"activations", "lab", "--task", "lab", "--max-examples", "20", "--baseline", "lab"}}) {
    const auto table = espalier(command);
    EXPECT_EQ(table.exit_code, 0) << command[0] << table.err;
    EXPECT_FALSE(table.out.empty());
    std::vector<std::string> as_json = command;
    as_json.emplace_back("--json");
    EXPECT_TRUE(espalier(as_json).json().is_object()) << command[0];
  }
}

}  // namespace
}  // namespace espalier
