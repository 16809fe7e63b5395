#include "formats/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "formats/byte_reader.h"

namespace espalier {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr size_t kLocalBytes = 30;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kLocator64Bytes = 20;
constexpr size_t kMaxCommentBytes = 65535;
constexpr uint16_t kZip64Field = 1;
constexpr uint32_t kSee64 = 0xFFFFFFFF;  // the number stands in the zip64 field
constexpr uint16_t kSee64Short = 0xFFFF;
constexpr uint16_t kEncrypted = 1;         // flag bits
constexpr uint16_t kSizesFollow = 1 << 3;  // the local header's sizes are zero; they stand behind the data

struct Directory {
  uint64_t entries = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct Entry {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint64_t stored_bytes = 0;
  uint64_t bytes = 0;
  uint64_t header = 0;  // offset of the local header
  uint64_t begin = 0;   // of the data
};

[[noreturn]] void fail(const std::string& where, std::string what, std::string got, std::string wanted,
                       ErrorKind kind = ErrorKind::Format,
                       std::string next = "The file is damaged or cut short: fetch it again.") {
  throw Error(kind, {std::move(what), where, std::move(got), std::move(wanted), std::move(next)});
}

std::string method_name(uint16_t method) {
  switch (method) {
    case 8:
      return "deflate";
    case 9:
      return "deflate64";
    case 12:
      return "bzip2";
    case 14:
      return "lzma";
    case 93:
      return "zstd";
    default:
      return fmt::format("method {}", method);
  }
}

// Offset of the record that ends the archive: the last one whose comment reaches exactly to the end.
size_t find_end(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() >= kEndBytes) {
    const size_t last = bytes.size() - kEndBytes;
    const size_t first = last > kMaxCommentBytes ? last - kMaxCommentBytes : 0;
    for (size_t at = last + 1; at-- > first;) {
      if (std::memcmp(bytes.data() + at, &kEndSignature, sizeof kEndSignature) != 0) continue;
      ByteReader reader(bytes.subspan(at), where);
      reader.take(kEndBytes - 2);
      if (reader.number<uint16_t>() == reader.left()) return at;
    }
  }
  fail(where, "the zip archive has no end record", fmt::format("{} bytes", bytes.size()), "a whole zip archive");
}

// The zip64 record that the locator before the plain end record points to, and where it lies.
std::pair<Directory, uint64_t> read_end64(std::span<const std::byte> bytes, size_t locator_at,
                                          const std::string& where) {
  ByteReader locator(bytes.subspan(locator_at, kLocator64Bytes), where);
  locator.take(8);
  const auto at = locator.number<uint64_t>();
  if (at > locator_at || locator_at - at < kEnd64Bytes) {
    fail(where, "the zip64 end record lies outside the file", fmt::format("at {}", at),
         fmt::format("{} bytes or more before byte {}", kEnd64Bytes, locator_at));
  }
  ByteReader record(bytes.subspan(at, kEnd64Bytes), where);
  if (record.number<uint32_t>() != kEnd64Signature) {
    fail(where, "the zip64 end record is missing", "other bytes", "its signature");
  }
  record.take(12);
  const auto disks = record.number<uint64_t>();
  const auto entries_here = record.number<uint64_t>();
  Directory directory;
  directory.entries = record.number<uint64_t>();
  directory.bytes = record.number<uint64_t>();
  directory.offset = record.number<uint64_t>();
  if (disks != 0 || entries_here != directory.entries) {
    fail(where, "the zip archive is split over several files", "more than one part", "one part");
  }
  return {directory, at};
}

// Checks that the directory ends where the end records begin.
Directory read_end(std::span<const std::byte> bytes, const std::string& where) {
  uint64_t end = find_end(bytes, where);
  ByteReader reader(bytes.subspan(end), where);
  reader.take(4);
  const auto disks = reader.number<uint32_t>();
  const auto entries_here = reader.number<uint16_t>();
  Directory directory;
  directory.entries = reader.number<uint16_t>();
  directory.bytes = reader.number<uint32_t>();
  directory.offset = reader.number<uint32_t>();
  if (disks != 0 || entries_here != directory.entries) {
    fail(where, "the zip archive is split over several files", "more than one part", "one part");
  }
  // Writers may add the zip64 records to small archives too: libtorch does.
  const auto is_locator = [&](size_t at) {
    return std::memcmp(bytes.data() + at, &kLocator64Signature, sizeof kLocator64Signature) == 0;
  };
  if (end >= kLocator64Bytes && is_locator(end - kLocator64Bytes)) {
    const auto [large, at] = read_end64(bytes, end - kLocator64Bytes, where);
    const bool agrees = (directory.entries == kSee64Short || directory.entries == large.entries) &&
                        (directory.bytes == kSee64 || directory.bytes == large.bytes) &&
                        (directory.offset == kSee64 || directory.offset == large.offset);
    if (!agrees) {
      fail(where, "the two end records of the zip archive differ",
           fmt::format("{} entries, {} bytes at {}", directory.entries, directory.bytes, directory.offset),
           fmt::format("{} entries, {} bytes at {}", large.entries, large.bytes, large.offset));
    }
    directory = large;
    end = at;
  }
  if (directory.offset > end || directory.bytes != end - directory.offset) {
    fail(where, "the zip directory does not lie where the end record says",
         fmt::format("{} bytes at {}", directory.bytes, directory.offset), fmt::format("ending at byte {}", end));
  }
  return directory;
}

// Replaces the numbers that stand in the zip64 field, in the order of the format.
void read_zip64_field(Entry& entry, ByteReader extra, uint64_t& stored, uint64_t& plain) {
  while (extra.left() >= 4) {
    const auto id = extra.number<uint16_t>();
    const auto size = extra.number<uint16_t>();
    ByteReader field(extra.take(size), extra.place());
    if (id != kZip64Field) continue;
    if (plain == kSee64) plain = field.number<uint64_t>();
    if (stored == kSee64) stored = field.number<uint64_t>();
    if (entry.header == kSee64) entry.header = field.number<uint64_t>();
    return;
  }
}

Entry read_entry(ByteReader& reader, const std::string& where) {
  if (reader.number<uint32_t>() != kCentralSignature) {
    reader.fail("the zip directory is broken", "other bytes", "the signature of an entry");
  }
  reader.take(4);
  Entry entry;
  entry.flags = reader.number<uint16_t>();
  entry.method = reader.number<uint16_t>();
  reader.take(8);
  entry.stored_bytes = reader.number<uint32_t>();
  entry.bytes = reader.number<uint32_t>();
  const auto name_bytes = reader.number<uint16_t>();
  const auto extra_bytes = reader.number<uint16_t>();
  const auto comment_bytes = reader.number<uint16_t>();
  reader.take(8);
  entry.header = reader.number<uint32_t>();
  entry.name = reader.take_text(name_bytes);
  read_zip64_field(entry, {reader.take(extra_bytes), reader.place()}, entry.stored_bytes, entry.bytes);
  reader.take(comment_bytes);
  const std::string place = fmt::format("{}, entry {}", where, entry.name);
  if ((entry.flags & kEncrypted) != 0) {
    fail(place, "an encrypted entry is not read", "encrypted", "a plain entry", ErrorKind::Unsupported, "");
  }
  if (entry.method != 0) {
    fail(place, "a compressed entry is not read", method_name(entry.method), "stored as it is", ErrorKind::Unsupported,
         "Save the checkpoint with torch.save, which stores without compression.");
  }
  if (entry.stored_bytes != entry.bytes) {
    fail(place, "the two sizes of a stored entry differ", fmt::format("{} and {}", entry.stored_bytes, entry.bytes),
         "the same size twice");
  }
  return entry;
}

// Compares with the entry's own header and finds where the data begin.
void locate(Entry& entry, std::span<const std::byte> before_directory, const std::string& where) {
  const std::string place = fmt::format("{}, entry {}", where, entry.name);
  if (entry.header > before_directory.size() || before_directory.size() - entry.header < kLocalBytes) {
    fail(place, "the entry lies outside the archive", fmt::format("a header at {}", entry.header),
         fmt::format("before byte {}", before_directory.size()));
  }
  ByteReader reader(before_directory.subspan(entry.header), place);
  if (reader.number<uint32_t>() != kLocalSignature) {
    fail(place, "the entry's own header is missing", "other bytes", "its signature");
  }
  reader.take(2);
  const auto flags = reader.number<uint16_t>();
  const auto method = reader.number<uint16_t>();
  reader.take(8);
  uint64_t stored = reader.number<uint32_t>();
  uint64_t plain = reader.number<uint32_t>();
  const auto name_bytes = reader.number<uint16_t>();
  const auto extra_bytes = reader.number<uint16_t>();
  const std::string_view name = reader.take_text(name_bytes);
  Entry ignored;
  read_zip64_field(ignored, {reader.take(extra_bytes), place}, stored, plain);
  const bool sizes_follow = (flags & kSizesFollow) != 0 && stored == 0 && plain == 0;
  const bool agrees = name == entry.name && method == entry.method && (flags & kEncrypted) == 0 &&
                      (sizes_follow || (stored == entry.bytes && plain == entry.bytes));
  if (!agrees) {
    fail(place, "the zip directory and the entry's own header differ",
         fmt::format("\"{}\", {}, {} bytes", name, method == 0 ? "stored" : method_name(method), plain),
         fmt::format("\"{}\", stored, {} bytes", entry.name, entry.bytes));
  }
  entry.begin = entry.header + reader.position();
  if (entry.bytes > reader.left()) {
    fail(place, "the data reach beyond the archive", fmt::format("{} bytes", entry.bytes),
         fmt::format("at most {} bytes", reader.left()));
  }
}

void check_overlap(std::vector<Entry>& entries, const std::string& where) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.header < b.header; });
  for (size_t i = 1; i < entries.size(); ++i) {
    const uint64_t end = entries[i - 1].begin + entries[i - 1].bytes;
    if (entries[i].header >= end) continue;
    fail(fmt::format("{}, entry {}", where, entries[i].name), "the entry overlaps entry " + entries[i - 1].name,
         fmt::format("a begin at {}", entries[i].header), fmt::format("a begin at {} or later", end));
  }
}

}  // namespace

ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& where) {
  const Directory directory = read_end(bytes, where);
  ByteReader reader(bytes.subspan(directory.offset, directory.bytes), where + ", zip directory");
  std::vector<Entry> entries;
  while (reader.left() > 0) {
    entries.push_back(read_entry(reader, where));
    locate(entries.back(), bytes.first(directory.offset), where);
  }
  if (entries.size() != directory.entries) {
    fail(where, "the zip directory holds another number of entries than the end record says",
         fmt::format("{} entries", entries.size()), fmt::format("{} entries", directory.entries));
  }
  check_overlap(entries, where);
  ZipEntries named;
  for (const Entry& entry : entries) {
    if (named.emplace(entry.name, bytes.subspan(entry.begin, entry.bytes)).second) continue;
    fail(where, "two entries bear the same name", entry.name, "every name once");
  }
  return named;
}

}  // namespace espalier
