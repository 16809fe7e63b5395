// config.json of a Hugging Face folder, beside tensors that fit it.

#include "base/json.h"
#include "formats/safetensors.h"
#include "model/families/family.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

constexpr const char* kConfig =
    R"({"architectures": ["BertModel"], "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 8,
        "id2label": {"0": "no", "1": "yes"}, "intermediate_size": 12, "layer_norm_eps": 1e-12,
        "max_position_embeddings": 6, "model_type": "bert", "num_attention_heads": 2, "num_hidden_layers": 1,
        "pad_token_id": 0, "type_vocab_size": 2, "vocab_size": 20})";

struct Folder {
  Folder() {
    const Model model = random_model(bert_architecture(1, 8, 12, 2, 20, 6));
    TensorFile file;
    for (const Family& family : families()) {
      if (family.id != "bert") continue;
      for (const SlotNames& slot : family.slot_names(model.architecture, Json::parse(kConfig))) {
        file.tensors[slot.checkpoint_names.front()] = materialize(model.weight(slot.slot));
      }
    }
    write_safetensors(folder.path() / "model.safetensors", file);
  }

  TempDir folder;
};

const std::filesystem::path& folder() {
  static const Folder folder;
  return folder.folder.path();
}

void read(const std::string& bytes) {
  write_plainly(folder() / "config.json", bytes);
  static_cast<void>(open_model(folder()));
}

}  // namespace

FuzzTarget config_target() {
  return {"config", [] { return std::vector<std::string>{kConfig}; }, mutated_json, read, folder().string(), 200};
}

}  // namespace espalier::test
