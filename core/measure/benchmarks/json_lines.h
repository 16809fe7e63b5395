#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace espalier {

// Calls `action` with every line of a JSONL file and its place ("file, line 3"); empty lines are skipped.
void for_each_json_line(const std::filesystem::path& file,
                        const std::function<void(const Json& line, const std::string& where)>& action);

// A label as text: strings as they are, truth values "true" and "false", whole numbers in digits. Format error that
// names `where` for anything else.
std::string label_text(const Json& label, const std::string& where);

// InvalidInput: the two files do not hold the same examples.
[[noreturn]] void throw_unmatched_example(const std::string& what, const std::string& where);

}  // namespace espalier
