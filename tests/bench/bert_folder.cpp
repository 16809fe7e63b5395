#include "tests/bench/bert_folder.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/rng.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"

namespace espalier::bench {
namespace {

class Body {
 public:
  explicit Body(const BertSize& size) {
    const int64_t d = size.hidden;
    values("bert.embeddings.word_embeddings.weight", {size.vocab, d});
    values("bert.embeddings.position_embeddings.weight", {size.positions, d});
    values("bert.embeddings.token_type_embeddings.weight", {2, d});
    norm("bert.embeddings.LayerNorm", d);
    for (int64_t l = 0; l < size.layers; ++l) {
      const std::string layer = fmt::format("bert.encoder.layer.{}.", l);
      for (const char* name :
           {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"}) {
        linear(layer + name, d, d);
      }
      norm(layer + "attention.output.LayerNorm", d);
      linear(layer + "intermediate.dense", 4 * d, d);
      linear(layer + "output.dense", d, 4 * d);
      norm(layer + "output.LayerNorm", d);
    }
    linear("bert.pooler.dense", d, d);
    linear("classifier", 2, d);
  }

  TensorFile file;

 private:
  void values(const std::string& name, const Shape& shape) {
    std::vector<float> numbers(static_cast<size_t>(num_elements(shape)));
    for (float& number : numbers) number = static_cast<float>(0.02 * rng_.normal());
    file.tensors[name] = Tensor::from(shape, std::move(numbers));
  }
  void constant(const std::string& name, int64_t count, float value) {
    file.tensors[name] = Tensor::from({count}, std::vector<float>(static_cast<size_t>(count), value));
  }
  void linear(const std::string& path, int64_t out, int64_t in) {
    values(path + ".weight", {out, in});
    constant(path + ".bias", out, 0);
  }
  void norm(const std::string& path, int64_t width) {
    constant(path + ".weight", width, 1);
    constant(path + ".bias", width, 0);
  }

  Rng rng_{7};
};

std::string vocabulary(int64_t size) {
  std::vector<std::string> tokens(static_cast<size_t>(size));
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = fmt::format("word{}", i);
  tokens[0] = "[PAD]";
  tokens[100] = "[UNK]";
  tokens[101] = "[CLS]";
  tokens[102] = "[SEP]";
  tokens[103] = "[MASK]";
  size_t next = 1000;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    tokens[next++] = std::string(1, letter);
    tokens[next++] = fmt::format("##{}", letter);
  }
  for (const char sign : std::string(".,!?'-")) tokens[next++] = std::string(1, sign);
  return fmt::format("{}\n", fmt::join(tokens, "\n"));
}

}  // namespace

void write_bert_folder(const std::filesystem::path& folder, const BertSize& size) {
  std::filesystem::create_directories(folder);
  const Json config = {{"model_type", "bert"},
                       {"architectures", {"BertForSequenceClassification"}},
                       {"hidden_size", size.hidden},
                       {"num_hidden_layers", size.layers},
                       {"num_attention_heads", size.heads},
                       {"intermediate_size", 4 * size.hidden},
                       {"vocab_size", size.vocab},
                       {"max_position_embeddings", size.positions},
                       {"type_vocab_size", 2},
                       {"hidden_act", "gelu"},
                       {"layer_norm_eps", 1e-12},
                       {"pad_token_id", 0}};
  write_file_atomically(folder / "config.json", config.dump(2) + "\n");
  write_file_atomically(folder / "vocab.txt", vocabulary(size.vocab));
  write_safetensors(folder / "model.safetensors", Body(size).file);
}

}  // namespace espalier::bench
