#include "measure/benchmarks/efficientqa.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "measure/answers.h"
#include "measure/benchmarks/json_lines.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr double kLeastAccuracy = 0.25;

}  // namespace

std::string_view to_string(QaTrack track) {
  switch (track) {
    case QaTrack::Unrestricted:
      return "unrestricted";
    case QaTrack::Below6Gb:
      return "6GB";
    case QaTrack::Below500Mb:
      return "500MB";
    case QaTrack::Smallest25:
      break;
  }
  return "smallest-25";
}

const std::vector<QaTrack>& qa_tracks() {
  static const std::vector<QaTrack> tracks = {QaTrack::Unrestricted, QaTrack::Below6Gb, QaTrack::Below500Mb,
                                              QaTrack::Smallest25};
  return tracks;
}

std::vector<QaSystem> rank_qa(QaTrack track, std::vector<QaSystem> systems) {
  std::erase_if(systems, [&](const QaSystem& system) {
    switch (track) {
      case QaTrack::Unrestricted:
        return false;
      case QaTrack::Below6Gb:
        return system.bytes > 6'000'000'000;
      case QaTrack::Below500Mb:
        return system.bytes > 500'000'000;
      case QaTrack::Smallest25:
        break;
    }
    return system.accuracy < kLeastAccuracy;
  });
  std::ranges::sort(systems, [&](const QaSystem& a, const QaSystem& b) {
    if (track == QaTrack::Smallest25)
      return std::tie(a.bytes, b.accuracy, a.name) < std::tie(b.bytes, a.accuracy, b.name);
    return std::tie(b.accuracy, a.bytes, a.name) < std::tie(a.accuracy, b.bytes, b.name);
  });
  return systems;
}

int64_t system_bytes(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorKind::Io, {.what = "the folder of a packaged system is not there",
                                .where = folder.string(),
                                .got = {},
                                .wanted = "a folder with everything that the system needs",
                                .next = {}});
  }
  int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

Interval qa_accuracy(const fs::path& predictions, const fs::path& gold) {
  std::map<std::string, std::string> said;
  for_each_json_line(predictions, [&](const Json& line, const std::string& where) {
    said[json_get<std::string>(line, "question", where)] = json_get<std::string>(line, "prediction", where);
  });
  int64_t hits = 0, count = 0;
  for_each_json_line(gold, [&](const Json& line, const std::string& where) {
    const auto found = said.find(json_get<std::string>(line, "question", where));
    if (found == said.end()) throw_unmatched_example("a question has no prediction", where);
    hits += best_score(found->second, json_get<std::vector<std::string>>(line, "answer", where)).exact > 0;
    ++count;
  });
  if (count == 0) throw_unmatched_example("there are no questions", gold.string());
  return proportion(hits, count);
}

QaSystem read_qa_system(const fs::path& file, const fs::path& gold) {
  const std::string where = file.string();
  const Json json = read_json_file(file);
  QaSystem system;
  system.name = json_get_or(json, "name", file.stem().string(), where);
  const bool has_folder = json.contains("folder"), has_predictions = json.contains("predictions");
  system.bytes = has_folder ? system_bytes(file.parent_path() / json_get<std::string>(json, "folder", where))
                            : json_get<int64_t>(json, "bytes", where);
  if (has_predictions && gold.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "predictions need gold answers",
                                          .where = where,
                                          .got = {},
                                          .wanted = "a JSONL file of questions and answers",
                                          .next = "Give it with --gold FILE."});
  }
  system.accuracy =
      has_predictions ? qa_accuracy(file.parent_path() / json_get<std::string>(json, "predictions", where), gold).value
                      : json_get<double>(json, "accuracy", where);
  if (system.bytes < 0 || !(system.accuracy >= 0 && system.accuracy <= 1)) {
    throw Error(ErrorKind::InvalidInput, {.what = "a system's figures are impossible",
                                          .where = where,
                                          .got = fmt::format("{} bytes, accuracy {}", system.bytes, system.accuracy),
                                          .wanted = "bytes of at least 0 and an accuracy from 0 to 1",
                                          .next = {}});
  }
  return system;
}

}  // namespace espalier
