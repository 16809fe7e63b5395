#pragma once
// Checkpoints that torch.save writes: a zip archive of a pickle and storages (since 1.6), or pickles and storages one
// after the other (before). The pickle is read as data; nothing in it is run.

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "formats/tensor_file.h"

namespace espalier {

// Maps the file and checks pickle and storages before giving any tensor. Tensors of one storage share its bytes, which
// stay mapped; only a tensor whose elements do not lie in order, or a storage that is not aligned for its type, is
// copied, in all at most twice the size of the file. Members that are no tensors are passed over, by name. Throws
// Format, Unsupported (a class that is no tensor, a compressed entry, TorchScript) or Io naming file and place.
TensorFile read_torch(const std::filesystem::path& file);

// The same from bytes in memory, to which the tensors refer. `where` stands for the file in messages.
TensorFile parse_torch(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper, const std::string& where);

}  // namespace espalier
