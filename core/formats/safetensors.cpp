#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little endian and used as mapped");

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::string_view kMetadataKey = "__metadata__";
constexpr const char* kDamaged = "The file is damaged or cut short: fetch it again.";
// Types of the format that nothing here can hold.
constexpr std::array<std::string_view, 9> kForeignTypes = {"U16", "U32",     "U64",     "F8_E4M3", "F8_E5M2",
                                                           "C64", "F8_E8M0", "F4_E2M1", "F6_E2M3"};

struct Entry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  uint64_t begin = 0;  // into the data, after the header
  uint64_t end = 0;
};

[[noreturn]] void fail(const std::string& where, std::string what, std::string got, std::string wanted,
                       std::string next = kDamaged) {
  throw Error(ErrorKind::Format, {std::move(what), where, std::move(got), std::move(wanted), std::move(next)});
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

const Json& member(const Json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end())
    fail(where, fmt::format("\"{}\" is missing", key), dump(entry), "dtype, shape, data_offsets");
  return *found;
}

uint64_t whole_number(const Json& value, const std::string& where, const char* what) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  fail(where, fmt::format("{} is not a whole number that fits", what), dump(value),
       "a whole number from 0 to 2^63 - 1");
}

DType parse_dtype(const Json& value, const std::string& where) {
  constexpr const char* kKnown = "one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL";
  if (!value.is_string()) fail(where, "the dtype is not a string", dump(value), kKnown);
  const auto name = value.get<std::string>();
  DType dtype{};
  if (dtype_from_string(name, dtype)) return dtype;
  const bool foreign = std::find(kForeignTypes.begin(), kForeignTypes.end(), name) != kForeignTypes.end();
  if (foreign) {
    throw Error(ErrorKind::Unsupported, {"a dtype that is not supported", where, name, kKnown,
                                         "Convert the tensor to one of these and save it again."});
  }
  fail(where, "an unknown dtype", name, kKnown);
}

Shape parse_shape(const Json& value, const std::string& where) {
  if (!value.is_array()) fail(where, "the shape is not a list", dump(value), "a list of whole numbers");
  Shape shape;
  for (const Json& size : value) {
    const uint64_t number = whole_number(size, where, "a size in the shape");
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      fail(where, "a size in the shape is too large", dump(value), "sizes below 2^63");
    }
    shape.push_back(static_cast<int64_t>(number));
  }
  return shape;
}

// Bytes of a tensor. Sizes are multiplied without the zeros first, so that no product of some of them can overflow
// later.
uint64_t checked_bytes(const Shape& shape, DType dtype, const std::string& where) {
  constexpr auto kLimit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t bytes = size_of(dtype);
  bool empty = false;
  for (const int64_t size : shape) {
    if (size == 0) {
      empty = true;
      continue;
    }
    const auto factor = static_cast<uint64_t>(size);
    if (bytes > kLimit / factor) fail(where, "the shape overflows", to_string(shape), "fewer than 2^63 bytes");
    bytes *= factor;
  }
  return empty ? 0 : bytes;
}

Entry parse_entry(const std::string& name, const Json& json, uint64_t data_size, const std::string& where) {
  if (!json.is_object()) fail(where, "the entry is not an object", dump(json), "{dtype, shape, data_offsets}");
  Entry entry;
  entry.name = name;
  entry.dtype = parse_dtype(member(json, "dtype", where), where);
  entry.shape = parse_shape(member(json, "shape", where), where);
  const Json& offsets = member(json, "data_offsets", where);
  if (!offsets.is_array() || offsets.size() != 2) {
    fail(where, "data_offsets is not a pair", dump(offsets), "[begin, end]");
  }
  entry.begin = whole_number(offsets[0], where, "the begin of data_offsets");
  entry.end = whole_number(offsets[1], where, "the end of data_offsets");
  if (entry.begin > entry.end) {
    fail(where, "data_offsets end before they begin", dump(offsets), "begin at most end");
  }
  if (entry.end > data_size) {
    fail(where, "data_offsets reach beyond the end of the file", dump(offsets),
         fmt::format("at most {} bytes of data", data_size));
  }
  const uint64_t bytes = checked_bytes(entry.shape, entry.dtype, where);
  if (entry.end - entry.begin != bytes) {
    fail(where, "the size of the data does not fit shape and dtype", fmt::format("{} bytes", entry.end - entry.begin),
         fmt::format("{} bytes for {} {}", bytes, to_string(entry.dtype), to_string(entry.shape)));
  }
  return entry;
}

// The data of all tensors must cover everything behind the header exactly once.
void check_cover(std::vector<Entry>& entries, uint64_t data_size, const std::string& where) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t reached = 0;
  std::string before = "the header";
  for (const Entry& entry : entries) {
    const std::string place = fmt::format("{}, tensor {}", where, entry.name);
    if (entry.begin < reached) {
      fail(place, "the data overlap those of " + before, fmt::format("begin at {}", entry.begin),
           fmt::format("begin at {}", reached));
    }
    if (entry.begin > reached) {
      fail(place, fmt::format("a gap of {} bytes between the data and {}", entry.begin - reached, before),
           fmt::format("begin at {}", entry.begin), fmt::format("begin at {}", reached));
    }
    reached = entry.end;
    before = "tensor " + entry.name;
  }
  if (reached != data_size) {
    fail(where, "bytes after the last tensor that no tensor claims", fmt::format("{} bytes of data", data_size),
         fmt::format("{} bytes of data", reached));
  }
}

