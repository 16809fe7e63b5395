#include "formats/safetensors.h"

#include <fmt/format.h>

#include <fstream>

#include "base/json.h"
#include "formats/atomic_file.h"
#include "tests/formats/header_bytes.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::parse;
using test::safetensors_text;

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string object(const std::string& members) { return fmt::format("{{{}}}", members); }

TEST(Safetensors, ReadsEveryType) {
  const std::pair<const char*, size_t> types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                                  {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  for (const auto& [name, size] : types) {
    const size_t end = 2 * size;
    const TensorFile file =
        parse(safetensors_text(object(entry("t", name, "[2]", fmt::format("[0,{}]", end))), 2 * size));
    EXPECT_EQ(to_string(file.tensors.at("t").dtype()), name);
    EXPECT_EQ(file.tensors.at("t").shape(), Shape{2});
  }
}

TEST(Safetensors, ScalarsEmptyTensorsAndSpacesAreFine) {
  const TensorFile file =
      parse(safetensors_text(R"({"__metadata__":{"format":"pt"},)" + entry("s", "I32", "[]", "[0,4]") + "," +
                                 entry("e", "F32", "[0,5]", "[4,4]") + "}   ",
                             4));
  EXPECT_EQ(file.tensors.at("s").value_at(0), 0x03020100);
  EXPECT_EQ(file.tensors.at("e").numel(), 0);
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_TRUE(parse(safetensors_text("{}", 0)).tensors.empty());
}

TEST(Safetensors, DataThatAreNotAlignedAreStillRead) {
  for (const char* padding : {"", " ", "  ", "   ", "    "}) {
    const TensorFile file = parse(safetensors_text(
        object(entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "F64", "[1]", "[1,9]")) + padding, 9));
    const Tensor& b = file.tensors.at("b");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(b.bytes().data()) % 8, 0u);
    EXPECT_EQ(static_cast<int>(b.bytes()[0]), 1);
  }
}

struct Malformed {
  const char* name;
  std::string bytes;
  const char* says;  // a part of the message
};

