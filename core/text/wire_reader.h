#pragma once
#include <cstdint>
#include <string_view>

namespace espalier {

// Reads the protocol-buffer wire format of one message, field by field, without copying and without a schema.
// Encoding: developers.google.com/protocol-buffers, "wire types" 0, 1, 2 and 5.
class WireReader {
 public:
  // `where` names the file in errors; both must outlive the reader.
  WireReader(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  // Moves to the next field; false at the end. Throws Format when the bytes break off.
  bool next();
  uint32_t field() const { return field_; }

  // The value of the field at hand; Format when it is of another wire type.
  uint64_t number() const;
  bool flag() const { return number() != 0; }
  float real() const;
  std::string_view bytes() const;

 private:
  uint64_t read_varint();
  void expect(uint32_t wire, std::string_view wanted) const;

  std::string_view bytes_;
  std::string_view where_;
  size_t at_ = 0;
  uint32_t field_ = 0;
  uint32_t wire_ = 0;
  uint64_t number_ = 0;
  std::string_view value_;
};

}  // namespace espalier
