#pragma once
// safetensors: 8 bytes of header length (little endian), a JSON header {name: {dtype, shape, data_offsets}}, the data.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/tensor.h"
#include "formats/tensor_file.h"

namespace espalier {

// What a file says of one tensor.
struct TensorInfo {
  DType dtype = DType::F32;
  Shape shape;
};

// Maps the file and checks the whole header before giving any tensor: length, JSON, duplicate names, dtypes, shapes
// (overflow), offsets (order, overlap, gap, range). Throws Format or Io naming file, tensor, got and wanted.
TensorFile read_safetensors(const std::filesystem::path& file);

// The same from bytes in memory; tensors refer to `keeper`'s bytes (a tensor that is not aligned for its type is
// copied). `where` stands for the file in messages.
TensorFile parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper,
                             const std::string& where);

// Writes atomically: beside, flushed, renamed. The header is padded with spaces so that the data begin at a multiple of
// 8; wide elements stand before narrow ones, then by name, so that every tensor is aligned for its type and can be used
// where it is mapped.
void write_safetensors(const std::filesystem::path& file, const TensorFile& content, const CancelToken& cancel = {});

// Bytes that write_safetensors would write.
int64_t safetensors_bytes(const TensorFile& content);
int64_t safetensors_bytes(const std::map<std::string, TensorInfo>& tensors,
                          const std::map<std::string, std::string>& metadata);

}  // namespace espalier
