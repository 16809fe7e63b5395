#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "data/splits.h"

namespace espalier {

// Tables of labelled texts or pairs: one file a split. Fills all of `task` but its name. The kind is Regression when
// the labels are numbers with fractions.
void open_tables(Task& task, const std::map<std::string, std::filesystem::path>& file_of_split, bool one_file,
                 const TaskOptions& options);

}  // namespace espalier
