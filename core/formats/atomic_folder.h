#pragma once
#include <filesystem>
#include <functional>

namespace espalier {

// Which folders may be replaced, and what they are called in messages: "bundle".
struct Replaceable {
  const char* name;
  std::function<bool(const std::filesystem::path& folder)> is_one;
};

// Writes a folder beside its final name and renames it: the final name never holds half of one. `write` fills the
// folder that it is given. What has the name already is replaced when it is an empty folder or `replaceable`; anything
// else is InvalidInput, said before anything is written. An exception in `write` leaves nothing behind. Io where the
// place cannot be written to.
void write_folder_atomically(const std::filesystem::path& folder, const Replaceable& replaceable,
                             const std::function<void(const std::filesystem::path& beside)>& write);

}  // namespace espalier
