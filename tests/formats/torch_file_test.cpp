#include "formats/torch_file.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

#include "formats/atomic_file.h"
#include "tests/support/support.h"
#include "tests/support/torch_writer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TorchContent;
using test::TorchView;

TensorFile parse(const std::string& bytes) {
  const auto keeper = std::make_shared<const std::string>(bytes);
  return parse_torch(std::as_bytes(std::span(keeper->data(), keeper->size())), keeper, "dir/a.bin");
}

std::string fault(const std::string& bytes) {
  const Error error = expect_error([&] { parse(bytes); });
  EXPECT_TRUE(error.kind() == ErrorKind::Format || error.kind() == ErrorKind::Unsupported) << error.what();
  EXPECT_EQ(std::string(error.what()).find("dir/a.bin"), 0u) << error.what();
  return error.what();
}

std::map<std::string, Tensor> every_type() {
  return {{"f64", Tensor::from<double>({2}, {1.5, -2})},
          {"f32", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
          {"f16", Tensor::from<float>({3}, {1, 0.5, -3}).to(DType::F16)},
          {"bf16", Tensor::from<float>({3}, {1, 0.5, -3}).to(DType::BF16)},
          {"i64", Tensor::from<int64_t>({1}, {int64_t{1} << 40})},
          {"i32", Tensor::from<int32_t>({2}, {7, -7})},
          {"i16", Tensor::from<int16_t>({3}, {1, 2, 3})},
          {"i8", Tensor::from<int8_t>({5}, {1, -2, 3, -4, 5})},
          {"u8", Tensor::from<uint8_t>({1}, {255})},
          {"scalar", Tensor::from<float>({}, {3.25})},
          {"empty", Tensor::from<float>({0, 4}, {})}};
}

using Layout = std::string (*)(const TorchContent&);
std::string zipped(const TorchContent& content) { return test::torch_zip(content); }
std::string zipped_large(const TorchContent& content) {
  return test::torch_zip(content, {.alignment = 1, .zip64 = true});
}

class TorchLayout : public testing::TestWithParam<Layout> {
 protected:
  TensorFile written(const TorchContent& content) { return parse(GetParam()(content)); }
};

TEST_P(TorchLayout, GivesEveryTypeToTheBit) {
  const auto wanted = every_type();
  const TensorFile file = written(test::torch_content(wanted));
  ASSERT_EQ(file.tensors.size(), wanted.size());
  for (const auto& [name, tensor] : wanted) {
    EXPECT_TRUE(bit_equal(file.tensors.at(name), tensor)) << name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(file.tensors.at(name).bytes().data()) % size_of(tensor.dtype()), 0u) << name;
  }
  EXPECT_TRUE(file.passed_over.empty());
}

TEST_P(TorchLayout, ViewsShareTheirStorage) {
  TorchContent content;
  content.storages["s"] = Tensor::from<float>({6}, {0, 1, 2, 3, 4, 5});
  content.views = {{"whole", TorchView{"s", 0, {2, 3}, {3, 1}}},
                   {"again", TorchView{"s", 0, {2, 3}, {3, 1}, true}},
                   {"row", TorchView{"s", 3, {3}, {1}}},
                   {"one", TorchView{"s", 5, {1, 1}, {77, 99}}},  // strides of single elements mean nothing
                   {"turned", TorchView{"s", 0, {3, 2}, {1, 3}}},
                   {"column", TorchView{"s", 1, {2}, {3}}},
                   {"spread", TorchView{"s", 2, {2, 3}, {3, 0}}}};
  const TensorFile file = written(content);
  const std::byte* base = file.tensors.at("whole").bytes().data();
  EXPECT_EQ(file.tensors.at("again").bytes().data(), base);
  EXPECT_EQ(file.tensors.at("row").bytes().data(), base + 12);
  EXPECT_EQ(file.tensors.at("one").bytes().data(), base + 20);
  const std::map<std::string, Tensor> copied = {{"turned", Tensor::from<float>({3, 2}, {0, 3, 1, 4, 2, 5})},
                                                {"column", Tensor::from<float>({2}, {1, 4})},
                                                {"spread", Tensor::from<float>({2, 3}, {2, 2, 2, 5, 5, 5})}};
  for (const auto& [name, tensor] : copied) EXPECT_TRUE(bit_equal(file.tensors.at(name), tensor)) << name;
}

