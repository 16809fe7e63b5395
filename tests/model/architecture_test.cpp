#include "model/architecture.h"
#include "base/json.h"

#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

using test::bert_architecture;
using test::expect_error;

int64_t count(const Architecture& architecture) {
  int64_t total = 0;
  for (const Slot& slot : slots_of(architecture)) total += num_elements(slot.shape);
  return total;
}

// Published shapes and their exact counts: methods, reference-shapes.
TEST(Architecture, ReferenceShapesHaveTheirParameterCounts) {
  EXPECT_EQ(count(bert_architecture(12, 768, 3072, 12)), 109'482'240);
  EXPECT_EQ(count(bert_architecture(24, 1024, 4096, 16)), 335'141'888);
  EXPECT_EQ(count(bert_architecture(2, 128, 512, 2)), 4'385'920);
  EXPECT_EQ(count(bert_architecture(4, 256, 1024, 4)), 11'170'560);
  EXPECT_EQ(count(bert_architecture(4, 512, 2048, 8)), 28'763'648);
  EXPECT_EQ(count(bert_architecture(8, 512, 2048, 8)), 41'373'184);
  EXPECT_EQ(count(bert_architecture(4, 312, 1200, 12)), 14'350'248);
  EXPECT_EQ(count(bert_architecture(6, 768, 3072, 12)), 66'955'008);
  EXPECT_EQ(count(bert_architecture(6, 384, 1536, 12)), 22'713'216);
  EXPECT_EQ(count(bert_architecture(12, 384, 1536, 12)), 33'360'000);
  Architecture distil = bert_architecture(6, 768, 3072, 12);
  distil.embedding.type_vocab_size = 0;
  distil.has_pooler = false;
  EXPECT_EQ(count(distil), 66'362'880);
}

TEST(Architecture, SlotsStandInTheOrderOfTheForwardPass) {
  Architecture a = bert_architecture(1, 8, 12, 2, 20, 5);
  a.layers[0].attention.heads = {HeadIndex(1)};
  a.head = {HeadKind::MaskedLm, 20, {}};
  const auto slots = slots_of(a);
  EXPECT_EQ(slots.front().name, "embeddings.word.weight");
  EXPECT_EQ(slots.back().name, "head.out.bias");
  const auto find = [&](const std::string& name) {
    for (const Slot& slot : slots) {
      if (slot.name == name) return slot;
    }
    ADD_FAILURE() << name;
    return Slot{};
  };
  EXPECT_EQ(find("encoder.0.attention.q_proj.weight").shape, (Shape{4, 8}));
  EXPECT_EQ(find("encoder.0.attention.out_proj.weight").shape, (Shape{8, 4}));
  EXPECT_EQ(find("encoder.0.ffn.in_proj.bias").shape, (Shape{12}));
  EXPECT_EQ(find("encoder.0.ffn.norm.weight").kind, SlotKind::NormWeight);
  EXPECT_EQ(find("encoder.0.ffn.norm.weight").part, Part::FeedForward);
  EXPECT_EQ(find("encoder.0.attention.norm.bias").layer, LayerIndex(0));
  EXPECT_EQ(find("head.out.weight").shape, (Shape{20, 8}));
  EXPECT_FALSE(find("head.norm.weight").layer.has_value());
  EXPECT_EQ(layer_slot(LayerIndex(0), "attention.q_proj", "weight"), "encoder.0.attention.q_proj.weight");
}

TEST(Architecture, SurvivesTheWayThroughJson) {
  const Architecture a = test::model_of_every_form().architecture;
  EXPECT_EQ(architecture_from_json(to_json(a), "x"), a);
  EXPECT_EQ(architecture_from_json(Json::parse(to_json(a).dump()), "x"), a);
}

TEST(Architecture, FaultsNameTheMember) {
  const Json good = to_json(test::model_of_every_form().architecture);
  const auto message = [&](const std::string& pointer, const Json& value) {
    Json wrong = good;
    wrong[Json::json_pointer(pointer)] = value;
    const Error error = expect_error([&] { architecture_from_json(wrong, "e.json"); });
    EXPECT_EQ(error.kind(), ErrorKind::Format);
    EXPECT_EQ(std::string(error.what()).find("e.json"), 0u) << error.what();
    return std::string(error.what());
  };
  EXPECT_NE(message("/hidden_size", 0).find("hidden_size"), std::string::npos);
  EXPECT_NE(message("/hidden_size", 1.5).find("hidden_size"), std::string::npos);
  EXPECT_NE(message("/hidden_size", int64_t{1} << 31).find("2^31"), std::string::npos);
  EXPECT_NE(message("/hidden_size", 18446744073709551615u).find("hidden_size"), std::string::npos);
  EXPECT_NE(message("/layers/1/activation", "sine").find("layer 1"), std::string::npos);
  EXPECT_NE(message("/layers/0/heads", {2, 1}).find("ascending"), std::string::npos);
  EXPECT_NE(message("/layers/0/heads", Json::array()).find("at least one head"), std::string::npos);
  EXPECT_NE(message("/layers", 3).find("layers"), std::string::npos);
  EXPECT_NE(message("/head/labels", {"one"}).find("1 names"), std::string::npos);
  EXPECT_NE(message("/head/kind", "tail").find("masked_lm"), std::string::npos);
  EXPECT_NE(message("/embedding/pad_token_id", 50).find("pad_token_id"), std::string::npos);
  EXPECT_NE(message("/norm_epsilon", "x").find("norm_epsilon"), std::string::npos);
  EXPECT_NE(message("/embedding", nullptr).find("vocab_size"), std::string::npos);
}

TEST(Architecture, MembersThatNobodyKnowsAreRefused) {
  const Json good = to_json(test::model_of_every_form().architecture);
  for (const std::string pointer : {"/halting", "/embedding/rotary", "/layers/1/experts", "/head/depth"}) {
    Json newer = good;
    newer[Json::json_pointer(pointer)] = 1;
    const Error error = expect_error([&] { architecture_from_json(newer, "e.json"); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_NE(std::string(error.what()).find(pointer.substr(pointer.rfind('/') + 1)), std::string::npos);
  }
}

TEST(Architecture, DescriptionsOfBertAreAsTheyWere) {
  const Json json = to_json(test::bert_architecture(1, 8, 12, 2, 20, 5));
  EXPECT_EQ(json.size(), 9U);
  EXPECT_EQ(json["embedding"].size(), 4U);
  EXPECT_EQ(json["layers"][0].size(), 5U);
  EXPECT_EQ(json["head"].size(), 3U);
}

}  // namespace
}  // namespace espalier
