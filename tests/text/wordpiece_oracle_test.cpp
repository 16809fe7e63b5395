// Every line that the reference implementation wrote, from both forms of the vocabulary.

#include <fstream>

#include "base/json.h"
#include "tests/support/support.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

// The tokenizer from only one of the two forms.
std::shared_ptr<const Tokenizer> load_form(const std::filesystem::path& folder, const std::string& form) {
  std::vector<TokenizerFile> files;
  for (const std::string& name : {form, std::string("tokenizer_config.json")}) {
    files.push_back({name, std::make_shared<const std::string>(read(folder / name))});
  }
  return load_tokenizer(files, folder.string());
}

std::vector<Json> lines(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Json> result;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) result.push_back(parse_json(line, file.string()));
  }
  return result;
}

class WordPieceOracle : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    ESPALIER_REQUIRE_SHARED();
    folder_ = test::shared_dir() / "oracle" / "tokenizers" / std::get<0>(GetParam());
    tokenizer_ = load_form(folder_, std::get<1>(GetParam()));
  }
  std::filesystem::path folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_P(WordPieceOracle, EveryCaseIsExact) {
  int64_t seen = 0;
  for (const Json& expected : lines(folder_ / "cases.jsonl")) {
    const auto text = expected.at("text").get<std::string>();
    SCOPED_TRACE(expected.at("text").dump());
    EXPECT_EQ(Json(tokenizer_->encode(text).ids), expected.at("ids"));
    const Encoding plain = tokenizer_->encode(text, {.add_special_tokens = false});
    EXPECT_EQ(Json(plain.ids), expected.at("ids_nospecial"));
    Json tokens = Json::array();
    for (const TokenId id : plain.ids) tokens.push_back(tokenizer_->token(id));
    EXPECT_EQ(tokens, expected.at("tokens"));
    EXPECT_EQ(Json(plain.offsets), expected.at("offsets"));
    EXPECT_EQ(tokenizer_->decode(plain.ids), expected.at("decoded").get<std::string>());
    ++seen;
  }
  EXPECT_GT(seen, 1000);
}

TEST_P(WordPieceOracle, EveryPairIsExact) {
  const std::map<std::string, Truncation> strategies = {{"longest_first", Truncation::LongestFirst},
                                                        {"only_first", Truncation::OnlyFirst},
                                                        {"only_second", Truncation::OnlySecond}};
  int64_t seen = 0;
  for (const Json& expected : lines(folder_ / "pairs.jsonl")) {
    SCOPED_TRACE(expected.dump());
    const auto encode_pair = [&] {
      return tokenizer_->encode_pair(expected.at("a").get<std::string>(), expected.at("b").get<std::string>(),
                                     {.max_length = expected.at("max_length").get<int64_t>(),
                                      .truncation = strategies.at(expected.at("strategy"))});
    };
    ++seen;
    if (expected.contains("error")) {
      EXPECT_EQ(test::expect_error(encode_pair).kind(), ErrorKind::InvalidInput);
      continue;
    }
    const Encoding got = encode_pair();
    EXPECT_EQ(Json(got.ids), expected.at("ids"));
    EXPECT_EQ(Json(got.type_ids), expected.at("type_ids"));
  }
  EXPECT_GT(seen, 50);
}

INSTANTIATE_TEST_SUITE_P(Forms, WordPieceOracle,
                         testing::Combine(testing::Values("bert-uncased", "bert-cased"),
                                          testing::Values("tokenizer.json", "vocab.txt")),
                         [](const auto& param) {
                           std::string name = std::get<0>(param.param) + "_" + std::get<1>(param.param);
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

TEST(TokenizerFolders, OtherKindsAreRefusedByName) {
  ESPALIER_REQUIRE_SHARED();
  const std::filesystem::path tokenizers = test::shared_dir() / "oracle" / "tokenizers";
  for (const std::string& name : {std::string("bpe-gpt2"), std::string("albert-unigram")}) {
    const Error error = test::expect_error([&] { load_tokenizer(tokenizers / name); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
    EXPECT_NE(std::string(error.what()).find("tokenizer.json"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace espalier
