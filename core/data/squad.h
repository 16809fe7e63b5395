#pragma once
// Extractive question answering (methods: squad): the JSON document of SQuAD 1.1 and 2.0, and the flat form with one
// object a line (id, question, context, answers {text, answer_start}).

#include <filesystem>
#include <map>
#include <string>

#include "data/splits.h"

namespace espalier {

// Fills all of `task` but its name and gives true when the files hold questions with contexts. An answer whose text
// does not stand at its offset (in code points) does not count; a question left without any is skipped and counted.
bool open_squad(Task& task, const std::map<std::string, std::filesystem::path>& file_of_split, bool one_file,
                const TaskOptions& options);

}  // namespace espalier
