#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/boxed_json.h"
#include "base/job_context.h"
#include "model/architecture.h"
#include "model/weight_table.h"
#include "text/tokenizer.h"

namespace espalier {

// A model as plain data. Copying is cheap. Value semantics: a compressor takes one and gives another.
struct Model {
  Architecture architecture;
  WeightTable weights;
  std::vector<TokenizerFile> tokenizer_files;  // carried unread
  BoxedJson provenance;  // an object: "name", "source", "licence", "steps": [{method, settings, seed, ...}]

  const Weight& weight(const std::string& slot) const { return weights.at(slot); }
};

// Checks that every slot of the architecture is bound to a weight of the slot's shape; throws Format listing all
// faults.
void validate(const Model& model, std::string_view where);

// Unique scalars: shared weights once.
int64_t num_parameters(const Model& model);

// The same model with every weight as Dense float32.
Model materialized(const Model& model);

// A short name for a person: provenance "name", or the family and sizes.
std::string display_name(const Model& model);

// --- On disk --------------------------------------------------------------------------------------------------------

// Opens a bundle or a Hugging Face folder (or a file inside one). Tensors stay mapped. Never writes there.
// Refuses what it cannot hold whole, naming missing and unexpected tensors with the nearest known name.
Model open_model(const std::filesystem::path& path);

bool is_bundle(const std::filesystem::path& folder);

// Writes a bundle: `espalier.json`, `model.safetensors`, tokenizer files, `model_card.md`, into a sibling folder that
// is renamed at the end, replacing a bundle of that name; other folders are refused. Same model: same bytes.
void save_bundle(const Model& model, const std::filesystem::path& folder, const CancelToken& cancel = {});

// Bytes of every file of a bundle: the size of the model.
int64_t bundle_bytes(const std::filesystem::path& folder);
// What save_bundle would write, without writing; exact.
int64_t predicted_bundle_bytes(const Model& model);

}  // namespace espalier
