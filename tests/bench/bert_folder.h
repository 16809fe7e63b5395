#pragma once
#include <cstdint>
#include <filesystem>

namespace espalier::bench {

struct BertSize {
  int64_t layers = 0, hidden = 0, heads = 0;  // inner width of the FFN: four times `hidden`
  int64_t vocab = 30522, positions = 512;
};
inline constexpr BertSize kBertBase{.layers = 12, .hidden = 768, .heads = 12};
inline constexpr BertSize kBertLarge{.layers = 24, .hidden = 1024, .heads = 16};

// A folder as the reference library saves one, of a classifier with random float32 weights (normal, deviation 0.02):
// config.json, vocab.txt, model.safetensors. Letters are tokens, so any Latin text can be read. Throws Io.
void write_bert_folder(const std::filesystem::path& folder, const BertSize& size);

}  // namespace espalier::bench
