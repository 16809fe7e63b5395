#include "job_kinds/from_scratch.h"

#include "base/rng.h"
#include "job_kinds/generation.h"
#include "tests/job_kinds/tiny_task.h"
#include "text/tokenizer.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

const Json kLayer = {{"repeat", 3},     {"heads", {0, 1}},      {"head_dim", 8},
                     {"ffn_width", 32}, {"activation", "relu"}, {"norm", "post"}};

// A file that leaves out what the tokenizer and the task decide.
Json encoder_file() {
  return {{"hidden_size", 16}, {"embedding", {{"max_positions", 32}}}, {"layers", {kLayer}}, {"has_pooler", true}};
}

Json translator_file() {
  Json decoder_layer = kLayer;
  decoder_layer["repeat"] = 2;
  decoder_layer["causal"] = true;
  decoder_layer["cross_attention"] = {{"heads", {0, 1}}, {"head_dim", 8}};
  return {
      {"hidden_size", 16},
      {"embedding", {{"max_positions", 32}, {"positions", "sinusoidal"}}},
      {"layers", {kLayer}},
      {"decoder", {{"embedding", {{"max_positions", 24}, {"positions", "sinusoidal"}}}, {"layers", {decoder_layer}}}},
      {"head", {{"kind", "language_model"}, {"bias", false}}}};
}

Model made(const Json& settings, const Task& task) {
  JobContext context;
  return model_from_scratch(settings, task, "train", 1, context);
}

TEST(FromScratch, AFileAndALearntVocabularyMakeAModelThatLearns) {
  const TinyWorld world;
  const fs::path file = world.folder() / "architecture.json";
  std::ofstream(file) << encoder_file().dump();
  const fs::path out = world.folder() / "trained";
  const Json answer = answer_of("train",
                                {{"architecture", file.string()},
                                 {"tokenizer", {{"kind", "words"}, {"size", 100}}},
                                 {"task", world.task().string()},
                                 {"options", {{"epochs", 14}, {"batch_size", 16}, {"learning_rate", 5e-3}}}},
                                out);
  EXPECT_GT(answer.at("quality").at("accuracy"), 0.9);
  const Model model = open_model(out);
  EXPECT_EQ(model.architecture.layers.size(), 3U);
  // Five special tokens and the words of the task that occur twice.
  EXPECT_EQ(model.architecture.embedding.vocab_size, 21);
  EXPECT_EQ(load_tokenizer(model.tokenizer_files, "trained")->token(5), "the");
}

TEST(FromScratch, ADecoderSharesTheWordsOfTheEncoder) {
  const TempDir folder;
  std::ofstream(folder.path() / "train.de") << "ein hund\nein haus\n";
  std::ofstream(folder.path() / "train.en") << "a dog\na house\n";
  const Model model = made({{"architecture", translator_file()}, {"tokenizer", {{"kind", "bpe"}, {"size", 270}}}},
                           open_task(folder.path().string()));
  const WeightTable& weights = model.weights;
  EXPECT_EQ(weights.handle("embeddings.word.weight"), weights.handle("decoder_embeddings.word.weight"));
  EXPECT_EQ(weights.handle("embeddings.word.weight"), weights.handle("head.out.weight"));
  EXPECT_EQ(model.architecture.decoder.size(), 2U);
  const auto tokenizer = load_tokenizer(model.tokenizer_files, "made");
  EXPECT_EQ(model.architecture.head.num_labels, tokenizer->vocab_size());
  const GenerationSpec spec = generation_of(model, *tokenizer, 20);
  EXPECT_EQ(spec.decoder_start, tokenizer->pad_id());
  EXPECT_EQ(spec.eos, std::vector<int64_t>{tokenizer->id("</s>")});
  EXPECT_EQ(spec.max_length, 21);
  // A size of 0 is open as one that is absent; what a file says of writing stays.
  Json stated = translator_file();
  stated["embedding"]["vocab_size"] = 0;
  stated["head"]["num_labels"] = 0;
  stated["generation"] = {{"max_length", 9}, {"beams", 4}};
  const Model same = made({{"architecture", stated}, {"tokenizer", {{"kind", "bpe"}, {"size", 270}}}},
                          open_task(folder.path().string()));
  EXPECT_EQ(same.architecture.head.num_labels, tokenizer->vocab_size());
  const GenerationSpec kept = generation_of(same, *tokenizer, 20);
  EXPECT_EQ(kept.beams, 4);
  EXPECT_EQ(kept.max_length, 9);
  EXPECT_EQ(kept.eos, spec.eos);
  // Sources and targets end, and do not begin, with a special token.
  EXPECT_EQ(tokenizer->encode("ein hund").ids.back(), tokenizer->id("</s>"));
  EXPECT_NE(tokenizer->encode("ein hund").ids.front(), tokenizer->id("<s>"));
}

TEST(FromScratch, WhatCannotWorkIsNamed) {
  const TinyWorld world;
  const Task task = open_task(world.task().string());
  const auto message = [&](const Json& architecture, const Json& tokenizer) {
    return expect_error([&] { made({{"architecture", architecture}, {"tokenizer", tokenizer}}, task); }).info().message;
  };
  const Json words = {{"kind", "words"}};
  EXPECT_NE(message("no-such-architecture", words).find("no-such-architecture"), std::string::npos);
  EXPECT_NE(message(3, words).find("object"), std::string::npos);
  EXPECT_NE(message(encoder_file(), {{"kind", "chars"}}).find("bpe or words"), std::string::npos);
  EXPECT_NE(message(encoder_file(), {{"sizes", 9}}).find("sizes"), std::string::npos);
  Json small = encoder_file();
  small["embedding"]["vocab_size"] = 8;
  EXPECT_NE(message(small, words).find("at least 21"), std::string::npos);
  Json endless = encoder_file();
  endless["layers"][0]["repeat"] = 1000000000;
  EXPECT_NE(message(endless, words).find("repeat"), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
