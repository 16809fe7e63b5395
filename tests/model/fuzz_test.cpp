// Descriptions of models from strangers never crash or hang the reader: five hundred of each kind, with a fixed seed.

#include <fstream>

#include "base/unicode.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "tests/fuzz/mutate.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// Opens `folder` with `file` in it replaced by mutations of itself; gives how many were refused.
int refused_mutations(const fs::path& folder, const std::string& file, uint64_t seed) {
  const std::string good = read_file(folder / file);
  Rng rng(seed);
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::string text = good;
    for (uint64_t times = 1 + rng.below(3); times > 0; --times) text = test::mutated_json(text, rng);
    std::ofstream(folder / file, std::ios::binary | std::ios::trunc) << text;
    try {
      const Model model = open_model(folder);
      for (const std::string& slot : model.weights.slots()) static_cast<void>(materialize(model.weight(slot)));
    } catch (const Error& error) {
      ++refused;
      const std::string message = error.what();
      EXPECT_NE(message.find(folder.string()), std::string::npos) << message;
      EXPECT_NE(error.kind(), ErrorKind::Internal) << message;
      EXPECT_TRUE(is_utf8(message)) << round;
    }
  }
  return refused;
}

TEST(Fuzz, MalformedBundlesAreRefusedByNameOrRead) {
  const test::TempDir folder;
  save_bundle(test::model_of_every_form(), folder.path() / "b");
  EXPECT_GT(refused_mutations(folder.path() / "b", "espalier.json", 11), 300);
}

TEST(Fuzz, MalformedConfigurationsAreRefusedByNameOrRead) {
  const test::TempDir folder;
  Model model = test::random_model(test::bert_architecture(1, 8, 12, 2, 20, 6));
  TensorFile file;
  const std::vector<std::pair<std::string, std::string>> names = {
      {"embeddings.word.", "embeddings.word_embeddings."},
      {"embeddings.position.", "embeddings.position_embeddings."},
      {"embeddings.type.", "embeddings.token_type_embeddings."},
      {"embeddings.norm.", "embeddings.LayerNorm."},
      {"encoder.0.attention.q_proj.", "encoder.layer.0.attention.self.query."},
      {"encoder.0.attention.k_proj.", "encoder.layer.0.attention.self.key."},
      {"encoder.0.attention.v_proj.", "encoder.layer.0.attention.self.value."},
      {"encoder.0.attention.out_proj.", "encoder.layer.0.attention.output.dense."},
      {"encoder.0.attention.norm.", "encoder.layer.0.attention.output.LayerNorm."},
      {"encoder.0.ffn.in_proj.", "encoder.layer.0.intermediate.dense."},
      {"encoder.0.ffn.out_proj.", "encoder.layer.0.output.dense."},
      {"encoder.0.ffn.norm.", "encoder.layer.0.output.LayerNorm."},
      {"pooler.dense.", "pooler.dense."}};
  for (const std::string& slot : model.weights.slots()) {
    for (const auto& [ours, theirs] : names) {
      if (slot.starts_with(ours)) file.tensors[theirs + slot.substr(ours.size())] = materialize(model.weight(slot));
    }
  }
  write_safetensors(folder.path() / "model.safetensors", file);
  std::ofstream(folder.path() / "config.json")
      << R"({"architectures": ["BertModel"], "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 8,
             "id2label": {"0": "no", "1": "yes"}, "intermediate_size": 12, "layer_norm_eps": 1e-12,
             "max_position_embeddings": 6, "model_type": "bert", "num_attention_heads": 2, "num_hidden_layers": 1,
             "pad_token_id": 0, "type_vocab_size": 2, "vocab_size": 20})";
  ASSERT_EQ(num_parameters(open_model(folder.path())), num_parameters(model));
  EXPECT_GT(refused_mutations(folder.path(), "config.json", 12), 200);
}

}  // namespace
}  // namespace espalier
