#pragma once
// The text of a data file, whatever encoding and line ends it is stored with.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace espalier {

// `text` has no byte-order mark. It is UTF-8, or, where the file has no mark and was written with a one-byte code,
// bytes that `to_utf8` reads.
struct SourceText {
  std::string_view text;
  std::string encoding = "UTF-8";  // "UTF-8", "UTF-16 LE", "UTF-16 BE", by the byte-order mark
  char line_end = '\n';            // '\r' when the beginning of the file has carriage returns only
  std::shared_ptr<const void> keeper;
};

// Maps the file; UTF-16 is converted as a whole (unpaired surrogates become U+FFFD).
SourceText read_source_text(const std::filesystem::path& file);

// Bytes as UTF-8: well-formed sequences stay, every other byte is read as Windows-1252 (U+FFFD for the five bytes that
// it leaves undefined) and `recoded` is set.
std::string to_utf8(std::string_view bytes, bool& recoded);

// Line by line, without the line's end (LF, CR LF, or CR in files that have no LF). Empty lines are lines; a line end
// at the end of the file begins no further line.
class LineReader {
 public:
  explicit LineReader(SourceText source) : source_(std::move(source)) {}

  bool next(std::string_view& line);
  int64_t number() const { return number_; }  // of the line just read, from 1

 private:
  SourceText source_;
  size_t at_ = 0;
  int64_t number_ = 0;
};

// Blanks at both ends removed.
std::string_view without_blanks(std::string_view text);

}  // namespace espalier
