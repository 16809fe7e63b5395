#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "data/splits.h"

namespace espalier {

// The file holds one word a line with its tag in the last column, sentences set apart by empty lines (CoNLL). Without
// `wanted` the tags must be of the kind B-PER, I-PER, O.
bool is_tagged_words(const std::filesystem::path& file, bool wanted);

// Words and tags for token classification. Columns stand between tabs where there are tabs, else between blanks;
// text_column and label_column of the options may choose others than the first and the last. Lines that begin with
// -DOCSTART- belong to no sentence. A line with another number of columns costs its sentence, which is counted. Fills
// all of `task` but its name.
void open_tagged_words(Task& task, const std::map<std::string, std::filesystem::path>& file_of_split, bool one_file,
                       const TaskOptions& options);

}  // namespace espalier
