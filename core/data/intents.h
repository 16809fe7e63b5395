#pragma once
#include <filesystem>
#include <string>

#include "data/splits.h"

namespace espalier {

// One JSON document with a member a split, each an array of [text, label] pairs (CLINC150): "train", "val", "test".
// The members "oos_train", "oos_val", "oos_test" hold what is out of scope; they join their splits under their own
// label
// ("oos"). Fills all of `task` but its name and gives true when the file is such a document.
bool open_intents(Task& task, const std::filesystem::path& file, const TaskOptions& options);

}  // namespace espalier
