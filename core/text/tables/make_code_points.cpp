// Writes the tables of code_points.cpp from what ICU knows: make_code_points FILE.

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr UChar32 kCodes = 0x110000;
constexpr UChar32 kBlockSize = 128;
constexpr UChar32 kFirstSyllable = 0xAC00, kLastSyllable = 0xD7A3;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "make_code_points: %s\n", what.c_str());
  std::exit(1);
}

const UNormalizer2* normalizer(bool compatible) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* found = compatible ? unorm2_getNFKCInstance(&status) : unorm2_getNFCInstance(&status);
  if (U_FAILURE(status)) fail("ICU has no normalization data");
  return found;
}

std::vector<UChar32> decomposition(UChar32 code, bool compatible) {
  if (code >= kFirstSyllable && code <= kLastSyllable) return {};
  std::array<UChar, 64> units{};
  UErrorCode status = U_ZERO_ERROR;
  const int32_t length =
      unorm2_getDecomposition(normalizer(compatible), code, units.data(), static_cast<int32_t>(units.size()), &status);
  if (length >= 0 && U_FAILURE(status)) fail("a decomposition is longer than expected");
  std::vector<UChar32> parts;
  for (int32_t i = 0; i < length;) {
    UChar32 part = 0;
    U16_NEXT(units.data(), i, length, part);
    parts.push_back(part);
  }
  return parts;
}

const char* break_name(UChar32 code) {
  switch (u_getIntPropertyValue(code, UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    case U_GCB_CR:
      return "Cr";
    case U_GCB_LF:
      return "Lf";
    case U_GCB_CONTROL:
      return "Control";
    case U_GCB_EXTEND:
      return "Extend";
    case U_GCB_ZWJ:
      return "Zwj";
    case U_GCB_REGIONAL_INDICATOR:
      return "Regional";
    case U_GCB_PREPEND:
      return "Prepend";
    case U_GCB_SPACING_MARK:
      return "SpacingMark";
    case U_GCB_L:
      return "L";
    case U_GCB_V:
      return "V";
    case U_GCB_T:
      return "T";
    case U_GCB_LV:
      return "Lv";
    case U_GCB_LVT:
      return "Lvt";
    default:
      return "Other";
  }
}

// Where each distinct sequence lies in one list.
class Sequences {
 public:
  size_t offset(const std::vector<UChar32>& sequence) {
    if (sequence.empty()) return 0;
    const auto [found, is_new] = offsets_.emplace(sequence, all_.size());
    if (is_new) all_.insert(all_.end(), sequence.begin(), sequence.end());
    return found->second;
  }
  const std::vector<UChar32>& all() const { return all_; }

 private:
  std::map<std::vector<UChar32>, size_t> offsets_;
  std::vector<UChar32> all_;
};

std::string facts_text(UChar32 code, Sequences& sequences) {
  UVersionInfo version;
  u_charAge(code, version);
  const std::vector<UChar32> canonical = decomposition(code, false);
  const std::vector<UChar32> compatible = decomposition(code, true);
  // The categories of ICU and of code_points.h stand in one order.
  std::string text = "{Category{" + std::to_string(u_charType(code)) + "}, " + std::to_string(version[0]) + ", " +
                     std::to_string(u_getCombiningClass(code)) + ", Break::" + break_name(code);
  for (const bool flag :
       {u_isUWhiteSpace(code) != 0, u_isUAlphabetic(code) != 0, u_hasBinaryProperty(code, UCHAR_JOIN_CONTROL) != 0,
        u_hasBinaryProperty(code, UCHAR_EXTENDED_PICTOGRAPHIC) != 0}) {
    text += flag ? ", true" : ", false";
  }
  text += ", " + std::to_string(u_tolower(code) - code);
  for (const size_t number :
       {sequences.offset(canonical), sequences.offset(compatible), canonical.size(), compatible.size()}) {
    text += ", " + std::to_string(number);
  }
  return text + "}";
}

template <typename T>
void write_numbers(std::ofstream& out, const char* type, const char* name, const std::vector<T>& numbers) {
  out << "constexpr " << type << " " << name << "[] = {";
  for (size_t i = 0; i < numbers.size(); ++i) out << (i % 24 == 0 ? "\n" : "") << numbers[i] << ",";
  out << "};\n";
}

void write_compositions(std::ofstream& out) {
  std::map<std::pair<UChar32, UChar32>, UChar32> pairs;
  for (UChar32 code = 0; code < kCodes; ++code) {
    if (code >= kFirstSyllable && code <= kLastSyllable) continue;
    std::array<UChar, 64> units{};
    UErrorCode status = U_ZERO_ERROR;
    const int32_t length =
        unorm2_getRawDecomposition(normalizer(false), code, units.data(), static_cast<int32_t>(units.size()), &status);
    if (length <= 0) continue;
    int32_t at = 0;
    UChar32 first = 0;
    UChar32 second = 0;
    U16_NEXT(units.data(), at, length, first);
    if (at == length) continue;
    U16_NEXT(units.data(), at, length, second);
    if (at == length && unorm2_composePair(normalizer(false), first, second) == code) pairs[{first, second}] = code;
  }
  out << "constexpr Composition kCompositions[] = {\n";
  for (const auto& [pair, both] : pairs) out << "{" << pair.first << "," << pair.second << "," << both << "},\n";
  out << "};\n";
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail("one argument is needed: the file to write");
  std::ofstream out(arguments[1]);

  Sequences sequences;
  std::map<std::string, size_t> known;
  std::vector<std::string> facts;
  const auto index_of = [&](const std::string& text) {
    const auto [found, is_new] = known.emplace(text, facts.size());
    if (is_new) facts.push_back(text);
    return found->second;
  };
  index_of("{}");

  std::map<std::vector<size_t>, size_t> block_numbers;
  std::vector<size_t> blocks;
  std::vector<size_t> indexes;
  for (UChar32 begin = 0; begin < kCodes; begin += kBlockSize) {
    std::vector<size_t> block;
    for (UChar32 code = begin; code < begin + kBlockSize; ++code)
      block.push_back(index_of(facts_text(code, sequences)));
    const auto [found, is_new] = block_numbers.emplace(block, block_numbers.size());
    if (is_new) indexes.insert(indexes.end(), block.begin(), block.end());
    blocks.push_back(found->second);
  }
  if (facts.size() > 0xFFFF || block_numbers.size() > 0xFFFF || sequences.all().size() > 0xFFFF) {
    fail("the tables need wider numbers");
  }

  out << "// Written by make_code_points from ICU " U_ICU_VERSION ".\n"
      << "constexpr const char* kUnicodeVersion = \"" U_UNICODE_VERSION "\";\n"
      << "constexpr char32_t kBlockSize = " << kBlockSize << ";\n";
  write_numbers(out, "uint16_t", "kBlocks", blocks);
  write_numbers(out, "uint16_t", "kIndexes", indexes);
  write_numbers(out, "char32_t", "kDecompositions", sequences.all());
  out << "constexpr Facts kFacts[] = {\n";
  for (const std::string& text : facts) out << text << ",\n";
  out << "};\n";
  write_compositions(out);
  out.flush();
  if (!out) fail(std::string("cannot write ") + arguments[1]);
  return 0;
}
