#pragma once
// Safetensors files made by hand, right or wrong.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "formats/safetensors.h"

namespace espalier::test {

// Eight bytes of length, the header as given, `data_size` bytes 0, 1, 2, ...
inline std::string safetensors_text(const std::string& header, size_t data_size) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes += header;
  for (size_t i = 0; i < data_size; ++i) bytes += static_cast<char>(i);
  return bytes;
}

inline TensorFile parse(const std::string& text, const std::string& where = "a.safetensors") {
  auto keeper = std::make_shared<const std::string>(text);
  return parse_safetensors(std::as_bytes(std::span(keeper->data(), keeper->size())), keeper, where);
}

}  // namespace espalier::test
