#include "data/source_text.h"

#include <algorithm>
#include <array>

#include "base/unicode.h"
#include "formats/atomic_file.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// How far the beginning of a file is looked at for its line ends.
constexpr size_t kHead = size_t{1} << 16;

// Windows-1252, bytes 0x80 to 0x9F; the others are the code points of the same number.
constexpr std::array<char32_t, 32> kWindows1252 = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                   0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
                                                   0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                   0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]), second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t code = unit(at);
    if (code >= 0xD800 && code < 0xE000) {
      const bool pair = code < 0xDC00 && at + 3 < bytes.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) < 0xE000;
      if (pair) {
        code = 0x10000 + ((code - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
        at += 2;
      } else {
        code = kReplacementCharacter;
      }
    }
    append_utf8(out, code);
  }
  if (bytes.size() % 2 == 1) append_utf8(out, kReplacementCharacter);
  return out;
}

}  // namespace

SourceText read_source_text(const std::filesystem::path& file) {
  const MappedFile mapped = map_file(file);
  SourceText source;
  source.text = {reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size()};
  source.keeper = mapped.keeper;
  const bool little = source.text.starts_with("\xFF\xFE");
  if (little || source.text.starts_with("\xFE\xFF")) {
    const auto converted = std::make_shared<const std::string>(from_utf16(source.text.substr(2), !little));
    source.encoding = little ? "UTF-16 LE" : "UTF-16 BE";
    source.text = *converted;
    source.keeper = converted;
  } else if (source.text.starts_with("\xEF\xBB\xBF")) {
    source.text.remove_prefix(3);
  }
  const std::string_view head = source.text.substr(0, kHead);
  if (head.find('\n') == std::string_view::npos && head.find('\r') != std::string_view::npos) source.line_end = '\r';
  return source;
}

std::string to_utf8(std::string_view bytes, bool& recoded) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    size_t end = at;
    size_t length = 0;
    while (end < bytes.size() && (length = utf8_sequence_length(bytes, end)) > 0) end += length;
    out.append(bytes, at, end - at);
    if (end < bytes.size()) {
      recoded = true;
      const auto byte = static_cast<uint8_t>(bytes[end]);
      append_utf8(out, byte < 0xA0 ? kWindows1252[byte - 0x80] : static_cast<char32_t>(byte));
      ++end;
    }
    at = end;
  }
  return out;
}

bool LineReader::next(std::string_view& line) {
  const std::string_view text = source_.text;
  if (at_ >= text.size()) return false;
  const size_t end = std::min(text.find(source_.line_end, at_), text.size());
  line = text.substr(at_, end - at_);
  at_ = end + 1;
  ++number_;
  if (source_.line_end == '\n' && line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

std::string_view without_blanks(std::string_view text) {
  const char* const blanks = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace espalier