TEST_P(TorchLayout, WrappersAreOpenedAndWhatIsNoTensorIsSaid) {
  TorchContent content = test::torch_content({{"a.weight", Tensor::from<float>({1}, {1})}});
  content.others = {{"epoch", test::py_int(3)},
                    {"best", std::string("G") + std::string(8, '\0')},
                    {"dtype", test::py_global("torch", "float16")},
                    {"names", test::py_list({test::py_text("x")})}};
  TensorFile file = written(content);
  EXPECT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.passed_over, (std::vector<std::string>{"epoch (a number)", "best (a number)", "dtype (torch.float16)",
                                                        "names (a list)"}));
  for (const std::vector<std::string>& wrappers :
       {std::vector<std::string>{"state_dict"}, {"model"}, {"module"}, {"model_state_dict"}, {"model", "state_dict"}}) {
    content.wrappers = wrappers;
    file = written(content);
    EXPECT_EQ(file.tensors.begin()->first, "a.weight");
    EXPECT_EQ(file.passed_over.size(), 4u);
  }
  content.wrappers = {"weights", "deep"};
  file = written(content);
  EXPECT_EQ(file.tensors.begin()->first, "weights.deep.a.weight");
}

std::string layout_name(const testing::TestParamInfo<Layout>& layout) {
  constexpr std::array<const char*, 3> kNames = {"Zip", "Zip64", "Legacy"};
  return kNames.at(layout.index);
}

INSTANTIATE_TEST_SUITE_P(Files, TorchLayout, testing::Values(&zipped, &zipped_large, &test::torch_legacy), layout_name);

TEST(TorchFile, TensorsLieInTheFilesOwnBytes) {
  const auto keeper = std::make_shared<const std::string>(test::torch_zip(test::torch_content(every_type())));
  const auto bytes = std::as_bytes(std::span(keeper->data(), keeper->size()));
  for (const auto& [name, tensor] : parse_torch(bytes, keeper, "a").tensors) {
    if (tensor.numel() == 0) continue;
    EXPECT_GE(tensor.bytes().data(), bytes.data()) << name;
    EXPECT_LE(tensor.bytes().data() + tensor.bytes().size(), bytes.data() + bytes.size()) << name;
  }
}

TEST(TorchFile, ReadingWritesNothing) {
  const test::TempDir folder;
  const fs::path path = folder.path() / "a.bin";
  const auto wanted = every_type();
  const std::string bytes = test::torch_zip(test::torch_content(wanted));
  std::ofstream(path, std::ios::binary) << bytes;
  const TensorFile file = read_torch(path);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
  EXPECT_EQ(read_file(path), bytes);
  fs::remove(path);
  for (const auto& [name, tensor] : wanted) EXPECT_TRUE(bit_equal(file.tensors.at(name), tensor)) << name;
}

// --- What is refused -------------------------------------------------------------------------------------------------

std::string with_member(const std::string& opcodes) {
  TorchContent content = test::torch_content({{"w", Tensor::from<float>({2}, {1, 2})}});
  content.others = {{"x", opcodes}};
  return test::torch_zip(content);
}

TEST(TorchFile, WhatAPickleWouldRunIsRefusedByNameAndNotRun) {
  const test::TempDir folder;
  const fs::path trace = folder.path() / "trace";
  const std::string payload =
      test::py_call(test::py_global("os", "system"), {test::py_text(std::string("touch '") + trace.string() + "'")});
  TorchContent content = test::torch_content({{"w", Tensor::from<float>({2}, {1, 2})}});
  content.others = {{"x", payload}};
  for (const std::string& file : {test::torch_zip(content), test::torch_legacy(content)}) {
    EXPECT_NE(fault(file).find("got os.system"), std::string::npos) << fault(file);
  }
  EXPECT_NE(fault(test::pickled(payload)).find("os.system"), std::string::npos);
  // Protocol 4 says the name by the stack.
  EXPECT_NE(fault(with_member("\x8c\x05posix\x94\x8c\x06system\x94\x93")).find("got posix.system"), std::string::npos);
  EXPECT_FALSE(fs::exists(trace));
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"numpy.core.multiarray", "_reconstruct"},
                                                        {"builtins", "eval"},
                                                        {"torch.nn.modules.linear", "Linear"},
                                                        {"torch", "QInt8Storage"},
                                                        {"torch.storage", "_load_from_bytes"},
                                                        {"torch._utils", "_rebuild_qtensor"},
                                                        {"collections", "OrderedDictX"},
                                                        {"", ""}}) {
    const std::string message = fault(with_member(test::py_global(module, name)));
    EXPECT_NE(message.find(fmt::format("got {}.{}", module, name)), std::string::npos) << message;
  }
}

struct Refused {
  const char* name;
  std::string member;  // opcodes of one member
  const char* says;
};

