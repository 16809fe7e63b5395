// The library that is shipped, through its C and C++ interfaces alone, against the engine inside.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "engine/engine.h"
#include "espalier/engine.hpp"
#include "model/model.h"
#include "tests/support/support.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

fs::path lab_folder() { return test::source_dir() / "resources" / "lab"; }

const std::vector<std::string> kTexts = {"The plot was not very clever, but the music was lovely.", "A dull film.", ""};

// What the engine of this program says of one text.
std::vector<float> expected_logits(const Model& model, const std::string& text) {
  const auto tokenizer = load_tokenizer(model.tokenizer_files, "lab");
  const std::vector<Encoding> one = {tokenizer->encode(text)};
  const Tensor logits = Engine(model, {1}).run(pack(one)).logits;
  return {logits.values<float>().begin(), logits.values<float>().end()};
}

TEST(EngineLibrary, ClassifiesAsTheEngineDoes) {
  const Model model = open_model(lab_folder());
  const engine::Model library(lab_folder().string(), 1);
  const engine::Rows rows = library.classify(kTexts);
  ASSERT_EQ(rows.count(), 3);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const std::vector<float> wanted = expected_logits(model, kTexts[i]);
    ASSERT_EQ(static_cast<size_t>(rows.width), wanted.size());
    EXPECT_EQ(0, std::memcmp(rows.row(static_cast<int64_t>(i)), wanted.data(), wanted.size() * sizeof(float)));
  }
}

TEST(EngineLibrary, TokensRunToTheSameLogits) {
  const engine::Model library(lab_folder().string(), 1);
  const engine::Tokens first = library.tokenize(kTexts[0]);
  const engine::Tokens second = library.tokenize(kTexts[1]);
  engine::Tokens both = first;
  both.ids.insert(both.ids.end(), second.ids.begin(), second.ids.end());
  both.types.insert(both.types.end(), second.types.begin(), second.types.end());
  const auto end = static_cast<int32_t>(both.ids.size());
  const engine::Rows by_ids = library.run(both, {0, static_cast<int32_t>(first.ids.size()), end});
  EXPECT_EQ(by_ids.values, library.classify({kTexts[0], kTexts[1]}).values);
  // A buffer that is too small is filled, and the number of tokens told.
  std::vector<int32_t> few(2);
  espalier_model* raw = espalier_open(lab_folder().c_str(), 1);
  ASSERT_NE(raw, nullptr);
  EXPECT_EQ(espalier_tokenize(raw, kTexts[0].c_str(), nullptr, 0, few.data(), nullptr, 2),
            static_cast<int64_t>(first.ids.size()));
  EXPECT_EQ(few[1], first.ids[1]);
  espalier_close(raw);
}

TEST(EngineLibrary, DescribesTheModel) {
  const Model model = open_model(lab_folder());
  const engine::Model library(lab_folder().string(), 2);
  const espalier_info info = library.describe();
  EXPECT_EQ(info.outputs, model.architecture.head.num_labels);
  EXPECT_EQ(info.hidden, model.architecture.hidden_size);
  EXPECT_EQ(info.max_length, model.architecture.embedding.max_positions);
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.has_tokenizer, 1);
  EXPECT_EQ(info.row_per_token, 0);
  EXPECT_GT(info.packed_bytes, 0);
  EXPECT_EQ(library.label(0), model.architecture.head.labels.at(0));
  EXPECT_EQ(library.label(99), "");
}

TEST(EngineLibrary, EmbeddingsHaveLengthOne) {
  const engine::Model library(lab_folder().string(), 1);
  const engine::Rows rows = library.embed({kTexts[0], kTexts[1]});
  for (int64_t b = 0; b < 2; ++b) {
    double square = 0;
    for (int64_t k = 0; k < rows.width; ++k) square += static_cast<double>(rows.row(b)[k]) * rows.row(b)[k];
    EXPECT_NEAR(square, 1, 1e-5);
  }
}

TEST(EngineLibrary, ManyCallersGetTheirOwnAnswers) {
  const engine::Model library(lab_folder().string(), 1);
  const std::vector<float> wanted = library.classify(kTexts).values;
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> callers;
  for (size_t c = 0; c < wrong.size(); ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) wrong[c] += library.classify(kTexts).values == wanted ? 0 : 1;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(EngineLibrary, SaysWhatIsWrong) {
  EXPECT_EQ(espalier_open("/no/such/folder", 1), nullptr);
  EXPECT_NE(std::string(espalier_last_error()).find("/no/such/folder"), std::string::npos);
  EXPECT_EQ(espalier_open(nullptr, 1), nullptr);
  EXPECT_EQ(espalier_open(lab_folder().c_str(), -1), nullptr);
  const engine::Model library(lab_folder().string(), 1);
  EXPECT_THROW(library.run({{1, 2}, {}}, {0, 0}), engine::Failure);          // an empty sequence
  EXPECT_THROW(library.run({{1, 2}, {}}, {1, 2}), engine::Failure);          // begins elsewhere
  EXPECT_THROW(library.run({{1, 1 << 30}, {}}, {0, 2}), engine::Failure);    // no such token
  EXPECT_THROW(library.generate("a"), engine::Failure);                      // no language model
  EXPECT_THROW(library.classify({"a"}, {"b", "c"}), std::invalid_argument);  // pairs of another number
  EXPECT_THROW(library.tokenize("a", -1), engine::Failure);
  EXPECT_EQ(espalier_classify(nullptr, nullptr, nullptr, 1, 0, nullptr), -1);
  EXPECT_EQ(espalier_describe(nullptr).outputs, 0);
  espalier_close(nullptr);
}

TEST(EngineLibrary, OracleModelsOfOtherHeadsRun) {
  ESPALIER_REQUIRE_SHARED();
  int64_t run = 0;
  for (const auto& entry : fs::directory_iterator(test::shared_dir() / "oracle" / "models")) {
    if (!entry.is_directory()) continue;
    const engine::Model library(entry.path().string(), 1);
    const espalier_info info = library.describe();
    if (info.generates != 0 && info.has_tokenizer != 0) {
      EXPECT_NO_THROW(static_cast<void>(library.generate("a b c", 8))) << entry.path();
      ++run;
    } else if (info.generates == 0) {
      const engine::Rows rows = library.run({{5, 6, 7}, {}}, {0, 1, 3});
      EXPECT_EQ(rows.count(), info.row_per_token != 0 ? 3 : 2) << entry.path();
      ++run;
    }
  }
  EXPECT_GT(run, 5);
}

}  // namespace
}  // namespace espalier
