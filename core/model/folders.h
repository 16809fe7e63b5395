#pragma once
// The two kinds of folder that hold a model.

#include <filesystem>
#include <vector>

#include "model/model.h"

namespace espalier {

Model open_bundle(const std::filesystem::path& folder);
Model open_hugging_face(const std::filesystem::path& folder);

bool is_hugging_face(const std::filesystem::path& folder);
// Whether opening the file's Hugging Face folder reads this very file, or a shard of this name.
bool is_weight_file(const std::filesystem::path& file);

// Those of tokenizer_file_names() that the folder holds.
std::vector<TokenizerFile> read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace espalier