std::string tensor_of(const std::string& storage_class, int64_t elements, int64_t offset, const std::string& shape,
                      const std::string& strides) {
  const std::string identity = test::py_tuple({test::py_text("storage"), test::py_global("torch", storage_class),
                                               test::py_text("0"), test::py_text("cpu"), test::py_int(elements)});
  return test::py_call(test::py_global("torch._utils", "_rebuild_tensor_v2"),
                       {identity + "Q", test::py_int(offset), shape, strides, test::py_bool(false), test::py_none()});
}

std::string sizes(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(test::py_int(value));
  return test::py_tuple(items);
}

std::vector<Refused> refused_members() {
  const auto tensor = [](int64_t offset, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    return tensor_of("FloatStorage", 2, offset, sizes(shape), sizes(strides));
  };
  constexpr int64_t kHuge = int64_t{1} << 62;
  std::string deep = "N";
  for (int i = 0; i < 100; ++i) deep = test::py_list({deep, test::py_dict({})});
  std::string self = "}q\x09X\x01" + std::string(3, '\0') + "ah\x09s";  // a dictionary that holds itself
  // Ten members, each the dictionary before: ten billion leaves in a kilobyte.
  std::string laughs = "}(" + test::py_text("a") + "Nuq\x20";
  for (int i = 0; i < 10; ++i) {
    laughs += "}(";
    for (int j = 0; j < 10; ++j) laughs += test::py_text(std::to_string(j)) + fmt::format("h{:c}", 0x20 + i);
    laughs += fmt::format("uq{:c}", 0x21 + i);
  }
  return {
      {"BeyondTheStorage", tensor(0, {3}, {1}), "beyond its storage"},
      {"OffsetBeyond", tensor(3, {0}, {1}), "beyond its storage"},
      {"OffsetAtTheEnd", tensor(2, {1}, {1}), "beyond its storage"},
      {"StrideBeyond", tensor(0, {2}, {2}), "beyond its storage"},
      {"HugeStride", tensor(0, {2, 2}, {kHuge, kHuge}), "beyond its storage"},
      {"HugeShape", tensor(0, {kHuge, kHuge}, {0, 0}), "overflows"},
      {"HugeShapeOfNothing", tensor(0, {0, kHuge, kHuge}, {0, 0, 0}), "overflows"},
      {"Spread", tensor(0, {1000, 2}, {0, 1}), "more elements than its storage"},
      {"NegativeSize", tensor(0, {-1}, {1}), "no whole number from 0"},
      {"NegativeStride", tensor(1, {2}, {-1}), "no whole number from 0"},
      {"NegativeOffset", tensor(-1, {1}, {1}), "no whole number from 0"},
      {"StridesMissing", tensor(0, {1, 2}, {1}), "different lengths"},
      {"ShapeIsText", tensor_of("FloatStorage", 2, 0, test::py_text("2"), sizes({1})), "no list of numbers"},
      {"TwoTypes", tensor_of("HalfStorage", 2, 0, sizes({2}), sizes({1})), "two ways"},
      {"TwoSizes", tensor_of("FloatStorage", 3, 0, sizes({2}), sizes({1})), "two ways"},
      {"NoStorageClass",
       test::py_tuple({test::py_text("storage"), test::py_global("torch", "float32"), test::py_text("0"),
                       test::py_text("cpu"), test::py_int(2)}) +
           "Q",
       "class of a storage"},
      {"OddIdentity", test::py_text("storage") + "Q", "as torch says it"},
      {"TensorOfNothing", test::py_call(test::py_global("torch._utils", "_rebuild_tensor_v2"), {}), "as torch says"},
      {"ParameterOfNothing", test::py_call(test::py_global("torch._utils", "_rebuild_parameter"), {test::py_none()}),
       "holds no tensor"},
      {"NewObject", test::py_global("torch", "Size") + ")\x81", "NEWOBJ"},
      {"Instance", "(ios\nsystem\n", "INST"},
      {"Extension", "\x82\x01", "EXT1"},
      {"Set", "\x8f", "EMPTY_SET"},
      {"UnknownOpcode", "\xFE", "0xfe"},
      {"CalledText", test::py_text("os.system") + ")R", "what is called"},
      {"ArgumentsAreText", test::py_global("torch", "Size") + test::py_text("x") + "R", "arguments"},
      {"NotKept", "h\x63", "memo index 99"},
      {"HugeMemo", std::string("Nr\xFF\xFF\xFF\xFF"), "memo index is too large"},
      {"StackRunsOut", "0000000000000000", "takes more values"},
      {"NoMark", "t", "no mark"},
      {"TextBeyondTheEnd", "X\xFF\xFF\xFF\x7Fx", "end too early"},
      {"NegativeLength", "T\xFF\xFF\xFF\xFF", "negative"},
      {"IntoAText", test::py_text("x") + "Na", "something else than a container"},
      {"KeyWithoutValue", "}(Nu", "key has no value"},
      {"Deep", deep, "nested too deeply"},
      {"Itself", self, "nested too deeply"},
      {"Laughs", laughs, "too many values"},
      {"LongName", test::py_dict({{std::string(2000, 'n'), "N"}}), "too long"}};
}

