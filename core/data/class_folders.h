#pragma once
#include <filesystem>
#include <string>

#include "data/splits.h"

namespace espalier {

// One folder a class, one text a file (IMDb): train/pos/0_9.txt, train/neg/1_2.txt, test/..., or the class folders
// alone, which are one split, "train". The folder "unsup" holds texts without a class and is left out, and said so.
// Fills all of `task` but its name and gives true when the folder is one of these.
bool open_class_folders(Task& task, const std::filesystem::path& folder, const TaskOptions& options);

}  // namespace espalier
