#include <fmt/format.h>

#include <fstream>

#include "base/json.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"
#include "tests/support/torch_writer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

struct Spelling {
  std::string prefix = "bert.";
  bool old_norms = false;
};

// A folder as the reference library would save it: one layer of width 8.
class Folder {
 public:
  Folder() {
    config = {{"model_type", "bert"},          {"hidden_size", 8},        {"num_hidden_layers", 1},
              {"num_attention_heads", 2},      {"intermediate_size", 12}, {"vocab_size", 20},
              {"max_position_embeddings", 6},  {"type_vocab_size", 2},    {"hidden_act", "gelu"},
              {"architectures", {"BertModel"}}};
  }

  void body(const Spelling& spelling = {}) {
    const auto norm = [&](const std::string& path) {
      put(spelling.prefix + path + (spelling.old_norms ? ".gamma" : ".weight"), {8});
      put(spelling.prefix + path + (spelling.old_norms ? ".beta" : ".bias"), {8});
    };
    put(spelling.prefix + "embeddings.word_embeddings.weight", {20, 8});
    put(spelling.prefix + "embeddings.position_embeddings.weight", {6, 8});
    put(spelling.prefix + "embeddings.token_type_embeddings.weight", {2, 8});
    norm("embeddings.LayerNorm");
    const std::string layer = spelling.prefix + "encoder.layer.0.";
    for (const char* name :
         {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"}) {
      linear(layer + name, 8, 8);
    }
    norm("encoder.layer.0.attention.output.LayerNorm");
    linear(layer + "intermediate.dense", 12, 8);
    linear(layer + "output.dense", 8, 12);
    norm("encoder.layer.0.output.LayerNorm");
  }
  void linear(const std::string& path, int64_t out, int64_t in) {
    put(path + ".weight", {out, in});
    put(path + ".bias", {out});
  }
  void put(const std::string& name, const Shape& shape) { file.tensors[name] = test::random_tensor(shape, rng_); }
  void masked_lm_head() {
    linear("cls.predictions.transform.dense", 8, 8);
    put("cls.predictions.transform.LayerNorm.weight", {8});
    put("cls.predictions.transform.LayerNorm.bias", {8});
    put("cls.predictions.bias", {20});
  }

  const fs::path& write() {
    write_file_atomically(folder_.path() / "config.json", config.dump());
    write_safetensors(folder_.path() / "model.safetensors", file);
    return folder_.path();
  }
  Model open() { return open_model(write()); }
  std::string fault() {
    write();
    const Error error = expect_error([&] { open_model(folder_.path()); });
    EXPECT_NE(std::string(error.what()).find(folder_.path().string()), std::string::npos) << error.what();
    return error.what();
  }
  const fs::path& path() const { return folder_.path(); }

  Json config;
  TensorFile file;

 private:
  test::TempDir folder_;
  Rng rng_{3};
};

TEST(HuggingFace, EverySpellingGivesTheSameSlots) {
  for (const char* prefix : {"bert.", ""}) {
    for (const bool old_norms : {false, true}) {
      Folder folder;
      folder.body({prefix, old_norms});
      folder.put(std::string(prefix) + "embeddings.position_ids", {1, 6});
      const Model model = folder.open();
      EXPECT_EQ(model.architecture.head.kind, HeadKind::None);
      EXPECT_FALSE(model.architecture.has_pooler);
      const std::string gain = std::string(prefix) + "embeddings.LayerNorm" + (old_norms ? ".gamma" : ".weight");
      EXPECT_TRUE(bit_equal(model.weight("embeddings.norm.weight").as<Dense>()->values, folder.file.tensors.at(gain)));
      const std::string key = std::string(prefix) + "encoder.layer.0.attention.self.key.weight";
      EXPECT_TRUE(bit_equal(model.weight("encoder.0.attention.k_proj.weight").as<Dense>()->values,
                            folder.file.tensors.at(key)));
    }
  }
}

TEST(HuggingFace, HeadsAreRecognisedByWhatIsThere) {
  Folder classes;
  classes.body();
  classes.linear("bert.pooler.dense", 8, 8);
  classes.linear("classifier", 3, 8);
  classes.config["id2label"] = {{"0", "no"}, {"1", "maybe"}, {"2", "yes"}};
  Model model = classes.open();
  EXPECT_EQ(model.architecture.head, (HeadSpec{HeadKind::Classification, 3, {"no", "maybe", "yes"}}));
  EXPECT_TRUE(model.architecture.has_pooler);
  classes.config["problem_type"] = "regression";
  EXPECT_EQ(classes.open().architecture.head.kind, HeadKind::Regression);
  classes.config["architectures"] = {"BertForTokenClassification"};
  model = classes.open();
  EXPECT_EQ(model.architecture.head.kind, HeadKind::TokenClassification);
  EXPECT_FALSE(model.architecture.has_pooler);

  Folder one;
  one.body();
  one.linear("bert.pooler.dense", 8, 8);
  one.linear("classifier", 1, 8);
  one.config["num_labels"] = 1;
  EXPECT_EQ(one.open().architecture.head.kind, HeadKind::Regression);

  Folder question;
  question.body();
  question.linear("qa_outputs", 2, 8);
  EXPECT_EQ(question.open().architecture.head.kind, HeadKind::QuestionAnswering);

  Folder pooled;
  pooled.body({"", false});
  pooled.linear("pooler.dense", 8, 8);
  EXPECT_TRUE(pooled.open().architecture.has_pooler);
}

TEST(HuggingFace, MaskedLmSharesTheWordEmbeddings) {
  Folder folder;
  folder.body();
  folder.masked_lm_head();
  folder.linear("cls.seq_relationship", 2, 8);
  Model model = folder.open();
  EXPECT_EQ(model.architecture.head.kind, HeadKind::MaskedLm);
  EXPECT_EQ(model.weights.handle("head.out.weight"), model.weights.handle("embeddings.word.weight"));
  const int64_t tied = num_parameters(model);
  folder.file.tensors["cls.predictions.decoder.weight"] =
      folder.file.tensors.at("bert.embeddings.word_embeddings.weight");
  folder.file.tensors["cls.predictions.decoder.bias"] = folder.file.tensors.at("cls.predictions.bias");
  EXPECT_EQ(num_parameters(folder.open()), tied);
  folder.put("cls.predictions.decoder.weight", {20, 8});
  EXPECT_EQ(num_parameters(folder.open()), tied + 160);
  folder.put("cls.predictions.decoder.bias", {20});
  EXPECT_NE(folder.fault().find("cls.predictions.decoder.bias"), std::string::npos);
  folder.file.tensors.erase("cls.predictions.bias");
  EXPECT_EQ(num_parameters(folder.open()), tied + 160);
}

TEST(HuggingFace, OneErrorListsEverythingThatDoesNotFit) {
  Folder folder;
  folder.body();
  folder.file.tensors["bert.encoder.layer.0.attention.self.qeury.weight"] =
      folder.file.tensors.at("bert.encoder.layer.0.attention.self.query.weight");
  folder.file.tensors.erase("bert.encoder.layer.0.attention.self.query.weight");
  folder.put("bert.encoder.layer.0.output.dense.bias", {9});
  folder.put("adapter.weight", {1});
  folder.file.tensors["bert.encoder.layer.0.output.dense.weight"] = Tensor::from({8, 12}, std::vector<int32_t>(96, 1));
  const std::string message = folder.fault();
  EXPECT_NE(message.find("1 missing: bert.encoder.layer.0.attention.self.query.weight (nearest: "
                         "bert.encoder.layer.0.attention.self.qeury.weight)"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("2 unexpected: adapter.weight"), std::string::npos) << message;
  EXPECT_NE(message.find("output.dense.bias is [9], wanted [8]"), std::string::npos) << message;
  EXPECT_NE(message.find("output.dense.weight is I32"), std::string::npos) << message;
}

TEST(HuggingFace, FaultsOfTheConfigurationAreNamed) {
  const auto fault = [](const std::string& key, const Json& value) {
    Folder folder;
    folder.body();
    folder.config[key] = value;
    return folder.fault();
  };
  EXPECT_NE(fault("num_attention_heads", 3).find("num_attention_heads = 3"), std::string::npos);
  EXPECT_NE(fault("hidden_act", "snake").find("gelu_new"), std::string::npos);
  EXPECT_NE(fault("model_type", "mamba").find("one of bert"), std::string::npos);
  EXPECT_NE(fault("model_type", 7).find("one of bert"), std::string::npos);
  EXPECT_NE(fault("position_embedding_type", "relative_key").find("absolute"), std::string::npos);
  EXPECT_NE(fault("is_decoder", true).find("is_decoder"), std::string::npos);
  EXPECT_NE(fault("architectures", {"BertForMultipleChoice"}).find("BertForMultipleChoice"), std::string::npos);
  for (const Json& bad :
       {Json(0), Json(-1), Json(1.5), Json("8"), Json(nullptr), Json(4294967296), Json(18446744073709551615u)}) {
    EXPECT_NE(fault("hidden_size", bad).find("hidden_size"), std::string::npos) << bad;
    EXPECT_NE(fault("num_hidden_layers", bad).find("num_hidden_layers"), std::string::npos) << bad;
  }
  Folder folder;
  folder.body();
  folder.config.erase("vocab_size");
  EXPECT_NE(folder.fault().find("\"vocab_size\" is missing"), std::string::npos);
}

TEST(HuggingFace, ShardedFoldersOpenToo) {
  Folder folder;
  folder.body();
  const Model whole = folder.open();
  TensorFile first, second;
  Json weight_map = Json::object();
  for (const auto& [name, tensor] : folder.file.tensors) {
    const bool early = first.tensors.size() < 10;
    (early ? first : second).tensors[name] = tensor;
    weight_map[name] = early ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  fs::remove(folder.path() / "model.safetensors");
  write_safetensors(folder.path() / "model-00001-of-00002.safetensors", first);
  write_safetensors(folder.path() / "model-00002-of-00002.safetensors", second);
  write_file_atomically(folder.path() / "model.safetensors.index.json", Json{{"weight_map", weight_map}}.dump());
  EXPECT_TRUE(test::same_model(open_model(folder.path()), whole));
  EXPECT_TRUE(test::same_model(open_model(folder.path() / "model-00001-of-00002.safetensors"), whole));
}

TEST(HuggingFace, TorchCheckpointsGiveTheSameModel) {
  Folder folder;
  folder.body();
  folder.masked_lm_head();
  folder.put("bert.embeddings.position_ids", {1, 6});
  const Model whole = folder.open();
  // As torch saves a tied head: a second name of the same storage.
  test::TorchContent content = test::torch_content(folder.file.tensors);
  for (const auto& [name, view] : std::vector(content.views)) {
    if (name == "bert.embeddings.word_embeddings.weight")
      content.views.emplace_back("cls.predictions.decoder.weight", view);
  }
  const fs::path bin = folder.path() / "pytorch_model.bin";
  write_file_atomically(bin, test::torch_zip(content));
  EXPECT_NE(std::string(expect_error([&] { open_model(bin); }).what()).find("no part of a model"), std::string::npos)
      << "the safetensors file would be read instead";
  fs::remove(folder.path() / "model.safetensors");
  for (const std::string& bytes : {test::torch_zip(content), test::torch_legacy(content)}) {
    write_file_atomically(bin, bytes);
    EXPECT_TRUE(test::same_model(open_model(folder.path()), whole));
    EXPECT_TRUE(test::same_model(open_model(bin), whole));
    EXPECT_EQ(read_file(bin), bytes);
  }
  content.wrappers = {"state_dict"};
  content.others = {{"epoch", test::py_int(3)}};
  write_file_atomically(bin, test::torch_zip(content));
  EXPECT_EQ(open_model(bin).provenance->at("passed_over"), Json::array({"epoch (a number)"}));
  write_file_atomically(bin, "x");
  EXPECT_NE(std::string(expect_error([&] { open_model(bin); }).what()).find(bin.string()), std::string::npos);
}

TEST(HuggingFace, ShardedTorchCheckpointsOpenToo) {
  Folder folder;
  folder.body();
  const Model whole = folder.open();
  fs::remove(folder.path() / "model.safetensors");
  std::map<std::string, Tensor> shards[2];
  Json weight_map = Json::object();
  for (const auto& [name, tensor] : folder.file.tensors) {
    const size_t shard = weight_map.size() % 2;
    shards[shard][name] = tensor;
    weight_map[name] = fmt::format("pytorch_model-0000{}-of-00002.bin", shard + 1);
  }
  for (size_t shard = 0; shard < 2; ++shard) {
    write_file_atomically(folder.path() / fmt::format("pytorch_model-0000{}-of-00002.bin", shard + 1),
                          test::torch_zip(test::torch_content(shards[shard])));
  }
  write_file_atomically(folder.path() / "pytorch_model.bin.index.json", Json{{"weight_map", weight_map}}.dump());
  EXPECT_TRUE(test::same_model(open_model(folder.path()), whole));
  EXPECT_TRUE(test::same_model(open_model(folder.path() / "pytorch_model-00002-of-00002.bin"), whole));
}

TEST(OpenModel, SaysWhatItWantsInsteadOfAnythingElse) {
  Folder folder;
  folder.body();
  folder.write();
  const auto fault = [](const fs::path& path) { return std::string(expect_error([&] { open_model(path); }).what()); };
  EXPECT_TRUE(test::same_model(open_model(folder.path() / "config.json"), open_model(folder.path())));
  fs::copy_file(folder.path() / "model.safetensors", folder.path() / "other.safetensors");
  EXPECT_NE(fault(folder.path() / "other.safetensors").find("no part of a model"), std::string::npos);
  EXPECT_NE(fault(folder.path() / "confg.json").find("Did you mean"), std::string::npos);
  const test::TempDir empty;
  EXPECT_NE(fault(empty.path()).find("an empty folder"), std::string::npos);
  EXPECT_NE(fault("").find("no such file"), std::string::npos);
  std::ofstream(empty.path() / "notes.txt") << "x";
  EXPECT_NE(fault(empty.path()).find("notes.txt"), std::string::npos);
  EXPECT_NE(fault(empty.path() / "notes.txt").find("espalier.json"), std::string::npos);
  std::ofstream(empty.path() / "config.json") << R"({"model_type":"bert"})";
  std::ofstream(empty.path() / "pytorch_model.bin") << "x";
  EXPECT_NE(fault(empty.path()).find("no torch checkpoint"), std::string::npos);
  fs::remove(empty.path() / "pytorch_model.bin");
  EXPECT_NE(fault(empty.path()).find("none of model.safetensors"), std::string::npos);
}

// --- Real checkpoints -----------------------------------------------------------------------------------------------

std::vector<fs::path> real_folders() {
  std::vector<fs::path> folders;
  for (const auto& at : fs::directory_iterator(test::shared_dir() / "oracle" / "models")) {
    if (at.path().filename().string().starts_with("bert-tiny-")) folders.push_back(at.path());
  }
  for (const auto& at : fs::directory_iterator(test::shared_dir() / "models")) folders.push_back(at.path());
  return folders;
}

TEST(OpenModel, RealFoldersHaveTheirNotedParameterCounts) {
  ESPALIER_REQUIRE_SHARED();
  int counted = 0;
  for (const fs::path& folder : real_folders()) {
    const Model model = open_model(folder);
    EXPECT_EQ(display_name(model), folder.filename().string());
    if (!fs::exists(folder / "note.json")) continue;
    const Json note = read_json_file(folder / "note.json");
    if (!note.contains("n_params")) continue;
    EXPECT_EQ(num_parameters(model), note["n_params"].get<int64_t>()) << folder;
    ++counted;
  }
  EXPECT_EQ(counted, 4);
  EXPECT_EQ(num_parameters(open_model(test::shared_dir() / "models" / "minilm-l6")), 22'713'216);
  EXPECT_EQ(num_parameters(open_model(test::shared_dir() / "models" / "minilm-l6-sst2")), 22'713'216 + 2 * 384 + 2);
}

TEST(OpenModel, RealFoldersSurviveTheBundleToTheBit) {
  ESPALIER_REQUIRE_SHARED();
  const test::TempDir folder;
  for (const fs::path& source : real_folders()) {
    const Model model = open_model(source);
    save_bundle(model, folder.path() / "b");
    EXPECT_TRUE(test::same_model(open_model(folder.path() / "b"), model)) << source;
    EXPECT_EQ(predicted_bundle_bytes(model), bundle_bytes(folder.path() / "b")) << source;
  }
}

TEST(OpenModel, ARealCheckpointGivesTheSameModelAsTorchFile) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path source = test::shared_dir() / "models" / "minilm-l6";
  const test::TempDir folder;
  const fs::path copy = folder.path() / "minilm-l6";
  fs::create_directory(copy);
  fs::copy_file(source / "config.json", copy / "config.json");
  fs::copy_file(source / "tokenizer.json", copy / "tokenizer.json");
  const auto content = test::torch_content(read_safetensors(source / "model.safetensors").tensors);
  const Model whole = open_model(source);
  for (const std::string& bytes : {test::torch_zip(content), test::torch_legacy(content)}) {
    write_file_atomically(copy / "pytorch_model.bin", bytes);
    EXPECT_TRUE(test::same_model(open_model(copy), whole));
  }
}

TEST(OpenModel, HalvesStayMapped) {
  ESPALIER_REQUIRE_SHARED();
  const Model model = open_model(test::shared_dir() / "models" / "minilm-l6-sst2");
  EXPECT_EQ(model.weight("embeddings.word.weight").as<Dense>()->values.dtype(), DType::F16);
  EXPECT_EQ(model.architecture.head.labels, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(model.tokenizer_files.size(), 1u);
}

}  // namespace
}  // namespace espalier
