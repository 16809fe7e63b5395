#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace espalier {

// SHA-256 as 64 hexadecimal digits.
std::string sha256(std::string_view bytes);
std::string sha256_file(const std::filesystem::path& file);

// "sha512-" and the digest in base64, as package registries state it.
std::string sha512_integrity(std::string_view bytes);
std::string sha512_integrity_file(const std::filesystem::path& file);

}  // namespace espalier
