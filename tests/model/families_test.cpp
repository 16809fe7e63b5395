// Every family with every head: a folder is made of the names that the family asks for, opened, saved as a bundle and
// opened again.

#include <algorithm>

#include "base/json.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "model/families/family.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const Family& family_named(std::string_view id) {
  for (const Family& family : families()) {
    if (family.id == id) return family;
  }
  throw std::runtime_error(std::string(id));
}

struct Case {
  std::string name, family;
  Json config;
  std::vector<std::string> marks;  // tensors that tell the head
  HeadKind head;
};

Json config_of(const std::string& family, const std::string& kind, const Json& more = {}) {
  Json config = {{"model_type", family}, {"architectures", {kind}}, {"vocab_size", 30}};
  if (family == "distilbert") {
    config.update({{"dim", 8}, {"n_layers", 2}, {"n_heads", 2}, {"hidden_dim", 12}, {"max_position_embeddings", 9}});
  } else if (family == "gpt2") {
    config.update({{"n_embd", 8}, {"n_layer", 2}, {"n_head", 2}, {"n_positions", 9}});
  } else if (family == "bart" || family == "marian") {
    config.update({{"d_model", 8},
                   {"encoder_layers", 1},
                   {"decoder_layers", 2},
                   {"encoder_attention_heads", 2},
                   {"decoder_attention_heads", 4},
                   {"encoder_ffn_dim", 12},
                   {"decoder_ffn_dim", 10},
                   {"max_position_embeddings", 9}});
  } else if (family == "t5") {
    config.update(
        {{"d_model", 8}, {"num_layers", 2}, {"num_decoder_layers", 1}, {"num_heads", 3}, {"d_kv", 5}, {"d_ff", 12}});
  } else {
    config.update({{"hidden_size", 8},
                   {"num_hidden_layers", 4},
                   {"num_attention_heads", 2},
                   {"intermediate_size", 12},
                   {"max_position_embeddings", 9},
                   {"type_vocab_size", 2},
                   {"embedding_size", 6},
                   {"num_hidden_groups", 2},
                   {"inner_group_num", 2},
                   {"intra_bottleneck_size", 4},
                   {"num_feedforward_networks", 2}});
  }
  if (!more.is_null()) config.update(more);
  return config;
}

