#include "data/source_text.h"

#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using SourceTexts = test::DataFolder;
using test::load;

std::string utf16(const std::u16string& text, bool big_endian) {
  std::string bytes = big_endian ? "\xFE\xFF" : "\xFF\xFE";
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xFF);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  LineReader reader(read_source_text(file));
  std::vector<std::string> lines;
  std::string_view line;
  while (reader.next(line)) lines.emplace_back(line);
  EXPECT_EQ(reader.number(), static_cast<int64_t>(lines.size()));
  return lines;
}

TEST_F(SourceTexts, TheMarkTellsTheEncoding) {
  EXPECT_EQ(read_source_text(write("a", "\xEF\xBB\xBFx")).text, "x");
  for (const bool big_endian : {false, true}) {
    const SourceText text = read_source_text(write("b", utf16(u"d\u00E9j\u00E0 \U0001F600\n", big_endian)));
    EXPECT_EQ(text.encoding, big_endian ? "UTF-16 BE" : "UTF-16 LE");
    EXPECT_EQ(text.text, "d\u00E9j\u00E0 \U0001F600\n");
  }
  // Half a pair, and half a unit.
  const SourceText broken = read_source_text(write("c", utf16(u"a\xD83Dz", false) + "q"));
  EXPECT_EQ(broken.text, "a\uFFFDz\uFFFD");
  EXPECT_EQ(read_source_text(write("d", "")).text, "");
}

TEST_F(SourceTexts, LinesEndInThreeWays) {
  const std::vector<std::string> wanted = {"a", "", "b"};
  EXPECT_EQ(lines_of(write("lf", "a\n\nb")), wanted);
  EXPECT_EQ(lines_of(write("lf2", "a\n\nb\n")), wanted);
  EXPECT_EQ(lines_of(write("crlf", "a\r\n\r\nb\r\n")), wanted);
  EXPECT_EQ(lines_of(write("cr", "a\r\rb\r")), wanted);
  EXPECT_EQ(lines_of(write("mixed", "a\rb\nc")), (std::vector<std::string>{"a\rb", "c"}));
  EXPECT_TRUE(lines_of(write("none", "")).empty());
}

TEST_F(SourceTexts, OtherBytesAreReadAsWindows1252) {
  bool recoded = false;
  EXPECT_EQ(to_utf8("plain \u00E9 \U0001F600", recoded), "plain \u00E9 \U0001F600");
  EXPECT_FALSE(recoded);
  EXPECT_EQ(to_utf8("\x80 caf\xE9 \x9D\x9F", recoded), "\u20AC caf\u00E9 \uFFFD\u0178");
  EXPECT_TRUE(recoded);
}

TEST_F(SourceTexts, TablesOfEveryEncodingReadAlike) {
  const std::u16string rows = u"text\tlabel\r\ngut gemacht \u00FC\tpos\r\nschlecht\tneg\r\n";
  const std::string plain = "text\tlabel\ngut gemacht \u00FC\tpos\nschlecht\tneg\n";
  std::string old_mac = plain;
  std::ranges::replace(old_mac, '\n', '\r');
  write("le.tsv", utf16(rows, false));
  write("be.tsv", utf16(rows, true));
  write("bom.tsv", "\xEF\xBB\xBF" + plain);
  write("cr.tsv", old_mac);
  write("plain.tsv", plain);
  write("latin.tsv", "text\tlabel\ngut gemacht \xFC\tpos\nschlecht\tneg\n");
  for (const char* name : {"le.tsv", "be.tsv", "bom.tsv", "cr.tsv", "plain.tsv", "latin.tsv"}) {
    SCOPED_TRACE(name);
    const Task task = open(name);
    const Dataset data = load(task, "dev");
    ASSERT_EQ(data.examples.size(), 2u) << task.description;
    EXPECT_EQ(data.examples[0].text, "gut gemacht \u00FC");
    EXPECT_EQ(data.examples[1].label, 0);
    EXPECT_EQ(data.skipped.count, 0);
    EXPECT_EQ(data.recoded, std::string(name) == "latin.tsv" ? 1 : 0);
  }
  EXPECT_NE(open("le.tsv").description.find("UTF-16 LE"), std::string::npos);
  EXPECT_NE(open("latin.tsv").description.find("Windows-1252"), std::string::npos);
}

TEST_F(SourceTexts, VeryLongLinesAndOpenQuotesLoseOnlyThemselves) {
  const std::string long_text(5'000'000, 'x');
  write("long.csv", "text,label\n" + long_text + ",1\nshort,0\n");
  const Dataset data = load(open("long.csv"), "dev");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].text.size(), long_text.size());
  write("open.csv", "text,label\na,1\n\"b,0\nc,1\nd,0\n");
  const Dataset open_quote = load(open("open.csv"), "dev");
  EXPECT_EQ(open_quote.examples.size(), 3u);
  EXPECT_EQ(open_quote.skipped.first_reasons, (std::vector<std::string>{"line 3: a quote is not closed"}));
}

TEST_F(SourceTexts, QuotedTabsAndJsonDocuments) {
  write("quoted.tsv", "\"text\"\t\"label\"\n\"two\nlines\tand a tab\"\t\"a\"\nplain\tb\n");
  const Dataset quoted = load(open("quoted.tsv"), "dev");
  ASSERT_EQ(quoted.examples.size(), 2u);
  EXPECT_EQ(quoted.examples[0].text, "two\nlines\tand a tab");
  write("array.json", "[\n {\"text\": \"x\", \"label\": true},\n {\"text\": \"y\", \"label\": false}, 3\n]\n");
  const Task task = open("array.json");
  EXPECT_EQ(task.labels, (std::vector<std::string>{"false", "true"}));
  const Dataset data = load(task, "dev");
  EXPECT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.skipped.first_reasons, (std::vector<std::string>{"item 3: no JSON object"}));
  write("wrapped.json",
        "{\"version\": 1, \"data\": [{\"text\": \"x\", \"label\": 1}, {\"text\": \"y\", \"label\": 0}]}");
  EXPECT_EQ(load(open("wrapped.json"), "dev").examples.size(), 2u);
  write("lines.json", "{\"text\": \"x\", \"label\": 1}\n{\"text\": \"y\", \"label\": 0}\n");
  EXPECT_EQ(load(open("lines.json"), "dev").examples.size(), 2u);
}

}  // namespace
}  // namespace espalier
