// tokenizer.json, and what the tokenizer then makes of texts.

#include "text/tokenizer.h"

#include <stdexcept>

#include "base/error.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"

namespace espalier::test {
namespace {

constexpr const char* kPlace = "a/folder";

std::vector<std::string> seeds() {
  return {
      R"({"version": "1.0",
          "truncation": {"max_length": 16, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
          "padding": null,
          "added_tokens": [
            {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
             "special": true},
            {"id": 1, "content": "[UNK]", "special": true},
            {"id": 2, "content": "[CLS]", "special": true},
            {"id": 3, "content": "[SEP]", "special": true},
            {"id": 4, "content": "[MASK]", "lstrip": true, "special": true},
            {"id": 11, "content": "<word>", "single_word": true, "rstrip": true, "normalized": true}],
          "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                         "strip_accents": null, "lowercase": true},
          "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
          "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
          "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 20,
                    "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "un": 5, "##aff": 6,
                              "##able": 7, "hello": 8, "caf\u00e9": 9, "\u4e2d": 10}}})"};
}

void read(const std::string& bytes) {
  const auto tokenizer = load_tokenizer({{"tokenizer.json", std::make_shared<const std::string>(bytes)}}, kPlace);
  for (const char* text :
       {"Unaffable hello, caf\u00e9 <word> \u4e2d\u6587 [MASK]", "", "\xff\xfe x", "hellohellohello"}) {
    for (const bool special : {true, false}) {
      const Encoding whole = tokenizer->encode(text, {.add_special_tokens = special});
      for (const TokenId id : whole.ids) {
        if (id >= 0 && id < tokenizer->vocab_size()) static_cast<void>(tokenizer->token(id));
      }
      static_cast<void>(tokenizer->decode(whole.ids, special));
    }
    try {
      const Encoding cut = tokenizer->encode_pair(text, "un hello", {.max_length = 8});
      if (cut.ids.size() > 8) throw std::logic_error("longer than max_length");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::InvalidInput) throw;  // a template may leave no room for text
    }
  }
}

}  // namespace

FuzzTarget tokenizer_target() { return {"tokenizer", seeds, mutated_json, read, kPlace, 200}; }

}  // namespace espalier::test
