#include <fstream>

#include "base/json.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::model_of_every_form;
using test::same_model;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& at : fs::directory_iterator(folder)) files[at.path().filename().string()] = read_file(at.path());
  return files;
}

Json description_of(const fs::path& folder) { return read_json_file(folder / "espalier.json"); }

void write_description(const fs::path& folder, const Json& json) {
  std::ofstream(folder / "espalier.json") << json.dump();
}

TEST(Bundle, ComesBackToTheBit) {
  const test::TempDir folder;
  const Model model = model_of_every_form();
  save_bundle(model, folder.path() / "b");
  EXPECT_TRUE(is_bundle(folder.path() / "b"));
  const Model back = open_model(folder.path() / "b");
  EXPECT_TRUE(same_model(back, model));
  EXPECT_EQ(num_parameters(back), num_parameters(model));
  EXPECT_TRUE(same_model(open_model(folder.path() / "b" / "espalier.json"), model));
}

TEST(Bundle, SameModelSameBytesAndOldOnesAreReplaced) {
  const test::TempDir folder;
  const Model model = model_of_every_form();
  save_bundle(model, folder.path() / "a");
  save_bundle(test::random_model(test::bert_architecture(1, 8, 8, 2, 20, 5)), folder.path() / "b");
  save_bundle(open_model(folder.path() / "a"), folder.path() / "b");
  EXPECT_EQ(files_of(folder.path() / "a"), files_of(folder.path() / "b"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
  save_bundle(open_model(folder.path() / "a"), folder.path() / "a");  // over the files that it maps
  EXPECT_TRUE(same_model(open_model(folder.path() / "a"), model));
}

TEST(Bundle, SizeIsPredictedExactly) {
  const test::TempDir folder;
  for (const Model& model : {model_of_every_form(), test::random_model(test::bert_architecture(1, 8, 8, 2, 20, 5))}) {
    save_bundle(model, folder.path() / "b");
    EXPECT_EQ(predicted_bundle_bytes(model), bundle_bytes(folder.path() / "b"));
  }
}

TEST(Bundle, SizeFallsWithSparsityAndBits) {
  Model model = test::random_model(test::bert_architecture(1, 32, 64, 2, 100, 10));
  const std::string slot = "encoder.0.ffn.in_proj.weight";
  const Tensor values = materialize(model.weight(slot));
  int64_t before = predicted_bundle_bytes(model);
  for (const double share : {0.5, 0.25, 0.1}) {
    std::vector<bool> keep(64 * 32);
    for (size_t i = 0; i < keep.size(); ++i)
      keep[i] = static_cast<double>(i) < share * static_cast<double>(keep.size());
    model.weights.replace(slot, make_masked(values, keep));
    EXPECT_LT(predicted_bundle_bytes(model), before);
    before = predicted_bundle_bytes(model);
  }
  before = INT64_MAX;
  for (int bits = 8; bits >= 2; --bits) {
    model.weights.replace(slot, quantize_symmetric(values, bits, true, ActivationRange::Float));
    EXPECT_LT(predicted_bundle_bytes(model), before) << bits;
    before = predicted_bundle_bytes(model);
  }
}

TEST(Bundle, SharedWeightsAreStoredAndCountedOnce) {
  Model model = test::random_model(test::bert_architecture(2, 16, 16, 2, 20, 5));
  const int64_t parameters = num_parameters(model);
  int64_t layer = 0;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.layer != LayerIndex(1)) continue;
    layer += num_elements(slot.shape);
    std::string other = slot.name;
    other[8] = '0';
    model.weights.share(slot.name, other);
  }
  EXPECT_EQ(num_parameters(model), parameters - layer);
  const test::TempDir folder;
  save_bundle(model, folder.path() / "b");
  const TensorFile file = read_safetensors(folder.path() / "b" / "model.safetensors");
  for (const auto& [name, tensor] : file.tensors) EXPECT_FALSE(name.starts_with("encoder.1")) << name;
  EXPECT_TRUE(same_model(open_model(folder.path() / "b"), model));
}

