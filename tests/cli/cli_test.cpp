// The program as a user meets it: exit codes, JSON on stdout alone, the numbers of the references.

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>

#include "base/json.h"
#include "formats/safetensors.h"
#include "tests/cli/command.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::espalier;

const std::vector<std::string> kVerbs = {"inspect", "eval",      "train",   "run",         "trace", "tokenize",
                                         "heads",   "saliency",  "bench",   "methods",     "runs",  "lab",
                                         "report",  "doctor",    "samples", "attack",      "score", "neurons",
                                         "flips",   "attention", "weights", "activations", "export"};

TEST(Help, EveryVerbHasOneWithAnExample) {
  const auto general = espalier({"--help"});
  EXPECT_EQ(general.exit_code, 0);
  for (const std::string& verb : kVerbs) {
    EXPECT_NE(general.out.find(verb), std::string::npos) << verb;
    const auto help = espalier({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_NE(help.out.find("Example:"), std::string::npos) << help.out;
    EXPECT_NE(help.out.find("--json"), std::string::npos) << verb;
    EXPECT_TRUE(help.err.empty()) << help.err;
  }
  EXPECT_EQ(general.out.find("worker"), std::string::npos);
}

TEST(Help, VersionIsOneLine) {
  const auto version = espalier({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(std::count(version.out.begin(), version.out.end(), '\n'), 1);
}

TEST(BadInput, EndsWithTwoAndSaysWhy) {
  const std::vector<std::vector<std::string>> commands = {
      {},
      {"no-such-verb"},
      {"inspect"},
      {"inspect", "lab", "--no-such-flag"},
      {"inspect", "/no/such/folder"},
      {"eval", "--model", "/no/such/folder", "--task", "lab"},
      {"eval", "--task", "lab"},
      {"tokenize", "/no/such/folder"},
      {"trace", "/no/such/folder", "--inputs", "a", "--output", "b"},
      {"methods", "show", "prune.nothing"},
      {"run", "/no/such/recipe.json"},
      {"runs", "--show", "-1"},
      {"bench", "/no/such/folder", "--batch", "0"},
      {"bench", "lab", "--device", "tpu"},
      {"bench", "lab", "--device", "cpu", "--precision", "half"},
      {"bench", "lab", "--precision", "int4"},
      {"bench", "lab", "--runtime", "engine", "--precision", "bfloat16"},
      {"bench", "lab", "--runtime", "libtorch", "--layers"},
      {"bench", "lab", "--precision", "bfloat16", "--kernels", "avx2"},
      {"lab", "nonsense"},
      {"export", "lab"},
      {"export", "lab", "--onnx", "/tmp/lab.onnx", "--engine", "/tmp/lab-package"},
      {"export", "lab", "--onnx", "/tmp/lab.onnx", "--form", "int4"},
      {"export", "lab", "--engine", "/tmp/lab-package", "--form", "int8"},
      {"export", "/no/such/folder", "--onnx", "/tmp/nothing.onnx"},
      {"attack", "--model", "/no/such/folder", "--task", "lab"},
      {"attack", "--model", "lab", "--task", "lab", "--candidates", "thesaurus"},
      {"score", "glue", "/no/such/SST-2.tsv", "--gold", "/no/such/folder"},
      {"score", "glue", "SST-2.tsv"},
      {"score", "elue", "entry.json"},
      {"score", "sustainlp", "entry.json"},
      {"score", "nonsense", "entry.json"},
      {"samples", "get", "no-such-sample"},
      {"inspect", "lab", "--task", "--kind", "nonsense"},
      {"train"}};
  for (const auto& command : commands) {
    const auto result = espalier(command);
    std::string text;
    for (const std::string& word : command) text += " " + word;
    EXPECT_EQ(result.exit_code, 2) << "espalier" << text << "\n" << result.err;
    EXPECT_FALSE(result.err.empty()) << text;
    EXPECT_TRUE(result.out.empty()) << text << "\n" << result.out;
  }
}

TEST(BadInput, SaysWhatWasMeantAndWhereToReadOn) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> answers = {
      {{"inspct", "lab"}, "there is no verb \"inspct\"; did you mean inspect? See espalier --help."},
      {{"methods", "shw"}, "there is no verb \"shw\"; did you mean show? See espalier methods --help."},
      {{"inspect", "lab", "--jsn"}, "unknown option --jsn; did you mean --json? See espalier inspect --help."},
      {{"runs", "--show=-1"}, "--show: got -1, wanted more than 0. See espalier runs --help."}};
  for (const auto& [command, message] : answers) {
    EXPECT_EQ(espalier(command).err, "espalier: " + message + "\n");
  }
}

TEST(BadInput, UnderJsonTheErrorIsJson) {
  const auto result = espalier({"inspect", "/no/such/folder", "--json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.json().contains("error")) << result.out;
  EXPECT_TRUE(espalier({"inspect", "--json"}).json().contains("error"));
}

TEST(BadInput, RecipesAreCheckedBeforeAnyWork) {
  test::TempDir temp;
  const auto recipe = temp.path() / "r.json";
  std::ofstream(recipe)
      << R"({"model": "lab", "task": "lab", "steps": [{"method": "prune.heads", "settings": {"fractoin": 1}}]})";
  const auto result = espalier({"run", recipe.string(), "--workspace", (temp.path() / "w").string()});
  EXPECT_EQ(result.exit_code, 2) << result.err;
  std::ofstream(recipe) << "{ not json";
  EXPECT_EQ(espalier({"run", recipe.string(), "--dry-run"}).exit_code, 2);
}

TEST(Methods, ListIsAnArrayWithTheAgreedMembers) {
  const auto result = espalier({"methods", "list", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json list = result.json();
  ASSERT_TRUE(list.is_array());
  std::set<std::string> ids, families;
  for (const Json& method : list) {
    for (const char* member : {"id", "anchor", "family", "needs", "hosts", "paper"}) {
      EXPECT_TRUE(method.contains(member)) << member;
    }
    EXPECT_TRUE(method["anchor"].is_array() && !method["anchor"].empty());
    ids.insert(method["id"]);
    families.insert(method["family"]);
  }
  for (const char* id : {"prune.magnitude", "prune.heads", "prune.neurons", "share.layers", "factorize.svd",
                         "quantize.q8", "distill.kd"}) {
    EXPECT_TRUE(ids.contains(id)) << id;
  }
  EXPECT_EQ(families.size(), 5u);
  const auto page = espalier({"methods", "show", "prune.heads"});
  EXPECT_EQ(page.exit_code, 0);
  EXPECT_GT(page.out.size(), 400u);
}

TEST(Lab, ExportedFilesAreATask) {
  test::TempDir temp;
  const auto written = espalier({"lab", "export", (temp.path() / "lab").string(), "--json"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.json().size(), 4u);
  std::ifstream train(temp.path() / "lab" / "train.tsv");
  int64_t lines = 0;
  for (std::string line; std::getline(train, line);) ++lines;
  EXPECT_EQ(lines, 24001);
  const auto described = espalier({"lab", "--json"});
  ASSERT_EQ(described.exit_code, 0) << described.err;
  EXPECT_EQ(described.json()["splits"].size(), 4u);
}

TEST(Tokenize, LinesInLinesOut) {
  const auto result =
      espalier({"tokenize", "lab", "--tokens"},
               "{\"text\": \"The plot was superb.\"}\n\n{\"a\": \"Good\", \"b\": \"bad bad\", \"max_length\": 5}\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto end = result.out.find('\n');
  const Json first = Json::parse(result.out.substr(0, end));
  EXPECT_EQ(first["tokens"], Json({"[CLS]", "the", "plot", "was", "superb", ".", "[SEP]"}));
  EXPECT_EQ(first["offsets"][2], Json({4, 8}));
  EXPECT_EQ(first["type_ids"].size(), 7u);
  const Json second = Json::parse(result.out.substr(end + 1));
  EXPECT_EQ(second["tokens"], Json({"[CLS]", "good", "[SEP]", "bad", "[SEP]"}));
  EXPECT_EQ(second["type_ids"], Json({0, 0, 0, 1, 1}));
}

TEST(Tokenize, BadLinesAreAnsweredInPlace) {
  const auto result = espalier(
      {"tokenize", "lab"}, "no json\n{\"txet\": 1}\n{\"text\": \"fine\"}\n{\"text\": \"a\", \"strategy\": \"odd\"}\n");
  EXPECT_EQ(result.exit_code, 2);
  std::istringstream lines(result.out);
  std::vector<Json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_TRUE(answers[0].contains("error"));
  EXPECT_TRUE(answers[1].contains("error"));
  EXPECT_TRUE(answers[2].contains("ids"));
  EXPECT_TRUE(answers[3].contains("error"));
}

class TokenizeFolders : public testing::TestWithParam<std::string> {};

TEST_P(TokenizeFolders, TheReferencesLines) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "tokenizers" / GetParam();
  for (const char* file : {"cases.jsonl", "pairs.jsonl"}) {
    std::ifstream in(folder / file);
    const std::string input((std::istreambuf_iterator<char>(in)), {});
    const auto result = espalier({"tokenize", folder.string()}, input);
    std::istringstream expected_lines(input), lines(result.out);
    std::string expected_line, line;
    while (std::getline(expected_lines, expected_line)) {
      ASSERT_TRUE(std::getline(lines, line));
      const Json expected = Json::parse(expected_line);
      const Json answer = Json::parse(line);
      ASSERT_EQ(answer.contains("error"), expected.contains("error")) << expected_line;
      if (expected.contains("error")) continue;
      EXPECT_EQ(answer["ids"], expected["ids"]) << expected_line;
    }
  }
  // The same lines have "ids": they can be turned back.
  std::ifstream in(folder / "cases.jsonl");
  const std::string input((std::istreambuf_iterator<char>(in)), {});
  const auto result = espalier({"tokenize", folder.string(), "--decode"}, input);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::istringstream expected_lines(input), lines(result.out);
  std::string expected_line, line;
  while (std::getline(expected_lines, expected_line)) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(Json::parse(line)["text"], Json::parse(expected_line)["decoded"]) << expected_line;
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, TokenizeFolders,
                         testing::Values("bert-uncased", "bert-cased", "bpe-gpt2", "bpe-roberta", "t5-unigram",
                                         "albert-unigram"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Tokenize, IdsBackToText) {
  const auto encoded = espalier({"tokenize", "lab"}, "{\"text\": \"The plot was superb.\"}\n");
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  const auto plain = espalier({"tokenize", "lab", "--decode"}, encoded.out);
  EXPECT_EQ(plain.json()["text"], "the plot was superb.");
  const auto special = espalier({"tokenize", "lab", "--decode", "--keep-special"}, encoded.out);
  EXPECT_EQ(special.json()["text"], "[CLS] the plot was superb. [SEP]");
  const auto bad =
      espalier({"tokenize", "lab", "--decode"}, "{\"ids\": [99999999999]}\n{\"ids\": 3}\n{}\n{\"ids\": [1.5]}\n");
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(std::count(bad.out.begin(), bad.out.end(), '\n'), 4);
  EXPECT_NE(bad.out.find("99999999999"), std::string::npos);
  EXPECT_EQ(espalier({"tokenize", "lab", "--keep-special"}, "").exit_code, 2);
}

struct TraceCase {
  std::string model;
  bool engine;
};
class Trace : public testing::TestWithParam<TraceCase> {};

// Largest difference where the mask is 1, over max(1, largest reference value).
double difference(const Tensor& got, const Tensor& wanted, const Tensor& mask) {
  EXPECT_EQ(got.shape(), wanted.shape());
  if (got.shape() != wanted.shape()) return 1e9;
  const int64_t batch = mask.size(0), length = mask.size(1);
  const int64_t inner = wanted.numel() / batch;
  double largest = 1, worst = 0;
  for (int64_t i = 0; i < wanted.numel(); ++i) largest = std::max(largest, std::abs(wanted.value_at(i)));
  for (int64_t i = 0; i < wanted.numel(); ++i) {
    const int64_t row = i / inner;
    const auto masked = [&](int64_t place) { return mask.value_at(row * length + place) == 0; };
    if (wanted.dim() == 3 && masked(i % inner / wanted.size(2))) continue;
    if (wanted.dim() == 2 && wanted.size(1) == length && masked(i % length)) continue;
    if (wanted.dim() == 4 && (masked(i / length % length) || masked(i % length))) continue;
    worst = std::max(worst, std::abs(got.value_at(i) - wanted.value_at(i)));
  }
  return worst / largest;
}

TEST_P(Trace, AgreesWithTheReference) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / GetParam().model;
  test::TempDir temp;
  for (const std::string& name : {std::string("case_pad"), std::string("case_one")}) {
    const fs::path output = temp.path() / (name + ".safetensors");
    std::vector<std::string> command = {
        "trace",    folder.string(), "--inputs",    (folder / (name + ".inputs.safetensors")).string(),
        "--output", output.string(), "--attentions"};
    if (GetParam().engine) command.emplace_back("--engine");
    const auto result = espalier(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const TensorFile got = read_safetensors(output);
    const TensorFile wanted = read_safetensors(folder / (name + ".outputs.safetensors"));
    const Tensor mask = read_safetensors(folder / (name + ".inputs.safetensors")).tensors.at("attention_mask");
    for (const auto& [tensor, values] : wanted.tensors) {
      ASSERT_TRUE(got.tensors.contains(tensor)) << tensor;
      EXPECT_LE(difference(got.tensors.at(tensor), values, mask), 1e-4) << name << " " << tensor;
    }
    EXPECT_EQ(got.tensors.size(), wanted.tensors.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Trace,
                         testing::Values(TraceCase{"bert-tiny-shape", false}, TraceCase{"bert-tiny-shape", true},
                                         TraceCase{"bert-tiny-qa", false}, TraceCase{"bert-tiny-qa", true},
                                         TraceCase{"bert-tiny-mlm", false}, TraceCase{"bert-tiny-mlm", true},
                                         TraceCase{"bert-tiny-tokcls", false}, TraceCase{"bert-tiny-tokcls", true}),
                         [](const auto& param) {
                           std::string name = param.param.model + (param.param.engine ? "_engine" : "_network");
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Trace, BadInputsAreRefused) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / "bert-tiny-shape";
  test::TempDir temp;
  const auto refused = [&](const TensorFile& inputs) {
    const fs::path file = temp.path() / "in.safetensors";
    write_safetensors(file, inputs);
    for (const bool engine : {false, true}) {
      std::vector<std::string> command = {"trace",       folder.string(), "--inputs",
                                          file.string(), "--output",      (temp.path() / "o.safetensors").string()};
      if (engine) command.emplace_back("--engine");
      EXPECT_EQ(espalier(command).exit_code, 2);
    }
    EXPECT_FALSE(fs::exists(temp.path() / "o.safetensors"));
  };
  const auto ids = [](Shape shape, std::vector<int64_t> values) {
    return Tensor::from(std::move(shape), std::move(values));
  };
  refused({});
  refused({.tensors = {{"input_ids", ids({2}, {1, 2})}}});
  refused({.tensors = {{"input_ids", ids({1, 2}, {1, 99999999})}}});
  refused({.tensors = {{"input_ids", ids({1, 2}, {1, -1})}}});
  refused({.tensors = {{"input_ids", ids({1, 2}, {1, 2})}, {"attention_mask", ids({1, 3}, {1, 1, 1})}}});
  refused({.tensors = {{"input_ids", ids({1, 2}, {1, 2})}, {"attention_mask", ids({1, 2}, {0, 0})}}});
}

TEST(Inspect, SaysWhatAModelIs) {
  ESPALIER_REQUIRE_SHARED();
  const std::string folder = (test::shared_dir() / "oracle" / "models" / "bert-tiny-shape").string();
  const Json answer = espalier({"inspect", folder, "--json"}).json();
  EXPECT_EQ(answer["parameters"], 565378);
  EXPECT_GT(answer["bundle_bytes"], 4 * 565378);
  EXPECT_EQ(espalier({"inspect", folder, "--weights"}).exit_code, 0);
}

TEST(Bench, RowsCarryUnits) {
  ESPALIER_REQUIRE_SHARED();
  const std::string folder = (test::shared_dir() / "oracle" / "models" / "bert-tiny-shape").string();
  const auto result = espalier({"bench", folder, "--batch", "1,2", "--length", "8", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json answer = result.json();
  ASSERT_EQ(answer["rows"].size(), 2u);
  EXPECT_LE(answer["rows"][0]["latency_ms_p10"], answer["rows"][0]["latency_ms_p90"]);
  EXPECT_FALSE(answer["plan"].empty());
  EXPECT_EQ(espalier({"bench", folder, "--length", "100000"}).exit_code, 2);
}

TEST(Bench, LibtorchSaysWhereAndInWhichNumbers) {
  ESPALIER_REQUIRE_SHARED();
  const std::string folder = (test::shared_dir() / "oracle" / "models" / "bert-tiny-shape").string();
  const auto result = espalier({"bench", folder, "--batch", "1", "--length", "8", "--precision", "bfloat16", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json answer = result.json();
  EXPECT_EQ(answer["rows"][0]["form"], "bfloat16");
  EXPECT_EQ(answer["rows"][0]["kernels"], answer["kernels"]);
  EXPECT_NE(answer["kernels"].get<std::string>().find("on cpu, bfloat16"), std::string::npos) << answer["kernels"];
}

TEST(Bench, LayersSayWhereTheTimeGoes) {
  ESPALIER_REQUIRE_SHARED();
  const std::string folder = (test::shared_dir() / "oracle" / "models" / "bert-tiny-shape").string();
  const auto result = espalier({"bench", folder, "--batch", "1", "--length", "8", "--layers", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json row = result.json()["rows"][0];
  const Json& profile = row["profile"];
  double parts = profile["rest_ms"], kinds = profile["rest_ms"];
  for (const Json& part : profile["parts"]) parts += part["ms"].get<double>();
  for (const Json& kind : profile["kinds"]) kinds += kind["ms"].get<double>();
  const double wall = profile["wall_ms"];
  EXPECT_NEAR(parts, wall, 1e-6 * wall);
  EXPECT_NEAR(kinds, wall, 1e-6 * wall);
  EXPECT_GT(profile["limits"]["float32_gops"], 0);
  size_t products = 0;
  for (const Json& part : profile["parts"]) products += part.contains("share_of_limit") ? 1 : 0;
  EXPECT_GT(products, profile["layers"].size() * 4);
  const auto text = espalier({"bench", folder, "--batch", "1", "--length", "8", "--layers"});
  for (const char* part : {"embedding", "qkv", "attention", "ffn in", "norms", "head", "of limit", "bound by"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part;
  }
}

TEST(Doctor, SpeaksJson) {
  const auto result = espalier({"doctor", "--no-measure", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(result.json()["kernels"].get<std::string>().empty());
}

// --- With the trained lab model
// ---------------------------------------------------------------------------------------

// A recipe that needs no training.
fs::path write_recipe(const fs::path& folder, const std::string& steps) {
  const fs::path file = folder / "recipe.json";
  std::ofstream(file) << R"({"name": "test", "model": "lab", "task": "lab", "steps": )" << steps << "}";
  return file;
}

TEST(Run, RowsReportAndRuns) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  const fs::path recipe = write_recipe(temp.path(), R"([{"method": "quantize.q8"}])");
  const std::string workspace = (temp.path() / "w").string();
  const std::string html = (temp.path() / "r.html").string(), svg = (temp.path() / "t.svg").string();
  const auto result =
      espalier({"run", recipe.string(), "--workspace", workspace, "--report", html, "--svg", svg, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json answer = result.json();
  ASSERT_EQ(answer["rows"].size(), 2u);
  for (const char* member : {"accuracy", "accuracy_low", "accuracy_high", "bundle_bytes", "latency_ms_p50", "macs"}) {
    EXPECT_TRUE(answer["rows"][1].contains(member)) << member;
  }
  EXPECT_LT(answer["rows"][1]["bundle_bytes"], answer["rows"][0]["bundle_bytes"]);
  std::ifstream page(html);
  const std::string text((std::istreambuf_iterator<char>(page)), {});
  EXPECT_NE(text.find("<svg"), std::string::npos);
  EXPECT_NE(text.find("quantize.q8"), std::string::npos);
  EXPECT_TRUE(fs::exists(svg));
  EXPECT_EQ(espalier({"runs", "--workspace", workspace, "--json"}).exit_code, 0);
  EXPECT_EQ(espalier({"report", "--workspace", workspace, "--output", html, "--svg", svg}).exit_code, 0);
  EXPECT_EQ(espalier({"report", "99", "--workspace", workspace, "--output", html, "--svg", svg}).exit_code, 2);
}

TEST(Run, ADryRunChangesNothing) {
  ESPALIER_REQUIRE_LAB_MODEL();
  test::TempDir temp;
  const fs::path recipe = write_recipe(temp.path(), R"([{"method": "quantize.q8"}])");
  const auto result = espalier({"run", recipe.string(), "--dry-run", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()[0]["estimates"].size(), 2u);
}

TEST(Run, AnInterruptEndsWith130) {
  ESPALIER_REQUIRE_LAB_MODEL();
  for (const bool process : {false, true}) {
    test::TempDir temp;
    const fs::path recipe =
        write_recipe(temp.path(), R"([{"method": "distill.kd", "settings": {"num_layers": 2, "epochs": 50}}])");
    std::vector<std::string> command = {"run", recipe.string(), "--workspace", (temp.path() / "w").string()};
    if (process) command.emplace_back("--process");
    bool sent = false;
    const auto result = espalier(command, "", [&](const std::string& out) {
      if (sent || out.find("baseline") == std::string::npos) return 0;
      sent = true;
      return SIGINT;
    });
    EXPECT_EQ(result.exit_code, 130) << result.err;
  }
}

TEST(Eval, TheLabModelIsGoodButNotPerfect) {
  ESPALIER_REQUIRE_LAB_MODEL();
  const Json row = espalier({"eval", "--model", "lab", "--task", "lab", "--no-latency", "--json"}).json();
  EXPECT_GT(row["accuracy"], 0.90);
  EXPECT_LT(row["accuracy"], 0.97);
  EXPECT_EQ(row["examples"], 1500);
}

TEST(Score, RanksEntriesFromFiles) {
  const test::TempDir folder;
  const auto entry = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  };
  const auto answer = espalier({"score", "sustainlp", entry("a.json", R"({"score":75,"energy_kwh":2})"),
                                entry("b.json", R"({"score":72,"energy_j":3600000})"),
                                entry("c.json", R"({"score":60,"energy_kwh":0.1})"), "--floor", "70", "--json"});
  ASSERT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_EQ(answer.json().at("rows").at(0).at("name"), "b");
  EXPECT_EQ(answer.json().at("rows").at(1).at("name"), "a");
  EXPECT_EQ(answer.json().at("below_floor"), Json({"c"}));
  const std::string curve =
      entry("base.json", R"({"tasks":{"SST-2":[{"flops":2,"score":80},{"flops":4,"score":90}]}})");
  const auto elue = espalier({"score", "elue", curve, "--baseline", curve, "--json"});
  ASSERT_EQ(elue.exit_code, 0) << elue.err;
  EXPECT_EQ(elue.json().at("rows").at(0).at("tasks").at("SST-2"), 0);
  EXPECT_TRUE(elue.json().at("rows").at(0).at("mean").is_null());
}

TEST(Attack, OnTheLabLeavesNoMoreThanTheCleanAccuracy) {
  ESPALIER_REQUIRE_LAB_MODEL();
  const auto result = espalier({"attack", "--model", "lab", "--task", "lab", "--max-examples", "10", "--candidates",
                                "embeddings", "--json", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json().at("examples"), 10);
  EXPECT_LE(result.json().at("after_attack_accuracy").get<double>(), result.json().at("clean_accuracy").get<double>());
  EXPECT_EQ(result.json().at("adversaries").size(), result.json().at("succeeded").get<size_t>());
}

}  // namespace
}  // namespace espalier
