#include "measure/attack/wordnet.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <span>

#include "base/error.h"
#include "measure/attack/word_text.h"
#include "measure/blanks.h"
#include "text/aligned_text.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPartNames = {"noun", "verb", "adj", "adv"};
constexpr std::array<unsigned, 4> kParts = {kNoun, kVerb, kAdjective, kAdverb};

// An ending of an inflected word and what stands there in its base form.
struct Ending {
  std::string_view inflected, base;
};
constexpr Ending kNounEndings[] = {{"s", ""},      {"ses", "s"},   {"xes", "x"},   {"zes", "z"},
                                   {"ches", "ch"}, {"shes", "sh"}, {"men", "man"}, {"ies", "y"}};
constexpr Ending kVerbEndings[] = {{"s", ""},   {"ies", "y"}, {"es", "e"},  {"es", ""},
                                   {"ed", "e"}, {"ed", ""},   {"ing", "e"}, {"ing", ""}};
constexpr Ending kAdjectiveEndings[] = {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}};

std::span<const Ending> endings_of(size_t part) {
  switch (kParts[part]) {
    case kNoun:
      return kNounEndings;
    case kVerb:
      return kVerbEndings;
    case kAdjective:
      return kAdjectiveEndings;
    default:
      return {};
  }
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
}

std::string_view line_at(std::string_view text, size_t begin) {
  return text.substr(begin, text.find('\n', begin) - begin);
}

// The line whose first field is `key`, in a file whose lines are sorted by that field; empty when there is none.
std::string_view find_line(std::string_view text, std::string_view key) {
  // The notice at the beginning of the files stands under an empty field.
  if (key.empty()) return {};
  size_t low = 0, high = text.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    // The line that holds the middle.
    const size_t before = middle == 0 ? std::string_view::npos : text.rfind('\n', middle - 1);
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    const std::string_view line = line_at(text, begin);
    const std::string_view field = line.substr(0, line.find(' '));
    if (field == key) return line;
    if (field < key) {
      low = begin + line.size() + 1;
    } else {
      high = begin;
    }
  }
  return {};
}

std::optional<size_t> number_from(std::string_view text, int base) {
  size_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void throw_damaged(std::string_view line) {
  throw Error(ErrorKind::Format, {.what = "the WordNet database is damaged",
                                  .where = {},
                                  .got = std::string(line.substr(0, 60)),
                                  .wanted = "a line of an index or data file",
                                  .next = "Install it again: Debian package wordnet-base."});
}

// Offsets of the synsets of an index line: lemma, part, synsets, pointers p, p symbols, senses, tagged, offsets.
std::vector<size_t> synset_offsets(std::string_view line) {
  const std::vector<std::string> fields = split_at_blanks(line);
  if (fields.size() < 4) throw_damaged(line);
  const auto synsets = number_from(fields[2], 10), pointers = number_from(fields[3], 10);
  if (!synsets || !pointers || *pointers > fields.size() || fields.size() != 6 + *pointers + *synsets) {
    throw_damaged(line);
  }
  std::vector<size_t> offsets;
  for (size_t i = 6 + *pointers; i < fields.size(); ++i) {
    const auto offset = number_from(fields[i], 10);
    if (!offset) throw_damaged(line);
    offsets.push_back(*offset);
  }
  return offsets;
}

// Words of a data line: offset, file, type, words w (hexadecimal), w pairs of word and number, ...
std::vector<std::string> synset_words(std::string_view line) {
  const std::vector<std::string> fields = split_at_blanks(line.substr(0, line.find(" | ")));
  const auto count = fields.size() < 4 ? std::nullopt : number_from(fields[3], 16);
  if (!count || *count > fields.size() || fields.size() < 4 + 2 * *count) throw_damaged(line);
  std::vector<std::string> words;
  for (size_t i = 0; i < *count; ++i) {
    const std::string& word = fields[4 + 2 * i];
    // Adjectives may carry where they stand: "galore(ip)".
    words.push_back(lower_cased(std::string_view(word).substr(0, word.find('('))));
  }
  return words;
}

bool is_single_word(const std::string& word) { return word.find_first_of("_ 0123456789.") == std::string::npos; }

}  // namespace

WordNet::WordNet(const fs::path& folder) {
  for (size_t part = 0; part < parts_.size(); ++part) {
    const std::string name(kPartNames[part]);
    parts_[part].index = map_file(folder / ("index." + name));
    parts_[part].data = map_file(folder / ("data." + name));
    const fs::path exceptions = folder / (name + ".exc");
    if (fs::exists(exceptions)) parts_[part].exceptions = map_file(exceptions);
  }
}

std::optional<fs::path> WordNet::installed_folder() {
  const char* chosen = std::getenv("WNSEARCHDIR");
  const fs::path folder = chosen != nullptr && *chosen != '\0' ? fs::path(chosen) : fs::path("/usr/share/wordnet");
  std::error_code error;
  if (!fs::exists(folder / "index.noun", error)) return std::nullopt;
  return folder;
}

std::vector<std::string> WordNet::base_forms(size_t part, const std::string& word) const {
  const std::string_view index = text_of(parts_[part].index);
  std::vector<std::string> forms;
  const auto add = [&](const std::string& form) {
    if (std::ranges::find(forms, form) == forms.end() && !find_line(index, form).empty()) forms.push_back(form);
  };
  add(word);
  const std::vector<std::string> exception = split_at_blanks(find_line(text_of(parts_[part].exceptions), word));
  for (size_t i = 1; i < exception.size(); ++i) add(exception[i]);
  for (const Ending& ending : endings_of(part)) {
    if (word.size() <= ending.inflected.size() || !word.ends_with(ending.inflected)) continue;
    std::string form = word.substr(0, word.size() - ending.inflected.size());
    form += ending.base;
    add(form);
  }
  return forms;
}

unsigned WordNet::parts_of_speech(const std::string& word) const {
  unsigned found = 0;
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (!base_forms(part, word).empty()) found |= kParts[part];
  }
  return found;
}

std::vector<std::string> WordNet::synonyms(const std::string& word) const {
  std::vector<std::string> found;
  std::set<std::string> seen = {word};
  for (size_t part = 0; part < parts_.size(); ++part) {
    const std::string_view index = text_of(parts_[part].index), data = text_of(parts_[part].data);
    for (const std::string& form : base_forms(part, word)) {
      seen.insert(form);
      for (const size_t offset : synset_offsets(find_line(index, form))) {
        if (offset >= data.size()) throw_damaged(find_line(index, form));
        for (const std::string& other : synset_words(line_at(data, offset))) {
          if (is_single_word(other) && seen.insert(other).second) found.push_back(other);
        }
      }
    }
  }
  return found;
}

bool same_part_of_speech(unsigned a, unsigned b) {
  const auto swapped = [](unsigned parts) { return (parts & (kNoun | kVerb)) != 0 ? parts | kNoun | kVerb : parts; };
  return a == 0 && b == 0 ? true : (swapped(a) & swapped(b)) != 0;
}

std::vector<std::string> WordNetCandidates::candidates(const std::string& word, size_t limit) const {
  const unsigned parts = wordnet_.parts_of_speech(word);
  std::vector<std::string> kept;
  for (std::string& other : wordnet_.synonyms(word)) {
    if (kept.size() == limit) break;
    if (same_part_of_speech(parts, wordnet_.parts_of_speech(other))) kept.push_back(std::move(other));
  }
  return kept;
}

}  // namespace espalier
