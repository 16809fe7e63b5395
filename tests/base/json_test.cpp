#include "base/json.h"

#include <fstream>

#include "tests/support/support.h"

namespace espalier {
namespace {

using test::expect_error;

TEST(Json, ReadsValuesOfEveryKind) {
  const Json json = parse_json(R"({"b":[1,-2,2.5,"é\n",null,true],"a":{}})", "x");
  EXPECT_EQ(json.dump(), R"({"a":{},"b":[1,-2,2.5,"é\n",null,true]})");
  EXPECT_EQ(parse_json(" 7 ", "x"), Json(7));
  EXPECT_EQ(parse_json("[[],[[]],{\"a\":[]}]", "x").dump(), "[[],[[]],{\"a\":[]}]");
}

TEST(Json, NamesPlaceLineAndColumnOfAFault) {
  const Error error = expect_error([] { parse_json("{\n  \"a\": 1,\n  \"b\" 2\n}", "recipe.json"); });
  EXPECT_EQ(error.kind(), ErrorKind::Format);
  EXPECT_NE(std::string(error.what()).find("recipe.json, line 3, column 7"), std::string::npos) << error.what();
}

TEST(Json, RefusesRepeatedKeysAtAnyDepth) {
  const Error error = expect_error([] { parse_json("{\"a\":[{\"k\":1,\n\"k\":2}]}", "f"); });
  EXPECT_NE(std::string(error.what()).find("\"k\" appears twice"), std::string::npos) << error.what();
  EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
  EXPECT_NO_THROW(parse_json("{\"a\":{\"k\":1},\"b\":{\"k\":2}}", "f"));
}

TEST(Json, RefusesDeepNestingButNotTheLimit) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(200), "f"));
  const Error error = expect_error([&] { parse_json(nested(201), "f"); });
  EXPECT_NE(std::string(error.what()).find("at most 200 levels"), std::string::npos) << error.what();
  EXPECT_EQ(expect_error([&] { parse_json(std::string(1'000'000, '['), "f"); }).kind(), ErrorKind::Format);
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text :
       {"", "  ", "{", "[1,]", "{\"a\":}", "nul", "1 2", "\"\xFF\"", "[1e999]", "{'a':1}", "\"\x01\""}) {
    const Error error = expect_error([&] { parse_json(text, "f"); });
    EXPECT_EQ(error.kind(), ErrorKind::Format) << text;
    EXPECT_EQ(std::string(error.what()).find("f, line 1"), 0u) << error.what();
  }
}

TEST(Json, MembersAreTypedAndNamedWhenWrong) {
  const Json json = {{"n", 3}, {"s", "x"}, {"z", nullptr}};
  EXPECT_EQ(json_get<int>(json, "n", "f"), 3);
  EXPECT_EQ(json_get_or<int>(json, "z", 9, "f"), 9);
  EXPECT_EQ(json_get_or<int>(json, "gone", 9, "f"), 9);
  EXPECT_NE(std::string(expect_error([&] { json_get<int>(json, "s", "f"); }).what()).find("\"s\" has the wrong type"),
            std::string::npos);
  EXPECT_NE(std::string(expect_error([&] { json_get<int>(json, "gone", "f"); }).what()).find("\"gone\" is missing"),
            std::string::npos);
  EXPECT_EQ(expect_error([&] { json_get<int>(Json(3), "n", "f"); }).kind(), ErrorKind::Format);
}

TEST(Json, WholeNumbersAreNeitherCutNorWrapped) {
  const Json json = parse_json(R"({"real": 1.5, "huge": 1e20, "wide": 4294967296, "unsigned": 18446744073709551615,
                                   "true": true, "list": [1, 2.5], "good": [1, -2]})",
                               "f");
  for (const char* key : {"real", "huge", "wide", "unsigned", "true"}) {
    const Error error = expect_error([&] { json_get<int32_t>(json, key, "f"); });
    EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
  }
  EXPECT_EQ(json_get<int64_t>(json, "wide", "f"), int64_t{1} << 32);
  EXPECT_EQ(json_get<uint64_t>(json, "unsigned", "f"), 18446744073709551615u);
  EXPECT_EQ(expect_error([&] { json_get<uint64_t>(json, "list", "f"); }).kind(), ErrorKind::Format);
  EXPECT_EQ(expect_error([&] { json_get<std::vector<int64_t>>(json, "list", "f"); }).kind(), ErrorKind::Format);
  EXPECT_EQ(json_get<std::vector<int64_t>>(json, "good", "f"), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(json_get<double>(json, "real", "f"), 1.5);
}

TEST(Json, FilesAreReadAndTheirFaultsNamed) {
  const test::TempDir folder;
  const auto file = folder.path() / "a.json";
  std::ofstream(file) << "{\"a\": [1, 2]}";
  EXPECT_EQ(read_json_file(file)["a"][1], 2);
  EXPECT_EQ(expect_error([&] { read_json_file(file, 3); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([&] { read_json_file(folder.path() / "b.json"); }).kind(), ErrorKind::Io);
  EXPECT_EQ(expect_error([&] { read_json_file(folder.path()); }).kind(), ErrorKind::Io);
}

}  // namespace
}  // namespace espalier
