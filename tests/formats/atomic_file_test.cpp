#include "formats/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/cancel.h"
#include "base/mapped_memory.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, WritesAndReplacesWhole) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "a.txt";
  write_file_atomically(file, "first");
  const std::string large(3'000'000, 'x');
  write_file_atomically(file, [&](std::ostream& out) { out << "head " << large << '.' << 42; });
  EXPECT_EQ(read_file(file), "head " + large + ".42");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, AnExceptionLeavesTheOldFileAndNothingElse) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "a.txt";
  write_file_atomically(file, "old");
  EXPECT_THROW(write_file_atomically(file,
                                     [](std::ostream& out) {
                                       out << "half";
                                       throw Cancelled();
                                     }),
               Cancelled);
  EXPECT_EQ(read_file(file), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, AFileThatDoesNotFitSaysHowMuchWasWanted) {
  const test::TempDir folder;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Error error = expect_error([&] { write_file_atomically(folder.path() / "a", std::string(1'000'000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.kind(), ErrorKind::Io);
  EXPECT_NE(std::string(error.what()).find("1000000 bytes"), std::string::npos) << error.what();
  EXPECT_EQ(entries(folder.path()), 0u);
}

TEST(AtomicFile, FoldersThatAreNotThereAreNamed) {
  const test::TempDir folder;
  const Error error = expect_error([&] { write_file_atomically(folder.path() / "gone" / "a", "x"); });
  EXPECT_EQ(error.kind(), ErrorKind::Io);
  EXPECT_NE(std::string(error.what()).find("gone/a"), std::string::npos);
}

TEST(AtomicFile, ReadingRefusesWhatIsNoFile) {
  const test::TempDir folder;
  EXPECT_EQ(expect_error([&] { read_file(folder.path()); }).kind(), ErrorKind::Io);
  EXPECT_EQ(expect_error([&] { map_file(folder.path() / "gone"); }).kind(), ErrorKind::Io);
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(expect_error([&] { map_file(pipe); }).kind(), ErrorKind::Io);
  write_file_atomically(folder.path() / "a", "12345");
  EXPECT_EQ(expect_error([&] { read_file(folder.path() / "a", 4); }).kind(), ErrorKind::InvalidInput);
}

TEST(AtomicFile, MappingsOutliveTheFileName) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "a";
  write_file_atomically(file, "mapped");
  const MappedFile mapped = map_file(file);
  write_file_atomically(file, "other!");
  fs::remove(file);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size()), "mapped");
  write_file_atomically(file, "");
  EXPECT_TRUE(map_file(file).bytes.empty());
}

// Kilobytes of this process's memory in the mapping that begins at `address`.
int64_t resident_kilobytes(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  std::ostringstream begin;
  begin << std::hex << reinterpret_cast<uintptr_t>(address) << '-';
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with(begin.str())) here = true;
    if (here && line.starts_with("Rss:")) return std::stoll(line.substr(4));
  }
  return -1;
}

TEST(MappedFile, PagesCanBeReleasedAndComeBack) {
  constexpr size_t kSize = size_t{1} << 22;
  const test::TempDir folder;
  const fs::path file = folder.path() / "large";
  write_file_atomically(file, std::string(kSize, 'x'));
  const MappedFile mapped = map_file(file);
  const auto count = [&] { return std::count(mapped.bytes.begin(), mapped.bytes.end(), std::byte{'x'}); };
  EXPECT_EQ(count(), std::ssize(mapped.bytes));
  EXPECT_EQ(resident_kilobytes(mapped.bytes.data()), kSize / 1024);
  release_mapped_pages(mapped.bytes.data() + 10, kSize / 2);
  EXPECT_LE(resident_kilobytes(mapped.bytes.data()), kSize / 2048 + 8);
  EXPECT_EQ(count(), std::ssize(mapped.bytes));
  std::vector<char> own(kSize, 'y');
  release_mapped_pages(own.data(), own.size());
  EXPECT_EQ(std::ranges::count(own, 'y'), std::ssize(own)) << "memory that is no mapping of ours";
  release_mapped_pages(mapped.bytes.data(), ~size_t{0});
  EXPECT_EQ(count(), std::ssize(mapped.bytes));
}

TEST(MapFile, AFileThatIsShortenedReadsAsZerosAndIsNamed) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "weights.bin";
  constexpr size_t kSize = 100'000;
  write_file_atomically(file, std::string(kSize, 'x'));
  const MappedFile mapped = map_file(file);
  require_mapped_files_whole();
  fs::resize_file(file, 5'000);
  EXPECT_EQ(mapped.bytes[10], std::byte{'x'});
  require_mapped_files_whole();
  EXPECT_EQ(mapped.bytes[kSize - 1], std::byte{0});
  EXPECT_EQ(mapped.bytes[50'000], std::byte{0});
  const Error error = expect_error(require_mapped_files_whole);
  EXPECT_EQ(error.kind(), ErrorKind::Io);
  EXPECT_NE(std::string(error.what()).find("weights.bin"), std::string::npos) << error.what();
  require_mapped_files_whole();
}

TEST(MapFile, ALossIsToldWhenTheMappingIsGone) {
  const test::TempDir folder;
  const fs::path file = folder.path() / "weights.bin";
  write_file_atomically(file, std::string(100'000, 'x'));
  {
    const MappedFile mapped = map_file(file);
    fs::resize_file(file, 0);
    EXPECT_EQ(mapped.bytes[0], std::byte{0});
  }
  EXPECT_THROW(require_mapped_files_whole(), Error);
}

}  // namespace
}  // namespace espalier
