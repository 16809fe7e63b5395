#include "data/dataset_card.h"

#include "base/error.h"
#include "base/json.h"
#include "data/source_text.h"
#include "formats/atomic_file.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxCardBytes = size_t{1} << 20;
constexpr int64_t kMaxHeadLines = 200;

std::string without_quotes(std::string_view text) {
  text = without_blanks(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

// The member of a README's head, alone on its line or as the first entry of the list below it.
std::string member_of_readme(const fs::path& readme, std::string_view member) {
  std::error_code error;
  if (!fs::is_regular_file(readme, error)) return "";
  LineReader reader(read_source_text(readme));
  std::string_view line;
  if (!reader.next(line) || without_blanks(line) != "---") return "";
  while (reader.number() < kMaxHeadLines && reader.next(line) && without_blanks(line) != "---") {
    if (!line.starts_with(member) || !line.substr(member.size()).starts_with(':')) continue;
    const std::string value = without_quotes(line.substr(member.size() + 1));
    if (!value.empty() || !reader.next(line)) return value;
    const std::string_view entry = without_blanks(line);
    return entry.starts_with("- ") ? without_quotes(entry.substr(2)) : "";
  }
  return "";
}

}  // namespace

DatasetCard read_dataset_card(const fs::path& folder) {
  DatasetCard card;
  const fs::path file = folder / kDatasetCardName;
  std::error_code error;
  if (fs::is_regular_file(file, error)) {
    Json json = read_json_file(file, kMaxCardBytes);
    const std::string where = file.string();
    card.name = json_get_or(json, "name", std::string(), where);
    card.provenance.licence = json_get_or(json, "licence", std::string(), where);
    card.provenance.source = json_get_or(json, "source", std::string(), where);
    card.provenance.checksum = json_get_or(json, "checksum", std::string(), where);
    for (const char* member : {"name", "licence", "source", "checksum"}) json.erase(member);
    card.options = task_options_from_json(json, where);
  }
  if (card.provenance.licence.empty()) card.provenance.licence = member_of_readme(folder / "README.md", "license");
  return card;
}

void write_dataset_card(const fs::path& folder, const DatasetCard& card) {
  Json json = to_json(card.options);
  const auto add = [&](const char* member, const std::string& value) {
    if (!value.empty()) json[member] = value;
  };
  add("name", card.name);
  add("licence", card.provenance.licence);
  add("source", card.provenance.source);
  add("checksum", card.provenance.checksum);
  write_file_atomically(folder / kDatasetCardName, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

TaskOptions merged(const TaskOptions& options, const TaskOptions& otherwise) {
  Json all = to_json(otherwise);
  all.update(to_json(options));
  return task_options_from_json(all, "options of the task");
}

}  // namespace espalier
