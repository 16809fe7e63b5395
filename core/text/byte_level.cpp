#include "text/byte_level.h"

#include <array>

#include "text/unicode.h"

namespace espalier {
namespace {

constexpr size_t kCodes = 0x144;

struct Tables {
  std::array<uint16_t, 256> code_of_byte{};
  std::array<int16_t, kCodes> byte_of_code{};
};

constexpr Tables make_tables() {
  Tables tables;
  for (int16_t& byte : tables.byte_of_code) byte = -1;
  uint16_t next = 0x100;
  for (size_t byte = 0; byte < 256; ++byte) {
    const bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const uint16_t code = prints ? static_cast<uint16_t>(byte) : next++;
    tables.code_of_byte[byte] = code;
    tables.byte_of_code[code] = static_cast<int16_t>(byte);
  }
  return tables;
}
constexpr Tables kTables = make_tables();

}  // namespace

char32_t stand_in(uint8_t byte) { return kTables.code_of_byte[byte]; }
int byte_of_stand_in(char32_t code) { return code < kCodes ? kTables.byte_of_code[code] : -1; }

std::string bytes_of_token(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t at = 0; at < token.size();) {
    const int byte = byte_of_stand_in(next_code_point(token, at));
    if (byte < 0) return std::string(token);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace espalier
