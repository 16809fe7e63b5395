#pragma once
// Archives made by tar and gzip (.tgz), read as a stream with every bound known before a byte is kept.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/cancel.h"

namespace espalier {

// What a reader is ready to take; more is a Format error.
struct TarLimits {
  int64_t files = 100000;
  int64_t file_bytes = int64_t{1} << 30;
  int64_t total_bytes = int64_t{1} << 31;  // of the whole archive once inflated
};

struct TarEntry {
  std::string name;  // relative, between single slashes, without "." and ".."
  std::string bytes;
};

// Gives every regular file of the archive to `use`, in its order; folders are passed over. Format for an archive that
// is damaged, cut off or too large, that holds links or devices, or whose names lead out of the folder that it is
// unpacked to.
void read_tar_gz(const std::filesystem::path& archive, const TarLimits& limits,
                 const std::function<void(TarEntry&)>& use, const CancelToken& cancel = {});

}  // namespace espalier
