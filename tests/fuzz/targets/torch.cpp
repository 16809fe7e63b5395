// Checkpoints of torch.save: zip archives, pickles, and the layout from before.

#include "base/error.h"
#include "formats/torch_file.h"
#include "formats/zip_archive.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/support/torch_writer.h"

namespace espalier::test {
namespace {

constexpr const char* kPlace = "a/pytorch_model.bin";

std::vector<std::string> seeds() {
  TorchContent content = torch_content({{"encoder.weight", Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
                                        {"encoder.bias", Tensor::from<int8_t>({3}, {1, 2, 3})},
                                        {"scalar", Tensor::from<int64_t>({}, {7})},
                                        {"empty", Tensor::from<double>({0, 2}, {})}});
  content.views.emplace_back("turned", TorchView{"2", 0, {3, 2}, {1, 3}, true});
  content.views.emplace_back("row", TorchView{"2", 3, {3}, {1}});
  content.others = {{"epoch", py_int(3)}, {"names", py_list({py_text("a"), py_none()})}};
  TorchContent wrapped = content;
  wrapped.wrappers = {"model", "state_dict"};
  return {torch_zip(content), torch_zip(wrapped, {.alignment = 1, .zip64 = true}), torch_legacy(content),
          torch_legacy(wrapped)};
}

// Changes one entry and packs the archive anew, so that the change is reached.
std::string with_mutated_entry(const std::string& file, Rng& rng) {
  std::vector<ZipMember> members;
  for (const auto& [name, bytes] : read_zip(std::as_bytes(std::span(file.data(), file.size())), kPlace)) {
    members.push_back({name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
  }
  if (members.empty()) return file + "x";
  ZipMember& member = rng.chance(0.8) ? members.front() : members[rng.below(members.size())];
  if (rng.below(10) == 0) {
    member.name = mutated_bytes(member.name, rng);
  } else {
    member.bytes = mutated_bytes(member.bytes, rng);
  }
  return zip_of(members, {.alignment = rng.chance(0.5) ? size_t{1} : size_t{64}, .zip64 = rng.chance(0.3)});
}

std::string mutate(const std::string& file, Rng& rng) {
  if (file.starts_with("PK") && rng.chance(0.7)) {
    try {
      return with_mutated_entry(file, rng);
    } catch (const Error&) {  // no archive any more
    }
  }
  return mutated_bytes(file, rng);
}

void read(const std::string& bytes) {
  const auto keeper = std::make_shared<const std::string>(bytes);
  const TensorFile file = parse_torch(std::as_bytes(std::span(keeper->data(), keeper->size())), keeper, kPlace);
  for (const auto& [name, tensor] : file.tensors) {
    for (int64_t i = 0; i < tensor.numel(); ++i) static_cast<void>(tensor.value_at(i));
  }
}

}  // namespace

FuzzTarget torch_target() { return {"torch", seeds, mutate, read, kPlace, 250}; }

}  // namespace espalier::test
