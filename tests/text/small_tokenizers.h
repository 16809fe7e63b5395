#pragma once
// Small tokenizers of every kind of file, made here.

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/text/proto_writer.h"
#include "text/byte_level.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace espalier::test {

inline TokenizerFile text_file(const std::string& name, std::string bytes) {
  return {name, std::make_shared<const std::string>(std::move(bytes))};
}

inline std::vector<TokenizerFile> wordpiece_files() {
  return {text_file("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nlow\n##er\n##s\n")};
}

// vocab.json of all bytes, a few merges and the special tokens of GPT-2 and RoBERTa, with its merges.txt.
inline std::vector<TokenizerFile> bpe_files(const std::string& config = R"({"tokenizer_class": "GPT2Tokenizer"})") {
  Json vocabulary;
  int next = 0;
  for (const char* token : {"<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"}) vocabulary[token] = next++;
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    append_utf8(text, stand_in(static_cast<uint8_t>(byte)));
    vocabulary[text] = next++;
  }
  for (const char* token : {"lo", "low", "er", "wer", "\u0120s"}) vocabulary[token] = next++;
  return {text_file("vocab.json", vocabulary.dump()),
          text_file("merges.txt", "#version: 0.2\nl o\nlo w\ne r\nw er\n\u0120 s\n"),
          text_file("tokenizer_config.json", config)};
}

inline std::vector<TokenizerFile> unigram_files() {
  return {text_file("tokenizer.json", R"({
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
    "normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
    "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
    "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["\u2581", -2.0], ["a", -3.0], ["b", -3.0],
              ["ab", -4.0], ["\u2581ab", -3.5], ["\u2581c", -4.0], ["low", -5.0]]}})")};
}

inline std::string small_sentencepiece(const std::string& trainer = "", const std::string& normalizer = "") {
  return sentencepiece_file({{"<unk>", 0, 2},
                             {"<s>", 0, 3},
                             {"</s>", 0, 3},
                             {"\u2581", -2},
                             {"a", -3},
                             {"b", -3},
                             {"ab", -4},
                             {"\u2581ab", -3.5F},
                             {"\u2581c", -4},
                             {"<sep>", 0, 4}},
                            trainer, normalizer);
}

inline std::vector<TokenizerFile> marian_files() {
  const Json vocabulary = {{"</s>", 0},  {"<unk>", 1},     {">>xx<<", 3},   {"\u2581", 4},
                           {"<pad>", 2}, {"\u2581ab", 10}, {"\u2581c", 11}, {"\u2581zz", 12}};
  return {text_file("source.spm", small_sentencepiece()),
          text_file("target.spm", sentencepiece_file({{"<unk>", 0, 2}, {"\u2581zz", -1}, {"\u2581", -3}})),
          text_file("vocab.json", vocabulary.dump())};
}

}  // namespace espalier::test