std::vector<Malformed> malformed_files() {
  const std::string good = entry("t", "F32", "[2]", "[0,8]");
  const auto with = [](const std::string& header, size_t data = 8) { return safetensors_text(object(header), data); };
  std::string long_header = with(good);
  long_header[1] = 1;
  std::string huge = with(good);
  for (int i = 0; i < 8; ++i) huge[static_cast<size_t>(i)] = static_cast<char>(0xFF);
  std::string above_limit = with(good);
  const uint64_t limit = 100'000'001;
  std::memcpy(above_limit.data(), &limit, 8);
  return {
      {"Empty", "", "too short"},
      {"SevenBytes", std::string(7, 'x'), "at least 8 bytes"},
      {"NoHeader", std::string(8, '\0'), "does not begin with {"},
      {"HeaderLongerThanFile", long_header, "longer than the file"},
      {"HugeLength", huge, "header length"},
      {"AboveLimit", above_limit, "100000000"},
      {"List", safetensors_text("[]", 0), "does not begin with {"},
      {"Syntax", with(good + ","), "not valid JSON"},
      {"NotUtf8", with(entry("\xFF", "F32", "[2]", "[0,8]")), "not valid JSON"},
      {"TwoObjects", safetensors_text("{}{}", 0), "not valid JSON"},
      {"DuplicateTensor", with(good + "," + good), "\"t\" appears twice"},
      {"DuplicateMember", with(R"("t":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
       "appears twice"},
      {"EntryIsNumber", with("\"t\":3"), "not an object"},
      {"NoDtype", with(R"("t":{"shape":[2],"data_offsets":[0,8]})"), "\"dtype\" is missing"},
      {"NoShape", with(R"("t":{"dtype":"F32","data_offsets":[0,8]})"), "\"shape\" is missing"},
      {"NoOffsets", with(R"("t":{"dtype":"F32","shape":[2]})"), "\"data_offsets\" is missing"},
      {"UnknownDtype", with(entry("t", "F33", "[2]", "[0,8]")), "F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL"},
      {"ForeignDtype", with(entry("t", "U64", "[1]", "[0,8]")), "not supported"},
      {"DtypeIsNumber", with(R"("t":{"dtype":1,"shape":[2],"data_offsets":[0,8]})"), "not a string"},
      {"NegativeSize", with(entry("t", "F32", "[-2]", "[0,8]")), "-2"},
      {"RealSize", with(entry("t", "F32", "[2.0]", "[0,8]")), "whole number"},
      {"HugeSize", with(entry("t", "F32", "[18446744073709551616]", "[0,8]")), "whole number"},
      {"SizeAbove63Bits", with(entry("t", "U8", "[9223372036854775808]", "[0,8]")), "too large"},
      {"Overflow", with(entry("t", "F32", "[4294967296,4294967296]", "[0,8]")), "overflows"},
      {"OverflowBehindZero", with(entry("t", "F32", "[4294967296,4294967296,0]", "[0,0]")), "overflows"},
      {"ShapeIsNumber", with(R"("t":{"dtype":"F32","shape":2,"data_offsets":[0,8]})"), "not a list"},
      {"OneOffset", with(entry("t", "F32", "[2]", "[8]")), "not a pair"},
      {"ThreeOffsets", with(entry("t", "F32", "[2]", "[0,8,8]")), "not a pair"},
      {"NegativeOffset", with(entry("t", "F32", "[2]", "[-8,0]")), "-8"},
      {"Backwards", with(entry("t", "F32", "[2]", "[8,0]")), "end before they begin"},
      {"BeyondTheEnd", with(entry("t", "F32", "[4]", "[0,16]")), "beyond the end"},
      {"HugeOffset", with(entry("t", "F32", "[2]", "[0,18446744073709551615]")), "beyond the end"},
      {"WrongSize", with(entry("t", "F32", "[3]", "[0,8]")), "12 bytes"},
      {"Overlap", with(good + "," + entry("u", "F32", "[2]", "[4,12]"), 12), "overlap"},
      {"SameData", with(good + "," + entry("u", "F32", "[2]", "[0,8]")), "overlap"},
      {"EmptyInside", with(good + "," + entry("u", "F32", "[0]", "[4,4]")), "overlap"},
      {"Gap", with(good + "," + entry("u", "F32", "[1]", "[12,16]"), 16), "gap of 4 bytes"},
      {"GapAtTheBegin", with(entry("t", "F32", "[1]", "[4,8]")), "gap of 4 bytes"},
      {"TrailingBytes", with(good, 9), "no tensor claims"},
      {"Truncated", with(good, 7), "beyond the end"},
      {"MetadataNotStrings", with(R"("__metadata__":{"a":1},)" + good), "not a string"},
      {"MetadataNotObject", with(R"("__metadata__":[],)" + good), "metadata"},
      {"Nested", with("\"t\":" + std::string(5000, '[')), "nested too deeply"},
  };
}

class MalformedSafetensors : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedSafetensors, IsRefusedWithFileAndFault) {
  const Error error = expect_error([] { parse(GetParam().bytes, "dir/a.safetensors"); });
  const std::string message = error.what();
  EXPECT_TRUE(error.kind() == ErrorKind::Format || error.kind() == ErrorKind::Unsupported);
  EXPECT_EQ(message.find("dir/a.safetensors"), 0u) << message;
  EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(Headers, MalformedSafetensors, testing::ValuesIn(malformed_files()),
                         [](const auto& header) { return std::string(header.param.name); });

TEST(Safetensors, FaultsOfATensorNameIt) {
  const Error error =
      expect_error([] { parse(safetensors_text(object(entry("encoder.w", "F32", "[3]", "[0,8]")), 8)); });
  EXPECT_NE(std::string(error.what()).find("tensor encoder.w"), std::string::npos) << error.what();
}

TensorFile example() {
  TensorFile file;
  file.tensors["odd"] = Tensor::from<int8_t>({3}, {1, 2, 3});
  file.tensors["a.long.name"] = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  file.tensors["half"] = Tensor::from<float>({3}, {1, 2, 3}).to(DType::F16);
  file.tensors["wide"] = Tensor::from<double>({1}, {7});
  file.tensors["empty"] = Tensor::from<float>({0, 4}, {});
  file.tensors["scalar"] = Tensor::from<int64_t>({}, {-1});
  file.metadata["note"] = "\"quoted\" é";
  return file;
}

TEST(Safetensors, WrittenFilesComeBackToTheBitAligned) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "a.safetensors";
  write_safetensors(file, example());
  const TensorFile back = read_safetensors(file);
  EXPECT_EQ(back.metadata, example().metadata);
  ASSERT_EQ(back.tensors.size(), example().tensors.size());
  const MappedFile mapped = map_file(file);
  for (const auto& [name, tensor] : example().tensors) {
    EXPECT_TRUE(bit_equal(back.tensors.at(name), tensor)) << name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(back.tensors.at(name).bytes().data()) % size_of(tensor.dtype()), 0u) << name;
  }
  EXPECT_EQ(static_cast<int64_t>(fs::file_size(file)), safetensors_bytes(example()));
  uint64_t length = 0;
  std::memcpy(&length, mapped.bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  const std::string first = read_file(file);
  write_safetensors(file, back);
  EXPECT_EQ(read_file(file), first);
}

