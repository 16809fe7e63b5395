// Damaged files of every kind end in an Error that names the file, or load and
// still work; nothing else.

#include "base/rng.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/support.h"
#include "tests/text/small_tokenizers.h"

namespace espalier {
namespace {

constexpr int kRounds = 500;
const char* const kText = "lower \u00e9 ab  c<sep>\xFF low</s> 12,";

// Puts `bytes` in the place of the file `name`, loads and uses the tokenizer.
void use_damaged(std::vector<TokenizerFile> files, const std::string& name, std::string bytes) {
  for (TokenizerFile& file : files) {
    if (file.name == name) file.bytes = std::make_shared<const std::string>(std::move(bytes));
  }
  try {
    const auto tokenizer = load_tokenizer(files, "folder");
    const Encoding encoding = tokenizer->encode(kText);
    for (const auto& [begin, end] : encoding.offsets) {
      ASSERT_LE(0, begin);
      ASSERT_LE(begin, end);
    }
    (void)tokenizer->decode(encoding.ids);
    (void)tokenizer->encode_pair(kText, kText, {.max_length = 40});
  } catch (const Error& error) {
    EXPECT_NE(error.kind(), ErrorKind::Internal) << error.what();
    EXPECT_FALSE(std::string(error.what()).empty());
  }
}

void mutate_file(const std::vector<TokenizerFile>& files, const std::string& name, bool is_json, uint64_t seed) {
  Rng rng(seed);
  std::string whole;
  for (const TokenizerFile& file : files) {
    if (file.name == name) whole = *file.bytes;
  }
  ASSERT_FALSE(whole.empty());
  ASSERT_FALSE(load_tokenizer(files, "folder")->encode(kText).ids.empty());  // undamaged
  for (int round = 0; round < kRounds; ++round) {
    std::string damaged = whole;
    for (uint64_t times = 1 + rng.below(3); times > 0; --times) {
      damaged = is_json ? test::mutated_json(damaged, rng) : test::mutated_bytes(damaged, rng);
    }
    SCOPED_TRACE(name + ", round " + std::to_string(round));
    use_damaged(files, name, std::move(damaged));
  }
}

TEST(Damage, TokenizerJsonOfUnigram) { mutate_file(test::unigram_files(), "tokenizer.json", true, 1); }

TEST(Damage, TokenizerJsonOfBpe) {
  const char* const json = R"({
    "added_tokens": [{"id": 5, "content": "<sep>", "special": true, "lstrip": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Strip"}]},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": {"type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", 0]},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "unk_token": "a", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3, "abc": 4},
              "merges": [["a", "b"], ["ab", "c"]]}})";
  mutate_file({test::text_file("tokenizer.json", json)}, "tokenizer.json", true, 2);
}

TEST(Damage, VocabularyAndMerges) {
  mutate_file(test::bpe_files(), "vocab.json", true, 3);
  mutate_file(test::bpe_files(), "merges.txt", false, 4);
  mutate_file(test::bpe_files(), "tokenizer_config.json", true, 5);
  mutate_file(test::wordpiece_files(), "vocab.txt", false, 6);
}

// Rules that replace "a" by "bc": a double array of two units for the root, one
// for the byte, one for its value.
std::string small_charsmap() {
  std::string units;
  const auto unit = [&](uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) units.push_back(static_cast<char>(value >> shift));
  };
  constexpr uint32_t kOffset = 1;
  unit(kOffset << 10);  // root: children at 1 ^ byte
  for (uint32_t i = 1; i < 256; ++i) {
    const bool is_byte = i == (kOffset ^ 'a');  // leads on to a value at i ^ 1
    const bool is_value = i == (kOffset ^ 'a' ^ 1);
    unit(is_byte ? (kOffset << 10) | (1U << 8) | 'a' : is_value ? 0x80000000U : 0U);
  }
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(units.size() >> shift));
  return out + units + std::string("bc\0", 3);
}

TEST(Charsmaps, ReplaceTheLongestRule) {
  const auto tokenizer =
      load_tokenizer({test::text_file("spiece.model",
                                      test::sentencepiece_file({{"<unk>", 0, 2}, {"\u2581", -1}, {"bc", -1}, {"x", -1}},
                                                               "", test::bytes_field(2, small_charsmap())))},
                     "test");
  EXPECT_EQ(tokenizer->pieces("xax"), (std::vector<std::string>{"\u2581", "x", "bc", "x"}));
  EXPECT_EQ(tokenizer->encode("xax").offsets[2], (std::pair<int32_t, int32_t>{1, 2}));
}

TEST(Damage, SentencePieceModels) {
  const std::string model = test::small_sentencepiece(test::number_field(3, 1) + test::number_field(35, 1),
                                                      test::bytes_field(2, small_charsmap()));
  for (const char* config : {"{}", R"({"tokenizer_class": "T5Tokenizer", "extra_ids": 3})"}) {
    mutate_file({test::text_file("spiece.model", model), test::text_file("tokenizer_config.json", config)},
                "spiece.model", false, 7);
  }
  mutate_file(test::marian_files(), "source.spm", false, 8);
  mutate_file(test::marian_files(), "vocab.json", true, 9);
}

TEST(Damage, TheFileIsNamed) {
  const std::vector<std::pair<std::vector<TokenizerFile>, std::string>> cases = {
      {test::bpe_files(), "merges.txt"}, {test::bpe_files(), "vocab.json"}, {test::marian_files(), "source.spm"}};
  for (const auto& [files, name] : cases) {
    std::vector<TokenizerFile> damaged = files;
    for (TokenizerFile& file : damaged) {
      if (file.name == name) file.bytes = std::make_shared<const std::string>("{\x07");
    }
    const Error error = test::expect_error([&] { load_tokenizer(damaged, "folder"); });
    EXPECT_EQ(error.kind(), ErrorKind::Format) << error.what();
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

// Found by fuzzing: another name was taken for the first text, which then stood twice in a pair and outgrew max_length.
TEST(Damage, TemplatesNameEachTextOnce) {
  const auto with_pair = [](const char* second) {
    const std::string json = std::string(R"({"model": {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0}},)") +
                             R"("post_processor": {"type": "TemplateProcessing", "special_tokens": {},)" +
                             R"("single": [{"Sequence": {"id": "A"}}], "pair": [{"Sequence": {"id": "A"}},)" +
                             R"({"Sequence": {"id": ")" + second + R"("}}]}})";
    return std::vector{test::text_file("tokenizer.json", json)};
  };
  EXPECT_NO_THROW(load_tokenizer(with_pair("B"), "folder"));
  for (const char* second : {"A", "C", "Sequence", ""}) {
    const Error error = test::expect_error([&] { load_tokenizer(with_pair(second), "folder"); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
  }
}

}  // namespace
}  // namespace espalier
