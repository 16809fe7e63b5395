#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

// Writes a file beside its final name, flushes it to the disk and renames it: the final name never holds half a file.
// An exception in `write` leaves nothing behind. A full disk is an Io error that says how much was wanted.
void write_file_atomically(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

// The whole file; Io error naming it, InvalidInput when larger than max_bytes.
std::string read_file(const std::filesystem::path& file, size_t max_bytes = size_t{1} << 32);

// A read-only mapping that lives as long as the shared pointer. An empty file gives an empty span. A file that another
// program shortens meanwhile reads as zeros behind its end, see require_mapped_files_whole.
struct MappedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keeper;
};
MappedFile map_file(const std::filesystem::path& file);

}  // namespace espalier
