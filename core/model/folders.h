#pragma once
// The two kinds of folder that hold a model.

#include <filesystem>
#include <vector>

#include "model/model.h"

namespace espalier {

Model open_bundle(const std::filesystem::path& folder);
Model open_hugging_face(const std::filesystem::path& folder);

bool is_hugging_face(const std::filesystem::path& folder);

// Those of tokenizer_file_names() that the folder holds.
std::vector<TokenizerFile> read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace espalier
