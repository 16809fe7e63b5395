#pragma once
// A cursor over foreign bytes: little-endian numbers and stretches, never beyond the end.

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace espalier {

class ByteReader {
 public:
  // `place` stands for the bytes in messages.
  ByteReader(std::span<const std::byte> bytes, std::string place) : bytes_(bytes), place_(std::move(place)) {}

  size_t position() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  const std::string& place() const { return place_; }

  std::span<const std::byte> take(uint64_t count) {
    if (count > left()) fail("the data end too early", fmt::format("{} bytes", left()), fmt::format("{} bytes", count));
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }

  std::string_view take_text(uint64_t count) {
    const auto part = take(count);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  // Up to the next line end, which is passed over.
  std::string_view take_line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, left());
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail("a line does not end", "no line end", "a line end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // A number of type T as it lies there, little endian.
  template <typename T>
  T number() {
    static_assert(std::endian::native == std::endian::little, "numbers are used as they lie in the file");
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  [[noreturn]] void fail(std::string what, std::string got, std::string wanted,
                         ErrorKind kind = ErrorKind::Format) const {
    const char* next = kind == ErrorKind::Format ? "The file is damaged or cut short: fetch it again." : "";
    throw Error(kind,
                {std::move(what), fmt::format("{}, byte {}", place_, at_), std::move(got), std::move(wanted), next});
  }

 private:
  std::span<const std::byte> bytes_;
  std::string place_;
  size_t at_ = 0;
};

}  // namespace espalier
