#include "formats/zip_archive.h"

#include <cstring>

#include "tests/support/support.h"
#include "tests/support/torch_writer.h"

namespace espalier {
namespace {

using test::expect_error;

constexpr const char* kLocal = "PK\x03\x04";
constexpr const char* kCentral = "PK\x01\x02";
constexpr const char* kEnd = "PK\x05\x06";

ZipEntries read(const std::string& bytes) {
  return read_zip(std::as_bytes(std::span(bytes.data(), bytes.size())), "a.zip");
}

std::string fault(const std::string& bytes) {
  const Error error = expect_error([&] { read(bytes); });
  EXPECT_EQ(std::string(error.what()).find("a.zip"), 0u) << error.what();
  return error.what();
}

// The archive with a number at `offset` from the n-th `signature`.
template <typename T>
std::string with(std::string bytes, const char* signature, size_t offset, T value, int nth = 0) {
  size_t at = bytes.find(signature);
  for (; nth > 0; --nth) at = bytes.find(signature, at + 1);
  EXPECT_NE(at, std::string::npos);
  std::memcpy(bytes.data() + at + offset, &value, sizeof value);
  return bytes;
}

std::string two_entries(const test::ZipStyle& style = {}) {
  return test::zip_of({{"first", "12345"}, {"dir/second", std::string(100, 'x')}}, style);
}

TEST(ZipArchive, GivesEntriesWhereTheyLie) {
  for (const bool zip64 : {false, true}) {
    for (const size_t alignment : {1, 64}) {
      const std::string bytes = two_entries({alignment, zip64});
      const ZipEntries entries = read(bytes);
      ASSERT_EQ(entries.size(), 2u);
      const auto first = entries.at("first");
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(first.data()), first.size()), "12345");
      const auto offset = reinterpret_cast<const char*>(entries.at("dir/second").data()) - bytes.data();
      EXPECT_EQ(static_cast<size_t>(offset) % alignment, 0u);
    }
  }
  EXPECT_TRUE(read(test::zip_of({})).empty());
  EXPECT_EQ(read(with<uint16_t>(two_entries(), kEnd, 20, 3) + "end").size(), 2u);  // a comment
  // Sizes behind the data, as torch writes them.
  std::string follow = with<uint64_t>(with<uint16_t>(two_entries(), kLocal, 6, 0x0808), kLocal, 18, 0);
  EXPECT_EQ(read(follow).at("first").size(), 5u);
}

TEST(ZipArchive, Zip64RecordsMayStandBesidePlainNumbers) {
  const std::string large = two_entries({1, true});
  const size_t directory = large.find(kCentral);
  const size_t bytes = large.find("PK\x06\x06") - directory;
  std::string both = with<uint16_t>(with<uint16_t>(large, kEnd, 8, 2), kEnd, 10, 2);
  both = with<uint32_t>(with<uint32_t>(both, kEnd, 12, static_cast<uint32_t>(bytes)), kEnd, 16,
                        static_cast<uint32_t>(directory));
  EXPECT_EQ(read(both).size(), 2u);
}

TEST(ZipArchive, WhatIsNotStoredIsRefusedByName) {
  const std::string good = two_entries();
  const std::string deflated = fault(with<uint16_t>(good, kCentral, 10, 8));
  EXPECT_NE(deflated.find("entry first"), std::string::npos) << deflated;
  EXPECT_NE(deflated.find("deflate"), std::string::npos) << deflated;
  EXPECT_NE(fault(with<uint16_t>(good, kCentral, 10, 99, 1)).find("method 99"), std::string::npos);
  EXPECT_NE(fault(with<uint16_t>(good, kCentral, 8, 1)).find("encrypted"), std::string::npos);
}

TEST(ZipArchive, ContradictionsAreRefused) {
  const std::string good = two_entries();
  EXPECT_NE(fault(with<uint32_t>(good, kCentral, 20, 6)).find("two sizes"), std::string::npos);
  EXPECT_NE(fault(with<uint64_t>(good, kCentral, 20, 0x0000000600000006)).find("differ"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kLocal, 22, 6)).find("differ"), std::string::npos);
  EXPECT_NE(fault(with<char>(good, kLocal, 30, 'F')).find("\"First\""), std::string::npos);
  EXPECT_NE(fault(with<uint16_t>(good, kLocal, 8, 8)).find("deflate"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kCentral, 42, 0, 1)).find("differ"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kCentral, 42, 1)).find("its signature"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kCentral, 42, 1u << 30)).find("outside the archive"), std::string::npos);
  EXPECT_NE(fault(with<uint16_t>(with<uint16_t>(good, kEnd, 8, 3), kEnd, 10, 3)).find("3 entries"), std::string::npos);
  EXPECT_NE(fault(with<uint16_t>(good, kEnd, 4, 1)).find("several files"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kEnd, 12, 7)).find("directory does not lie"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kEnd, 16, 0xFFFFFFF0)).find("directory does not lie"), std::string::npos);
  EXPECT_NE(fault(good + "x").find("no end record"), std::string::npos);
  EXPECT_NE(fault("").find("no end record"), std::string::npos);
  EXPECT_NE(fault(test::zip_of({{"a", "1"}, {"a", "2"}})).find("same name"), std::string::npos);
  for (size_t length = 0; length < good.size(); ++length) fault(good.substr(0, length));
}

TEST(ZipArchive, OverlappingEntriesAreRefused) {
  // An entry whose data hold another entry whole: the way to a bomb.
  const std::string inner = test::zip_of({{"in", "123"}}, {1, false});
  const std::string entry = inner.substr(0, inner.find(kCentral));
  std::string bytes = test::zip_of({{"out", entry}, {"in", "123"}}, {1, false});
  const size_t nested = bytes.find(entry);
  bytes = with<uint32_t>(bytes, kCentral, 42, static_cast<uint32_t>(nested), 1);
  EXPECT_NE(fault(bytes).find("entry in: the entry overlaps entry out"), std::string::npos) << fault(bytes);
}

TEST(ZipArchive, Zip64RecordsAreChecked) {
  const std::string good = two_entries({1, true});
  constexpr const char* kEnd64 = "PK\x06\x06";
  constexpr const char* kLocator = "PK\x06\x07";
  EXPECT_NE(fault(with<uint64_t>(good, kLocator, 8, ~uint64_t{0})).find("outside the file"), std::string::npos);
  EXPECT_NE(fault(with<char>(good, kLocator, 0, 'Q')).find("does not lie"), std::string::npos);
  EXPECT_NE(fault(with<uint32_t>(good, kEnd, 12, 5)).find("two end records"), std::string::npos);
  EXPECT_NE(fault(with<uint64_t>(good, kEnd64, 16, 1)).find("several files"), std::string::npos);
  EXPECT_NE(fault(with<char>(good, kEnd64, 0, 'Q')).find("its signature"), std::string::npos);
  EXPECT_NE(fault(with<uint64_t>(good, kEnd64, 48, ~uint64_t{0} - 4)).find("does not lie"), std::string::npos);
}

}  // namespace
}  // namespace espalier
