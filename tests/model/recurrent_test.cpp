// Recurrent architectures: their slots, their JSON, their bundles, and what cannot be put together.

#include <fstream>

#include "base/json.h"
#include "model/model.h"
#include "tests/model/small_models.h"
#include "tests/model/small_recurrent.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using namespace espalier::test;

Shape shape_at(const Architecture& architecture, const std::string& name) {
  for (const Slot& slot : slots_of(architecture)) {
    if (slot.name == name) return slot.shape;
  }
  return {};
}

int64_t count(const Architecture& architecture) {
  int64_t total = 0;
  for (const Slot& slot : slots_of(architecture)) total += num_elements(slot.shape);
  return total;
}

std::vector<Architecture> all_shapes() {
  std::vector<Architecture> shapes;
  for (const Cell cell : {Cell::Lstm, Cell::Gru}) {
    shapes.push_back(recurrent_lm(cell));
    shapes.push_back(recurrent_classifier(cell, Pooling::LastStates));
    shapes.push_back(recurrent_classifier(cell, Pooling::ComparedStates));
    shapes.push_back(recurrent_translator(cell));
    shapes.push_back(recurrent_translator(cell, {.attention = AttentionScore::Dot, .input_feeding = false}));
    shapes.push_back(recurrent_translator(cell, {.attention = std::nullopt}));
  }
  return shapes;
}

TEST(RecurrentArchitecture, OneWeightAMatrix) {
  const Architecture lm = recurrent_lm(Cell::Lstm);
  EXPECT_EQ(shape_at(lm, "encoder.0.recurrent.input.weight"), (Shape{28, 5}));
  EXPECT_EQ(shape_at(lm, "encoder.1.recurrent.input.weight"), (Shape{24, 7}));
  EXPECT_EQ(shape_at(lm, "encoder.1.recurrent.hidden.weight"), (Shape{24, 6}));
  EXPECT_EQ(shape_at(lm, "encoder.1.recurrent.hidden.bias"), (Shape{24}));
  EXPECT_EQ(shape_at(lm, "head.out.weight"), (Shape{11, 5}));
  const Architecture pair = recurrent_classifier(Cell::Gru, Pooling::ComparedStates);
  EXPECT_EQ(shape_at(pair, "encoder.1.recurrent.backward.input.weight"), (Shape{9, 8}));
  EXPECT_EQ(shape_at(pair, "head.dense.weight"), (Shape{8, 24}));
  const Architecture translator = recurrent_translator(Cell::Lstm);
  // The embedding of 4 beside the fed row of 6.
  EXPECT_EQ(shape_at(translator, "decoder.0.recurrent.input.weight"), (Shape{20, 10}));
  EXPECT_EQ(shape_at(translator, "decoder.1.bridge.cell.weight"), (Shape{5, 8}));
  EXPECT_EQ(shape_at(translator, "decoder.attention.score.weight"), (Shape{5, 8}));
  EXPECT_EQ(shape_at(translator, "decoder.attention.combine.weight"), (Shape{6, 13}));
  for (const Slot& slot : slots_of(translator)) {
    EXPECT_EQ(slot.part == Part::Recurrent, slot.layer.has_value()) << slot.name;
  }
}

// Zaremba 2014's medium model on the vocabulary of the Penn Treebank: 4 n (n + n) and two biases of 4 n a layer.
TEST(RecurrentArchitecture, CountsAreThoseOfTheFormula) {
  Architecture a = recurrent_base({recurrent_layer(Cell::Lstm, 650), recurrent_layer(Cell::Lstm, 650)}, 10000, 650);
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = 10000};
  EXPECT_EQ(count(a), 2 * 10000 * 650 + 10000 + 2 * (4 * 650 * 1300 + 2 * 4 * 650));
}

TEST(RecurrentArchitecture, JsonGivesItBack) {
  for (const Architecture& a : all_shapes()) {
    const Json json = to_json(a);
    EXPECT_EQ(architecture_from_json(json, "test"), a) << json.dump();
    // Nothing of attention is written of a layer without it.
    EXPECT_EQ(json["layers"][0].size(), 1U);
  }
}