// The masked-LM tensor, and the sentence head's, by which a family knows its heads.
const std::map<std::string, std::pair<std::string, std::string>> kMarks = {
    {"bert", {"cls.predictions.transform.dense.weight", "classifier.weight"}},
    {"roberta", {"lm_head.dense.weight", "classifier.dense.weight"}},
    {"distilbert", {"vocab_transform.weight", "pre_classifier.weight"}},
    {"electra", {"generator_predictions.dense.weight", "classifier.dense.weight"}},
    {"albert", {"predictions.dense.weight", "classifier.weight"}},
    {"mobilebert", {"cls.predictions.transform.dense.weight", "classifier.weight"}},
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [family, marks] : kMarks) {
    const auto& [masked_lm, sentence] = marks;
    const auto add = [&](const std::string& name, const std::string& kind, const std::vector<std::string>& tensors,
                         HeadKind head, const Json& more = {}) {
      all.push_back({family + name, family, config_of(family, kind, more), tensors, head});
    };
    const Json three = {{"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}}}};
    add("None", "Model", {}, HeadKind::None);
    add("Classification", "ForSequenceClassification", {sentence}, HeadKind::Classification, three);
    add("Regression", "ForSequenceClassification", {sentence}, HeadKind::Regression, {{"num_labels", 1}});
    add("Tokens", "ForTokenClassification", {"classifier.weight"}, HeadKind::TokenClassification, three);
    add("Questions", "ForQuestionAnswering", {"qa_outputs.weight"}, HeadKind::QuestionAnswering);
    add("MaskedLm", "ForMaskedLM", {masked_lm}, HeadKind::MaskedLm);
  }
  const auto add = [&](const std::string& name, const std::string& family, const std::string& kind,
                       const std::vector<std::string>& marks, HeadKind head, const Json& more = {}) {
    all.push_back({name, family, config_of(family, kind, more), marks, head});
  };
  add("electraDiscriminator", "electra", "ElectraForPreTraining", {"discriminator_predictions.dense.weight"},
      HeadKind::ReplacedToken);
  add("mobilebertWide", "mobilebert", "MobileBertModel", {}, HeadKind::None, {{"use_bottleneck", false}});
  add("gpt2Language", "gpt2", "GPT2LMHeadModel", {}, HeadKind::LanguageModel);
  add("gpt2None", "gpt2", "GPT2Model", {}, HeadKind::None);
  add("bartLanguage", "bart", "BartForConditionalGeneration", {"final_logits_bias"}, HeadKind::LanguageModel);
  add("bartNone", "bart", "BartModel", {}, HeadKind::None);
  add("marianLanguage", "marian", "MarianMTModel", {"final_logits_bias"}, HeadKind::LanguageModel);
  add("marianTwoVocabularies", "marian", "MarianMTModel", {"final_logits_bias"}, HeadKind::LanguageModel,
      {{"share_encoder_decoder_embeddings", false}, {"decoder_vocab_size", 17}});
  add("t5Language", "t5", "T5ForConditionalGeneration", {}, HeadKind::LanguageModel);
  add("t5Gated", "t5", "T5ForConditionalGeneration", {"lm_head.weight"}, HeadKind::LanguageModel,
      {{"feed_forward_proj", "gated-gelu"}, {"tie_word_embeddings", false}});
  return all;
}

// A checkpoint with every tensor that the family asks for under its first name; tied ones are left out unless marked.
TensorFile checkpoint_of(const Family& family, const Architecture& architecture, const Case& one) {
  std::map<std::string, Shape> shapes;
  for (const Slot& slot : slots_of(architecture)) shapes[slot.name] = slot.shape;
  TensorFile file;
  Rng rng(9);
  for (const SlotNames& names : family.slot_names(architecture, one.config)) {
    const std::string& name = names.checkpoint_names.front();
    const bool marked = std::find(one.marks.begin(), one.marks.end(), name) != one.marks.end();
    if (!names.tied_to.empty() && !marked) continue;
    Shape shape = shapes.at(names.slot);
    shape[0] *= names.parts;
    if (names.transposed && shape.size() == 2) std::swap(shape[0], shape[1]);
    file.tensors[name] = test::random_tensor(shape, rng);
  }
  return file;
}

class Families : public testing::TestWithParam<Case> {};

TEST_P(Families, OpenWithTheirHeadsAndSurviveTheBundle) {
  const Family& family = family_named(GetParam().family);
  ASSERT_TRUE(family.recognises(GetParam().config));
  const Architecture architecture = family.read_config(GetParam().config, GetParam().marks, "config.json");
  EXPECT_EQ(architecture.head.kind, GetParam().head);
  const test::TempDir folder;
  write_file_atomically(folder.path() / "config.json", GetParam().config.dump());
  write_safetensors(folder.path() / "model.safetensors", checkpoint_of(family, architecture, GetParam()));
  const Model model = open_model(folder.path());
  EXPECT_EQ(model.architecture.head.kind, GetParam().head);
  EXPECT_EQ(architecture_from_json(to_json(model.architecture), "x"), model.architecture);
  save_bundle(model, folder.path() / "bundle");
  const Model reopened = open_model(folder.path() / "bundle");
  EXPECT_EQ(reopened.architecture, model.architecture);
  for (const std::string& slot : model.weights.slots()) {
    EXPECT_TRUE(bit_equal(reopened.weights.at(slot), model.weights.at(slot))) << slot;
    EXPECT_EQ(reopened.weights.slots_of(reopened.weights.handle(slot)),
              model.weights.slots_of(model.weights.handle(slot)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Families, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& one) { return one.param.name; });

TEST(FamilyNames, LayersOfAnAlbertGroupAreOneSetOfWeights) {
  Case one{"", "albert", config_of("albert", "AlbertModel"), {}, HeadKind::None};
  const Family& family = family_named("albert");
  const Architecture architecture = family.read_config(one.config, {}, "config.json");
  ASSERT_EQ(architecture.layers.size(), 8U);  // four layers of two inner ones, two groups
  const test::TempDir folder;
  write_file_atomically(folder.path() / "config.json", one.config.dump());
  write_safetensors(folder.path() / "model.safetensors", checkpoint_of(family, architecture, one));
  const Model model = open_model(folder.path());
  const auto users = model.weights.slots_of(model.weights.handle("encoder.5.ffn.in_proj.weight"));
  EXPECT_EQ(users, (std::vector<std::string>{"encoder.5.ffn.in_proj.weight", "encoder.7.ffn.in_proj.weight"}));
}

TEST(FamilyNames, AMatrixThatHoldsSeveralSlotsIsCutAndTurned) {
  Case one{"", "gpt2", config_of("gpt2", "GPT2LMHeadModel"), {}, HeadKind::LanguageModel};
  const Family& family = family_named("gpt2");
  const Architecture architecture = family.read_config(one.config, {}, "config.json");
  const TensorFile file = checkpoint_of(family, architecture, one);
  const test::TempDir folder;
  write_file_atomically(folder.path() / "config.json", one.config.dump());
  write_safetensors(folder.path() / "model.safetensors", file);
  const Model model = open_model(folder.path());
  const Tensor& joined = file.tensors.at("transformer.h.1.attn.c_attn.weight");  // (in, 3 out)
  const Tensor values = materialize(model.weight("encoder.1.attention.k_proj.weight"));
  for (int64_t out = 0; out < 8; ++out) {
    for (int64_t in = 0; in < 8; ++in) EXPECT_EQ(values.value_at(out * 8 + in), joined.value_at(in * 24 + 8 + out));
  }
  EXPECT_EQ(model.weights.handle("head.out.weight"), model.weights.handle("embeddings.word.weight"));
}

TEST(FamilyNames, GenerationIsReadFromBothFiles) {
  Case one{"", "t5", config_of("t5", "T5ForConditionalGeneration"), {}, HeadKind::LanguageModel};
  one.config.update({{"eos_token_id", 1}, {"num_beams", 2}, {"decoder_start_token_id", 0}});
  const Family& family = family_named("t5");
  const Architecture architecture = family.read_config(one.config, {}, "config.json");
  const test::TempDir folder;
  write_file_atomically(folder.path() / "config.json", one.config.dump());
  write_safetensors(folder.path() / "model.safetensors", checkpoint_of(family, architecture, one));
  const Json generation = {{"num_beams", 5},         {"eos_token_id", {1, 3}}, {"early_stopping", true},
                           {"bad_words_ids", {{7}}}, {"length_penalty", 0.5},  {"max_length", 31}};
  write_file_atomically(folder.path() / "generation_config.json", generation.dump());
  const Model model = open_model(folder.path());
  ASSERT_TRUE(model.architecture.generation.has_value());
  GenerationSpec wanted;
  wanted.eos = {1, 3};
  wanted.beams = 5;
  wanted.decoder_start = 0;
  wanted.early_stopping = "true";
  wanted.bad_words = {{7}};
  wanted.length_penalty = 0.5;
  wanted.max_length = 31;
  EXPECT_EQ(*model.architecture.generation, wanted);
}

}  // namespace
}  // namespace espalier