TEST(Safetensors, CancelledWritingLeavesNothing) {
  const test::TempDir folder;
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(write_safetensors(folder.path() / "a", example(), cancel), Cancelled);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Safetensors, AgreesWithFilesOfTheReferenceImplementation) {
  ESPALIER_REQUIRE_SHARED();
  int files = 0;
  for (const auto& at : fs::recursive_directory_iterator(test::shared_dir())) {
    if (at.path().extension() != ".safetensors") continue;
    const TensorFile file = read_safetensors(at.path());
    EXPECT_FALSE(file.tensors.empty()) << at.path();
    ++files;
  }
  EXPECT_GE(files, 15);
}

class ShardedFolder : public testing::Test {
 protected:
  void shard(const std::string& name, const std::vector<std::string>& tensors) {
    TensorFile file;
    for (const std::string& tensor : tensors) file.tensors[tensor] = Tensor::from<float>({1}, {1});
    write_safetensors(folder_.path() / name, file);
  }
  fs::path index(const Json& weight_map) {
    const fs::path file = folder_.path() / "model.safetensors.index.json";
    std::ofstream(file) << Json{{"metadata", {{"total_size", 8}}}, {"weight_map", weight_map}};
    return file;
  }
  std::string fault(const Json& weight_map) {
    const fs::path file = index(weight_map);
    const Error error = expect_error([&] { read_sharded(file, read_safetensors); });
    EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
    return error.what();
  }

  test::TempDir folder_;
};

TEST_F(ShardedFolder, JoinsItsShards) {
  shard("1.safetensors", {"a", "b"});
  shard("2.safetensors", {"c"});
  const TensorFile file =
      read_sharded(index({{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"c", "2.safetensors"}}), read_safetensors);
  EXPECT_EQ(file.tensors.size(), 3u);
}

TEST_F(ShardedFolder, NamesEveryKindOfFault) {
  shard("1.safetensors", {"a"});
  shard("2.safetensors", {"a", "b"});
  EXPECT_NE(fault({{"a", "1.safetensors"}, {"b", "2.safetensors"}}).find("two shards"), std::string::npos);
  EXPECT_NE(fault({{"a", "1.safetensors"}, {"c", "1.safetensors"}}).find("lacks a tensor"), std::string::npos);
  EXPECT_NE(fault({{"a", "gone.safetensors"}}).find("no file gone.safetensors"), std::string::npos);
  for (const char* name : {"../x", "/etc/passwd", "..", "sub/1.safetensors", "", "."}) {
    EXPECT_NE(fault({{"a", name}}).find("outside the folder"), std::string::npos) << name;
  }
  EXPECT_NE(fault({{"a", 1}}).find("not a file name"), std::string::npos);
  EXPECT_NE(fault(Json::array()).find("weight_map"), std::string::npos);
}

}  // namespace
}  // namespace espalier