TEST(RecurrentArchitecture, BundleGivesItBack) {
  for (const Architecture& a : all_shapes()) {
    const TempDir dir;
    Model model = lively_model(a);
    if (a.head.width == a.embedding.width) model.weights.share("head.out.weight", "embeddings.word.weight");
    save_bundle(model, dir.path() / "made");
    EXPECT_TRUE(same_model(open_model(dir.path() / "made"), model));
  }
}

TEST(RecurrentArchitecture, CausalWhereEveryLayerReadsForward) {
  Architecture a = recurrent_lm(Cell::Lstm);
  EXPECT_TRUE(a.is_causal());
  a.layers[1].recurrent->bidirectional = true;
  EXPECT_FALSE(a.is_causal());
  EXPECT_FALSE(recurrent_translator(Cell::Lstm).is_causal());
}

TEST(RecurrentArchitecture, WhatDoesNotFitIsNamed) {
  const auto refused = [](const Architecture& base, const std::function<void(Json&)>& change, const std::string& word) {
    Json json = to_json(base);
    change(json);
    const Error error = expect_error([&] { architecture_from_json(json, "here"); });
    EXPECT_TRUE(error.kind() == ErrorKind::Format || error.kind() == ErrorKind::Unsupported);
    const std::string text = error.what();
    EXPECT_NE(text.find(word), std::string::npos) << text;
    EXPECT_NE(text.find("here"), std::string::npos) << text;
  };
  const Architecture lm = recurrent_lm(Cell::Lstm), translator = recurrent_translator(Cell::Lstm);
  const Architecture classifier = recurrent_classifier(Cell::Gru, Pooling::LastStates);
  refused(
      lm, [](Json& j) { j["layers"][0]["recurrent"]["cell"] = "rnn"; }, "lstm, gru");
  refused(
      lm, [](Json& j) { j["layers"][0]["recurrent"]["width"] = 0; }, "width");
  refused(
      lm, [](Json& j) { j["layers"][0]["recurrent"]["width"] = 600'000'000; }, "gates");
  refused(
      lm, [](Json& j) { j["layers"][0]["recurrent"]["peepholes"] = true; }, "peepholes");
  refused(
      lm, [](Json& j) { j["layers"][0]["ffn_width"] = 3; }, "ffn_width");
  refused(
      lm, [](Json& j) { j["layers"][1]["recurrent"]["bidirectional"] = true; }, "left to right");
  refused(
      lm, [](Json& j) { j["hidden_size"] = 9; }, "hidden size");
  refused(
      lm, [](Json& j) { j["has_pooler"] = true; }, "pooler");
  refused(
      lm, [](Json& j) { j["embedding"].erase("positions"); }, "positions");
  refused(
      lm, [](Json& j) { j["head"]["pooling"] = "last_states"; }, "pooling");
  refused(
      lm,
      [](Json& j) {
        j["recurrent_decoder"] = {{"attention", "dot"}};
      },
      "recurrent_decoder");
  refused(
      classifier, [](Json& j) { j["head"].erase("pooling"); }, "last states");
  refused(
      translator, [](Json& j) { j.erase("recurrent_decoder"); }, "recurrent_decoder");
  refused(
      translator, [](Json& j) { j["recurrent_decoder"]["bridge"] = false; }, "bridge");
  refused(
      translator, [](Json& j) { j["recurrent_decoder"]["attention"] = "dot"; }, "dot products");
  refused(
      translator, [](Json& j) { j["decoder"]["layers"][0]["recurrent"]["bidirectional"] = true; }, "from the end");
  refused(
      bert_architecture(2, 8, 12, 2, 20, 5),
      [&](Json& j) { j["layers"][1] = to_json(recurrent_lm(Cell::Lstm))["layers"][0]; }, "mixed");
}

// With the tokenizer's size in the places that wait for it.
TEST(RecurrentArchitecture, ExamplesCanBeRead) {
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "resources" / "architectures")) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    Json json = Json::parse(file);
    json["embedding"]["vocab_size"] = 8000;
    if (json.contains("decoder")) json["decoder"]["embedding"]["vocab_size"] = 8000;
    if (json["head"]["num_labels"] == 0) json["head"]["num_labels"] = 8000;
    const Architecture a = architecture_from_json(json, entry.path().string());
    EXPECT_GT(count(a), 0);
    ++read;
  }
  EXPECT_EQ(read, 6);
}

}  // namespace
}  // namespace espalier
