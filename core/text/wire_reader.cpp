#include "text/wire_reader.h"

#include <bit>
#include <string>

#include "base/error.h"

namespace espalier {

uint64_t WireReader::read_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ >= bytes_.size()) break;
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  throw Error(ErrorKind::Format, {.what = "a number in the file does not end",
                                  .where = std::string(where_),
                                  .got = "byte " + std::to_string(at_) + " of " + std::to_string(bytes_.size())});
}

bool WireReader::next() {
  if (at_ >= bytes_.size()) return false;
  const uint64_t key = read_varint();
  field_ = static_cast<uint32_t>(key >> 3);
  wire_ = static_cast<uint32_t>(key & 7);
  uint64_t size = 0;
  switch (wire_) {
    case 0:
      number_ = read_varint();
      return true;
    case 1:
      size = 8;
      break;
    case 2:
      size = read_varint();
      break;
    case 5:
      size = 4;
      break;
    default:
      throw Error(ErrorKind::Format, {.what = "the file is no model: a field is of no known kind",
                                      .where = std::string(where_),
                                      .got = "kind " + std::to_string(wire_) + " at byte " + std::to_string(at_)});
  }
  if (size > bytes_.size() - at_) {
    throw Error(ErrorKind::Format, {.what = "a field reaches over the end of the file",
                                    .where = std::string(where_),
                                    .got = std::to_string(size) + " bytes",
                                    .wanted = "at most " + std::to_string(bytes_.size() - at_)});
  }
  value_ = bytes_.substr(at_, size);
  at_ += size;
  return true;
}

void WireReader::expect(uint32_t wire, std::string_view wanted) const {
  if (wire_ == wire) return;
  throw Error(ErrorKind::Format, {.what = "field " + std::to_string(field_) + " has the wrong type",
                                  .where = std::string(where_),
                                  .got = "kind " + std::to_string(wire_),
                                  .wanted = std::string(wanted)});
}

uint64_t WireReader::number() const {
  expect(0, "a number");
  return number_;
}

float WireReader::real() const {
  expect(5, "a float");
  uint32_t bits = 0;
  for (size_t i = 4; i-- > 0;) bits = (bits << 8) | static_cast<uint8_t>(value_[i]);
  return std::bit_cast<float>(bits);
}

std::string_view WireReader::bytes() const {
  expect(2, "bytes");
  return value_;
}

}  // namespace espalier
