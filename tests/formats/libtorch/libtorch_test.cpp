// Checkpoints written by libtorch itself, read by our reader: an oracle for the zip layout and the pickle.

#include <torch/torch.h>

#include <fstream>

#include "formats/torch_file.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class Saved {
 public:
  void put(const std::string& name, const torch::Tensor& tensor) { tensors.insert(name, tensor); }
  TensorFile read() {
    const std::vector<char> bytes = torch::pickle_save(tensors);
    std::ofstream(path(), std::ios::binary).write(bytes.data(), std::ssize(bytes));
    return read_torch(path());
  }
  fs::path path() const { return folder_.path() / "saved.bin"; }

  c10::Dict<std::string, torch::Tensor> tensors;

 private:
  test::TempDir folder_;
};

TEST(SavedByLibtorch, EveryTypeAndStrideComesBackToTheBit) {
  torch::manual_seed(1);
  Saved saved;
  const std::pair<torch::ScalarType, DType> types[] = {{torch::kDouble, DType::F64}, {torch::kFloat, DType::F32},
                                                       {torch::kHalf, DType::F16},   {torch::kBFloat16, DType::BF16},
                                                       {torch::kLong, DType::I64},   {torch::kInt, DType::I32},
                                                       {torch::kShort, DType::I16},  {torch::kChar, DType::I8},
                                                       {torch::kByte, DType::U8},    {torch::kBool, DType::Bool}};
  for (const auto& [theirs, ours] : types) {
    const torch::Tensor base = torch::randint(0, 100, {6, 10}).to(theirs);
    const std::string name(to_string(ours));
    saved.put(name, base);
    saved.put(name + ".turned", base.t());
    saved.put(name + ".row", base[3]);
    saved.put(name + ".column", base.select(1, 4));
    saved.put(name + ".every_second", base.slice(0, 1, 6, 2).slice(1, 0, 10, 3));
    saved.put(name + ".empty", base.slice(0, 2, 2));
    saved.put(name + ".scalar", base[5][9]);
  }
  const TensorFile file = saved.read();
  ASSERT_EQ(file.tensors.size(), 70u);
  for (const auto& item : saved.tensors) {
    const Tensor& ours = file.tensors.at(item.key());
    const torch::Tensor theirs = item.value().contiguous();
    EXPECT_EQ(ours.shape(), Shape(theirs.sizes().begin(), theirs.sizes().end())) << item.key();
    ASSERT_EQ(ours.bytes().size(), theirs.numel() * theirs.element_size()) << item.key();
    if (theirs.numel() == 0) continue;
    EXPECT_EQ(std::memcmp(ours.bytes().data(), theirs.data_ptr(), ours.bytes().size()), 0) << item.key();
  }
  for (const auto& [theirs, ours] : types) EXPECT_EQ(file.tensors.at(std::string(to_string(ours))).dtype(), ours);
}

TEST(SavedByLibtorch, StoragesStayShared) {
  Saved saved;
  const torch::Tensor base = torch::arange(12, torch::kFloat).reshape({3, 4});
  saved.put("a", base);
  saved.put("b", base);
  saved.put("row", base[1]);
  const TensorFile file = saved.read();
  EXPECT_EQ(file.tensors.at("a").bytes().data(), file.tensors.at("b").bytes().data());
  EXPECT_EQ(file.tensors.at("row").bytes().data(), file.tensors.at("a").bytes().data() + 16);
}

TEST(SavedByLibtorch, ProgramsAreRefused) {
  const test::TempDir folder;
  torch::save(torch::ones({2}), (folder.path() / "a.pt").string());
  const Error error = test::expect_error([&] { read_torch(folder.path() / "a.pt"); });
  EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
  EXPECT_NE(std::string(error.what()).find("TorchScript"), std::string::npos) << error.what();
}

}  // namespace
}  // namespace espalier
