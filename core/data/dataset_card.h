#pragma once
#include <filesystem>
#include <string>

#include "data/task.h"

namespace espalier {

// What lies beside the files of a data set and says whose they are and how to read them.
struct DatasetCard {
  std::string name;
  Provenance provenance;
  TaskOptions options;
};

// espalier-dataset.json: {"name", "licence", "source", "checksum", and members of TaskOptions ("text_column", "labels",
// "kind", ...)}, all optional. Where it is missing or silent, the licence is taken from the head of README.md
// ("license: mit" between lines of "---"). A card that cannot be read is a Format error.
DatasetCard read_dataset_card(const std::filesystem::path& folder);
void write_dataset_card(const std::filesystem::path& folder, const DatasetCard& card);

inline constexpr const char* kDatasetCardName = "espalier-dataset.json";

// `options` where they say something, else `otherwise`.
TaskOptions merged(const TaskOptions& options, const TaskOptions& otherwise);

}  // namespace espalier