Tensor make_tensor(const Entry& entry, std::span<const std::byte> data, const std::shared_ptr<const void>& keeper) {
  const auto bytes = data.subspan(entry.begin, entry.end - entry.begin);
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % size_of(entry.dtype) == 0;
  if (aligned || bytes.empty()) return Tensor(entry.dtype, entry.shape, bytes, keeper);
  auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  return Tensor(entry.dtype, entry.shape, *copy, copy);
}

std::map<std::string, std::string> parse_metadata(const Json& json, const std::string& where) {
  const std::string place = where + ", " + std::string(kMetadataKey);
  if (!json.is_object()) fail(place, "the metadata are not an object", dump(json), "an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail(place, fmt::format("\"{}\" is not a string", key), dump(value), "strings only");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < kLengthBytes) {
    fail(where, "too short for a safetensors file", fmt::format("{} bytes", bytes.size()), "at least 8 bytes");
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    fail(where, "the header length is beyond all measure", fmt::format("{} bytes", length),
         fmt::format("at most {} bytes", kMaxHeaderBytes), "This may not be a safetensors file.");
  }
  if (length > bytes.size() - kLengthBytes) {
    fail(where, "the header is longer than the file", fmt::format("a header of {} bytes", length),
         fmt::format("at most {} bytes", bytes.size() - kLengthBytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  if (text.empty() || text.front() != '{') {
    fail(where, "the header does not begin with {", std::string(text.substr(0, 1)), "a JSON object",
         "This may not be a safetensors file.");
  }
  return text;
}

struct Header {
  std::string text;  // padded
  std::vector<std::string> order;
  uint64_t data_bytes = 0;
};

Header make_header(const std::map<std::string, TensorInfo>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  Header header;
  for (const auto& [name, info] : tensors) {
    if (name == kMetadataKey) throw Error(ErrorKind::Internal, "a tensor may not be called __metadata__");
    header.order.push_back(name);
  }
  std::stable_sort(header.order.begin(), header.order.end(), [&](const std::string& a, const std::string& b) {
    return size_of(tensors.at(a).dtype) > size_of(tensors.at(b).dtype);
  });
  Json json = Json::object();
  if (!metadata.empty()) json[kMetadataKey] = metadata;
  for (const std::string& name : header.order) {
    const TensorInfo& info = tensors.at(name);
    const uint64_t end = header.data_bytes + static_cast<uint64_t>(num_elements(info.shape)) * size_of(info.dtype);
    json[name] = {{"dtype", to_string(info.dtype)}, {"shape", info.shape}, {"data_offsets", {header.data_bytes, end}}};
    header.data_bytes = end;
  }
  header.text = json.dump();
  header.text.resize((header.text.size() + 7) / 8 * 8, ' ');
  return header;
}

std::map<std::string, TensorInfo> infos_of(const TensorFile& content) {
  std::map<std::string, TensorInfo> infos;
  for (const auto& [name, tensor] : content.tensors) infos[name] = {tensor.dtype(), tensor.shape()};
  return infos;
}

}  // namespace

TensorFile parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper,
                             const std::string& where) {
  const std::string_view text = header_text(bytes, where);
  const auto data = bytes.subspan(kLengthBytes + text.size());
  const Json header = parse_json(text, where + ", header");
  TensorFile content;
  std::vector<Entry> entries;
  entries.reserve(header.size());
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      content.metadata = parse_metadata(value, where);
    } else {
      entries.push_back(parse_entry(name, value, data.size(), fmt::format("{}, tensor {}", where, name)));
    }
  }
  check_cover(entries, data.size(), where);
  for (const Entry& entry : entries) content.tensors.emplace(entry.name, make_tensor(entry, data, keeper));
  return content;
}

TensorFile read_safetensors(const std::filesystem::path& file) {
  const MappedFile mapped = map_file(file);
  return parse_safetensors(mapped.bytes, mapped.keeper, file.string());
}

void write_safetensors(const std::filesystem::path& file, const TensorFile& content, const CancelToken& cancel) {
  constexpr size_t kBlock = size_t{1} << 24;
  const Header header = make_header(infos_of(content), content.metadata);
  write_file_atomically(file, [&](std::ostream& out) {
    const uint64_t length = header.text.size();
    out.write(reinterpret_cast<const char*>(&length), kLengthBytes);
    out.write(header.text.data(), std::ssize(header.text));
    for (const std::string& name : header.order) {
      const auto bytes = content.tensors.at(name).bytes();
      for (size_t at = 0; at < bytes.size(); at += kBlock) {
        cancel.throw_if_cancelled();
        const size_t count = std::min(kBlock, bytes.size() - at);
        out.write(reinterpret_cast<const char*>(bytes.data() + at), static_cast<std::streamsize>(count));
      }
    }
    cancel.throw_if_cancelled();
  });
}

int64_t safetensors_bytes(const TensorFile& content) { return safetensors_bytes(infos_of(content), content.metadata); }

int64_t safetensors_bytes(const std::map<std::string, TensorInfo>& tensors,
                          const std::map<std::string, std::string>& metadata) {
  const Header header = make_header(tensors, metadata);
  return static_cast<int64_t>(kLengthBytes + header.text.size() + header.data_bytes);
}

}  // namespace espalier
