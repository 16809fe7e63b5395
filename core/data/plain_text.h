#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "data/splits.h"

namespace espalier {

// The file holds running text by its ending (.txt, .text, .tokens, .raw) and its beginning, which is no table.
bool is_plain_text(const std::filesystem::path& file);

// Running text for language modelling, every line an example, empty ones too. One file alone is cut at a line's end:
// its first nine tenths are "train", the rest is "dev"; with a split's name it is that split only. Fills all of `task`
// but its name.
void open_plain_text(Task& task, const std::map<std::string, std::filesystem::path>& file_of_split);
void open_plain_text(Task& task, const std::filesystem::path& one_file);

}  // namespace espalier
