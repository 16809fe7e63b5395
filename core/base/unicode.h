#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace espalier {

// Length in bytes (1..4) of the well-formed UTF-8 sequence that starts at `at`, 0 when there is none.
size_t utf8_sequence_length(std::string_view text, size_t at);

bool is_utf8(std::string_view text);

// `text` with every malformed byte replaced by U+FFFD and every control character except newline and tab by a space:
// fit for a message, a log and JSON.
std::string printable_utf8(std::string_view text);

}  // namespace espalier
