#pragma once
// What a command line that cannot be read is answered with.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace espalier::cli {

// One sentence for a person: what was wrong, the nearest verb or option of that name, and where to read on.
// `arguments`: the command line without the program's name.
std::string parse_error_text(const CLI::App& app, const std::vector<std::string>& arguments,
                             const CLI::ParseError& error);

// Checks of a number whose message says what is wanted.
CLI::Validator at_least(double least);
CLI::Validator above_zero();
CLI::Validator between(double least, double most);

}  // namespace espalier::cli
