#include "formats/tar.h"

#include <zlib.h>

#include <fstream>

#include "formats/atomic_file.h"
#include "formats/digest.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name, bytes;
  char type = '0';
};

// A header and its content by the rules of POSIX ustar.
std::string tar_entry(const Entry& entry) {
  std::string header(512, '\0');
  header.replace(0, std::min<size_t>(entry.name.size(), 100), entry.name.substr(0, 100));
  const auto octal = [&](size_t at, int digits, size_t value) {
    std::string text;
    for (int i = 0; i < digits; ++i, value /= 8) text.insert(text.begin(), static_cast<char>('0' + value % 8));
    header.replace(at, text.size(), text);
  };
  octal(124, 11, entry.bytes.size());
  header[156] = entry.type;
  header.replace(257, 5, "ustar");
  header.replace(148, 8, "        ");
  size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  header[154] = '\0';
  return header + entry.bytes + std::string((512 - entry.bytes.size() % 512) % 512, '\0');
}

class TarFiles : public testing::Test {
 protected:
  fs::path write(const std::string& tar) const {
    const fs::path file = temp_.path() / "a.tgz";
    const gzFile out = gzopen(file.c_str(), "wb");
    gzwrite(out, tar.data(), static_cast<unsigned>(tar.size()));
    gzclose(out);
    return file;
  }
  fs::path archive(const std::vector<Entry>& entries) const {
    std::string tar;
    for (const Entry& entry : entries) tar += tar_entry(entry);
    return write(tar + std::string(1024, '\0'));
  }
  static std::vector<std::pair<std::string, std::string>> read(const fs::path& file, const TarLimits& limits = {}) {
    std::vector<std::pair<std::string, std::string>> files;
    read_tar_gz(file, limits, [&](TarEntry& entry) { files.emplace_back(entry.name, entry.bytes); });
    return files;
  }
  static ErrorKind fault(const fs::path& file, const TarLimits& limits = {}) {
    return test::expect_error([&] { read(file, limits); }).kind();
  }
  fs::path root() const { return temp_.path(); }

 private:
  test::TempDir temp_;
};

using Files = std::vector<std::pair<std::string, std::string>>;

TEST_F(TarFiles, GiveTheirFilesInOrder) {
  const std::string large(70'000, 'x');
  EXPECT_EQ(read(archive({{"p/", "", '5'}, {"./p//a.txt", "one"}, {"p/b", large}, {"p/empty", ""}})),
            (Files{{"p/a.txt", "one"}, {"p/b", large}, {"p/empty", ""}}));
}

TEST_F(TarFiles, LongNamesComeFromTheEntryBefore) {
  const std::string name = "p/" + std::string(150, 'n');
  const std::string record = "path=" + name + "\n";
  const std::string pax = std::to_string(record.size() + 4) + " " + record;
  EXPECT_EQ(
      read(archive(
          {{"x", pax, 'x'}, {"short", "1"}, {"L", name + std::string(1, '\0'), 'L'}, {"short", "2"}, {"s", "3"}})),
      (Files{{name, "1"}, {name, "2"}, {"s", "3"}}));
}

TEST_F(TarFiles, NamesThatLeadOutAreRefused) {
  for (const char* name : {"../a", "p/../../a", "/etc/a", "p\\..\\a", "p/.."}) {
    EXPECT_EQ(fault(archive({{name, "x"}})), ErrorKind::Format) << name;
  }
  EXPECT_EQ(fault(archive({{"x", "14 path=../ab\n", 'x'}, {"short", "1"}})), ErrorKind::Format);
  for (const char type : {'1', '2', '3', '6'}) EXPECT_EQ(fault(archive({{"p/a", "", type}})), ErrorKind::Format);
}

TEST_F(TarFiles, BoundsAreKept) {
  const fs::path file = archive({{"a", std::string(3000, 'a')}, {"b", "b"}});
  EXPECT_EQ(read(file).size(), 2u);
  EXPECT_EQ(fault(file, {.file_bytes = 2999}), ErrorKind::Format);
  EXPECT_EQ(fault(file, {.files = 1}), ErrorKind::Format);
  EXPECT_EQ(fault(file, {.total_bytes = 4000}), ErrorKind::Format);
  // A header that promises more than comes sets nothing aside for it.
  std::string promise = tar_entry({"a", std::string(512, 'a')});
  EXPECT_EQ(fault(write(promise.substr(0, 700))), ErrorKind::Format);
}

TEST_F(TarFiles, DamageIsAnError) {
  const fs::path file = archive({{"a", "content"}});
  const std::string bytes = read_file(file);
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::ofstream(root() / "cut.tgz", std::ios::binary) << bytes.substr(0, length);
    EXPECT_THROW(read(root() / "cut.tgz"), Error) << length;
  }
  std::string tar = tar_entry({"a", "content"});
  tar[10] = 'x';
  EXPECT_EQ(fault(write(tar + std::string(1024, '\0'))), ErrorKind::Format);
}

TEST(Digests, AreThoseOfTheStandard) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha512_integrity("abc"),
            "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==");
  test::TempDir temp;
  std::ofstream(temp.path() / "a") << "abc";
  EXPECT_EQ(sha256_file(temp.path() / "a"), sha256("abc"));
  EXPECT_EQ(sha512_integrity_file(temp.path() / "a"), sha512_integrity("abc"));
}

}  // namespace
}  // namespace espalier
