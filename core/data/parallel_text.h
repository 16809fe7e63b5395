#pragma once
#include <filesystem>
#include <string>

#include "data/splits.h"

namespace espalier {

// The same text in two languages: files side by side whose names end in the language (train.de, train.en), line i of
// one being the translation of line i of the other. Without a choice of languages they are taken in the order of their
// names when there are two. Fills all of `task` but its name and gives true when the folder holds such files;
// InvalidInput naming the languages when the choice is not among them or not made.
bool open_parallel_text(Task& task, const std::filesystem::path& folder, const TaskOptions& options);

}  // namespace espalier
