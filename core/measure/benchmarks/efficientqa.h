#pragma once
// EfficientQA (Min 2020, arXiv 2101.00133): open-domain question answering judged together with the bytes of the whole
// system: code, corpus and weights.

#include <filesystem>
#include <string>
#include <vector>

#include "measure/interval.h"

namespace espalier {

struct QaSystem {
  std::string name;
  int64_t bytes = 0;
  double accuracy = 0;  // exact match, 0..1
};

enum class QaTrack { Unrestricted, Below6Gb, Below500Mb, Smallest25 };
std::string_view to_string(QaTrack track);  // "unrestricted", "6GB", "500MB", "smallest-25"
const std::vector<QaTrack>& qa_tracks();

// The systems that qualify, best first. Below6Gb, Below500Mb: at most 6e9 and 5e8 bytes; higher accuracy wins, then
// fewer bytes. Smallest25: accuracy of at least 25 %; fewer bytes win, then higher accuracy. Equal ones by name.
std::vector<QaSystem> rank_qa(QaTrack track, std::vector<QaSystem> systems);

// Bytes of every file below a folder, hidden ones and the targets of links to files included.
int64_t system_bytes(const std::filesystem::path& folder);

// Exact match after normalization with any of the gold answers. Gold: JSONL {"question", "answer": [...]}; predictions:
// JSONL {"question", "prediction"}; every gold question must have one.
Interval qa_accuracy(const std::filesystem::path& predictions, const std::filesystem::path& gold);

// {"name", "bytes" or "folder", "accuracy" or "predictions"}; folder and predictions are relative to the file. `gold`
// is needed for predictions only.
QaSystem read_qa_system(const std::filesystem::path& file, const std::filesystem::path& gold);

}  // namespace espalier