TEST(Bundle, ReplacesNothingButBundles) {
  const test::TempDir folder;
  fs::create_directory(folder.path() / "photos");
  std::ofstream(folder.path() / "photos" / "cat") << "x";
  std::ofstream(folder.path() / "file") << "x";
  const Model model = test::random_model(test::bert_architecture(1, 8, 8, 2, 20, 5));
  EXPECT_EQ(expect_error([&] { save_bundle(model, folder.path() / "photos"); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([&] { save_bundle(model, folder.path() / "file"); }).kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(fs::exists(folder.path() / "photos" / "cat"));
  fs::create_directory(folder.path() / "empty");
  save_bundle(model, folder.path() / "empty/");
  EXPECT_TRUE(is_bundle(folder.path() / "empty"));
}

TEST(Bundle, CancelledSavingLeavesTheOldOne) {
  const test::TempDir folder;
  const Model model = model_of_every_form();
  save_bundle(model, folder.path() / "b");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(save_bundle(test::random_model(model.architecture), folder.path() / "b", cancel), Cancelled);
  EXPECT_TRUE(same_model(open_model(folder.path() / "b"), model));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Bundle, ModelsThatDoNotFitAreNotSaved) {
  const test::TempDir folder;
  Model model = model_of_every_form();
  model.weights.remove("pooler.dense.bias");
  model.weights.replace("head.out.bias", Dense{Tensor::from<float>({4}, {1, 2, 3, 4})});
  model.weights.add("encoder.7.ffn.norm.bias", Dense{Tensor::from<float>({1}, {1})});
  const Error error = expect_error([&] { save_bundle(model, folder.path() / "b"); });
  const std::string message = error.what();
  EXPECT_EQ(error.kind(), ErrorKind::Format);
  EXPECT_NE(message.find("pooler.dense.bias is missing"), std::string::npos) << message;
  EXPECT_NE(message.find("head.out.bias has the shape [4], wanted [3]"), std::string::npos) << message;
  EXPECT_NE(message.find("encoder.7.ffn.norm.bias has no place"), std::string::npos) << message;
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

class DamagedBundle : public testing::Test {
 protected:
  void SetUp() override { save_bundle(model_of_every_form(), bundle_); }
  // The message of opening the bundle after a change of its description.
  std::string fault(const std::string& pointer, const Json& value) {
    const Json good = description_of(bundle_);
    Json wrong = good;
    wrong[Json::json_pointer(pointer)] = value;
    write_description(bundle_, wrong);
    const Error error = expect_error([&] { open_model(bundle_); });
    write_description(bundle_, good);
    EXPECT_NE(std::string(error.what()).find(bundle_.string()), std::string::npos) << error.what();
    return error.what();
  }

  test::TempDir folder_;
  fs::path bundle_ = folder_.path() / "b";
};

TEST_F(DamagedBundle, NewerVersionsAreRefusedNamingBoth) {
  const std::string message = fault("/version", 2);
  EXPECT_NE(message.find("version 2"), std::string::npos) << message;
  EXPECT_NE(message.find("version 1 or older"), std::string::npos) << message;
  fault("/version", 0);
  fault("/version", "1");
  fault("/format", "zip");
}

TEST_F(DamagedBundle, EveryFaultIsNamed) {
  const std::string word = "/weights/embeddings.word.weight";
  EXPECT_NE(fault(word + "/form", "origami").find("low_rank"), std::string::npos);
  EXPECT_NE(fault(word + "/codes", "gone").find("gone"), std::string::npos);
  EXPECT_NE(fault(word + "/bits", 9).find("2 to 8"), std::string::npos);
  EXPECT_NE(fault(word + "/bits", 4).find("codes"), std::string::npos);
  EXPECT_NE(fault(word + "/shape", {50, 17}).find("codes"), std::string::npos);
  EXPECT_NE(fault(word + "/shape", {2147483647, 2147483647}).find("2^48"), std::string::npos);
  EXPECT_NE(fault(word + "/activations", "never").find("per_token"), std::string::npos);
  EXPECT_NE(fault("/weights/encoder.0.ffn.in_proj.weight/shape", {2147483647, 2147483647}).find("2^48"),
            std::string::npos);
  EXPECT_NE(fault("/weights/encoder.0.ffn.in_proj.weight/shape", {16, 24}).find("shape"), std::string::npos);
  EXPECT_NE(fault("/shared/encoder.1.ffn.in_proj.weight", "gone").find("shared"), std::string::npos);
  EXPECT_NE(fault("/shared/pooler.dense.bias", "head.out.bias").find("shared"), std::string::npos);
  EXPECT_NE(fault("/provenance", 3).find("provenance"), std::string::npos);
  EXPECT_NE(fault("/architecture/hidden_size", 17).find("wanted"), std::string::npos);
  Json weights = description_of(bundle_)["weights"];
  weights.erase("head.out.bias");
  EXPECT_NE(fault("/weights", weights).find("head.out.bias"), std::string::npos);
}

TEST_F(DamagedBundle, FilesThatAreMissingAreNamed) {
  fs::remove(bundle_ / "model.safetensors");
  const Error error = expect_error([&] { open_model(bundle_); });
  EXPECT_EQ(error.kind(), ErrorKind::Io);
  EXPECT_NE(std::string(error.what()).find("model.safetensors"), std::string::npos);
}

TEST(Bundle, CardNamesWhatWasDone) {
  const test::TempDir folder;
  save_bundle(model_of_every_form(), folder.path() / "b");
  const std::string card = read_file(folder.path() / "b" / "model_card.md");
  for (const char* part : {"# small", "made in code", "prune.heads", "8-bit codes per row", "low rank 5"}) {
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  }
}

TEST(Model, MaterializedKeepsMeaningAndSharing) {
  const Model model = model_of_every_form();
  const Model dense = materialized(model);
  for (const std::string& slot : model.weights.slots()) {
    EXPECT_TRUE(bit_equal(dense.weight(slot).as<Dense>()->values, materialize(model.weight(slot)))) << slot;
  }
  EXPECT_EQ(dense.weights.unique_slots(), model.weights.unique_slots());
  EXPECT_EQ(display_name(model), "small");
  Model nameless = model;
  nameless.provenance = {};
  EXPECT_EQ(display_name(nameless), "bert 2 layers x 16");
}

}  // namespace
}  // namespace espalier
