#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

// The printable stand-in that byte-level BPE writes for a byte (Radford 2019): a byte that prints in Latin-1 stands for
// itself, the others follow from U+0100 on; a blank is U+0120.
char32_t stand_in(uint8_t byte);
// The byte that a code point stands for; -1 when it is no stand-in.
int byte_of_stand_in(char32_t code);

// The bytes that a token's stand-ins mean; the token itself when a code point is none.
std::string bytes_of_token(std::string_view token);

}  // namespace espalier
