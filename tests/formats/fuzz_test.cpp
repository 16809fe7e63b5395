// Foreign bytes never crash or hang the reader: five hundred files made from good ones by mutation, with a fixed seed.

#include <algorithm>
#include <fstream>

#include "base/rng.h"
#include "base/unicode.h"
#include "formats/atomic_file.h"
#include "tests/formats/header_bytes.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string written(const TensorFile& content) {
  const test::TempDir folder;
  write_safetensors(folder.path() / "a", content);
  return read_file(folder.path() / "a");
}

std::vector<std::string> good_files() {
  TensorFile small;
  small.tensors["w"] = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  small.tensors["b"] = Tensor::from<int8_t>({3}, {1, 2, 3});
  small.metadata["format"] = "pt";
  TensorFile many;
  for (int i = 0; i < 30; ++i) {
    many.tensors["encoder.layer." + std::to_string(i) + ".weight"] = Tensor::from<double>({1, 2}, {1.0 * i, 2});
  }
  many.tensors["empty"] = Tensor::from<int64_t>({0}, {});
  return {written(small), written(many)};
}

// Changes the header as text and sets the length that stands before it right, so that the change is reached.
std::string with_mutated_header(const std::string& file, Rng& rng) {
  if (file.size() < 8) return file + "x";
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  length = std::min<uint64_t>(length, file.size() - 8);
  std::string header = test::mutated_json(file.substr(8, length), rng);
  const std::string data = file.substr(8 + length);
  length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + data;
}

std::string mutated_file(const std::string& file, Rng& rng) {
  switch (rng.below(4)) {
    case 0:
      return test::mutated_bytes(file, rng);
    case 1: {
      std::string bytes = file;  // the length itself
      if (!bytes.empty()) bytes[rng.below(std::min<size_t>(8, bytes.size()))] = static_cast<char>(rng.below(256));
      return bytes;
    }
    default:
      return with_mutated_header(file, rng);
  }
}

TEST(Fuzz, MalformedFilesAreRefusedByNameOrReadWhole) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "mutated.safetensors";
  const std::vector<std::string> good = good_files();
  Rng rng(20240601);
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::string bytes = rng.pick(good);
    for (uint64_t times = 1 + rng.below(3); times > 0; --times) bytes = mutated_file(bytes, rng);
    std::ofstream(file, std::ios::binary) << bytes;
    try {
      for (const auto& [name, tensor] : read_safetensors(file).tensors) {
        for (int64_t i = 0; i < tensor.numel(); ++i) static_cast<void>(tensor.value_at(i));
      }
    } catch (const Error& error) {
      ++refused;
      const std::string message = error.what();
      EXPECT_NE(message.find("mutated.safetensors"), std::string::npos) << message;
      EXPECT_NE(error.kind(), ErrorKind::Internal) << message;
      EXPECT_TRUE(is_utf8(message)) << round;
    }
  }
  // Most mutations do harm; were few refused, the reader would not be looking.
  EXPECT_GT(refused, 350);
}

}  // namespace
}  // namespace espalier
