// Safetensors files.

#include "formats/safetensors.h"

#include <cstring>

#include "formats/atomic_file.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

constexpr const char* kPlace = "a/model.safetensors";

std::string written(const TensorFile& content) {
  const TempDir folder;
  write_safetensors(folder.path() / "a", content);
  return read_file(folder.path() / "a");
}

std::vector<std::string> seeds() {
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
  std::string header = mutated_json(file.substr(8, length), rng);
  const std::string data = file.substr(8 + length);
  length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + data;
}

std::string mutate(const std::string& file, Rng& rng) {
  switch (rng.below(4)) {
    case 0:
      return mutated_bytes(file, rng);
    case 1: {
      std::string bytes = file;  // the length itself
      if (!bytes.empty()) bytes[rng.below(std::min<size_t>(8, bytes.size()))] = static_cast<char>(rng.below(256));
      return bytes;
    }
    default:
      return with_mutated_header(file, rng);
  }
}

void read(const std::string& bytes) {
  const auto keeper = std::make_shared<const std::string>(bytes);
  const TensorFile file = parse_safetensors(std::as_bytes(std::span(keeper->data(), keeper->size())), keeper, kPlace);
  for (const auto& [name, tensor] : file.tensors) {
    for (int64_t i = 0; i < tensor.numel(); ++i) static_cast<void>(tensor.value_at(i));
  }
}

}  // namespace

FuzzTarget safetensors_target() { return {"safetensors", seeds, mutate, read, kPlace, 350}; }

}  // namespace espalier::test