class RefusedMember : public testing::TestWithParam<Refused> {};

TEST_P(RefusedMember, IsNamed) {
  const std::string message = fault(with_member(GetParam().member));
  EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(Pickles, RefusedMember, testing::ValuesIn(refused_members()),
                         [](const auto& member) { return std::string(member.param.name); });

TEST(TorchFile, ArchivesThatAreNotWholeAreRefused) {
  const TorchContent content = test::torch_content({{"w", Tensor::from<float>({2}, {1, 2})}});
  const auto with = [&](const std::string& name, const std::string& bytes) {
    std::vector<test::ZipMember> members = test::torch_members(content);
    for (auto& member : members) {
      if (member.name == name) member.bytes = bytes;
    }
    return test::zip_of(members);
  };
  const auto without = [&](const std::string& name) {
    std::vector<test::ZipMember> members = test::torch_members(content);
    std::erase_if(members, [&](const test::ZipMember& member) { return member.name == name; });
    return test::zip_of(members);
  };
  const auto and_also = [&](const std::string& name) {
    std::vector<test::ZipMember> members = test::torch_members(content);
    members.push_back({name, "x"});
    return test::zip_of(members);
  };
  EXPECT_EQ(parse(and_also("archive/.data/serialization_id")).tensors.size(), 1u);
  EXPECT_NE(fault(with("archive/data/0", "1234567")).find("7 bytes; wanted 8 bytes for 2 F32"), std::string::npos);
  EXPECT_NE(fault(with("archive/byteorder", "big")).find("little-endian"), std::string::npos);
  EXPECT_NE(fault(with("archive/version", "11\n")).find("1 to 10"), std::string::npos);
  EXPECT_NE(fault(with("archive/version", "new")).find("1 to 10"), std::string::npos);
  EXPECT_NE(fault(with("archive/data.pkl", "")).find("archive/data.pkl"), std::string::npos);
  EXPECT_NE(fault(with("archive/data.pkl", "\x80\x05N.")).find("2, 3 or 4"), std::string::npos);
  EXPECT_NE(fault(with("archive/data.pkl", "\x80\x02N.")).find("no dictionary of tensors"), std::string::npos);
  EXPECT_NE(fault(without("archive/data/0")).find("no entry archive/data/0"), std::string::npos);
  EXPECT_NE(fault(without("archive/version")).find("version"), std::string::npos);
  EXPECT_NE(fault(without("archive/data.pkl")).find("0 entries data.pkl"), std::string::npos);
  EXPECT_NE(fault(and_also("other/data.pkl")).find("2 entries data.pkl"), std::string::npos);
  EXPECT_NE(fault(and_also("archive/constants.pkl")).find("TorchScript"), std::string::npos);
  EXPECT_NE(fault("").find("an empty file"), std::string::npos);
  EXPECT_NE(fault("{}").find("no torch checkpoint"), std::string::npos);
}

TEST(TorchFile, LegacyFilesThatAreNotWholeAreRefused) {
  const TorchContent content = test::torch_content({{"w", Tensor::from<float>({2}, {1, 2})}});
  const std::string good = test::torch_legacy(content);
  ASSERT_EQ(parse(good).tensors.size(), 1u);
  EXPECT_NE(fault(good + "x").find("after the last storage"), std::string::npos);
  EXPECT_NE(fault(good.substr(0, good.size() - 1)).find("end too early"), std::string::npos);
  std::string bytes = good;
  bytes[bytes.size() - 16] = 3;  // the count before the eight bytes of data
  EXPECT_NE(fault(bytes).find("got 3 elements; wanted 2 elements"), std::string::npos) << fault(bytes);
  bytes = good;
  bytes[6] = 1;
  EXPECT_NE(fault(bytes).find("magic number"), std::string::npos);
  bytes = good;
  const size_t order = bytes.find("little_endian") + 13;
  bytes[order] = '\x89';
  EXPECT_NE(fault(bytes).find("byte order"), std::string::npos) << fault(bytes);
  for (size_t length = 0; length < good.size(); ++length) fault(good.substr(0, length));
}

}  // namespace
}  // namespace espalier
