// A Hugging Face folder: config.json says what the model is, safetensors files or torch checkpoints hold its weights
// under the family's names.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/unicode.h"
#include "formats/atomic_file.h"
#include "formats/safetensors.h"
#include "formats/torch_file.h"
#include "model/families/family.h"
#include "model/families/generation_config.h"
#include "model/folders.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxListed = 12;

bool has_file(const fs::path& folder, const char* name) {
  std::error_code ignored;
  return fs::is_regular_file(folder / name, ignored);
}

// Weights of every kind that a folder may hold, the one to be read first in front.
struct WeightFile {
  const char* name;
  TensorFile (*read)(const fs::path& file);
  bool sharded;
};

constexpr WeightFile kWeightFiles[] = {{"model.safetensors", read_safetensors, false},
                                       {"model.safetensors.index.json", read_safetensors, true},
                                       {"pytorch_model.bin", read_torch, false},
                                       {"pytorch_model.bin.index.json", read_torch, true}};

TensorFile read_tensors(const fs::path& folder) {
  std::vector<std::string> names;
  for (const WeightFile& weights : kWeightFiles) {
    const fs::path file = folder / weights.name;
    if (has_file(folder, weights.name)) return weights.sharded ? read_sharded(file, weights.read) : weights.read(file);
    names.emplace_back(weights.name);
  }
  throw Error(ErrorKind::InvalidInput, {"the folder holds no weights", folder.string(),
                                        fmt::format("none of {}", fmt::join(names, ", ")), "one of these files", ""});
}

const Family& family_of(const Json& config, const std::string& where) {
  std::vector<std::string> known;
  for (const Family& family : families()) {
    if (family.recognises(config)) return family;
    known.push_back(family.id);
  }
  const auto found = config.is_object() ? config.find("model_type") : config.end();
  const bool named = config.is_object() && found != config.end();
  throw Error(ErrorKind::Unsupported,
              {"a model family that is not supported", where,
               named ? found->dump(-1, ' ', false, Json::error_handler_t::replace) : "no \"model_type\"",
               fmt::format("one of {}", fmt::join(known, ", ")), ""});
}

// Everything wrong between what the architecture needs and what the files hold, in one message.
class Faults {
 public:
  void missing(const SlotNames& slot, const std::vector<std::string>& unused) {
    const std::string& name = slot.checkpoint_names.front();
    const std::string near = nearest_name(name, unused);
    missing_.push_back(near.empty() ? name : fmt::format("{} (nearest: {})", name, near));
  }
  void unexpected(const std::string& name, const std::vector<std::string>& known) {
    const std::string near = nearest_name(name, known);
    unexpected_.push_back(near.empty() ? name : fmt::format("{} (nearest: {})", name, near));
  }
  void misfit(const std::string& name, const std::string& got, const std::string& wanted) {
    misfit_.push_back(fmt::format("{} is {}, wanted {}", name, got, wanted));
  }
  void throw_if_any(const std::string& where) const {
    std::vector<std::string> parts;
    add(parts, "missing", missing_);
    add(parts, "unexpected", unexpected_);
    add(parts, "of another shape or type", misfit_);
    if (parts.empty()) return;
    throw Error(ErrorKind::Format,
                {fmt::format("the tensors do not fit config.json; {}", fmt::join(parts, "; ")), where, "",
                 "exactly the tensors of the architecture", "Weights and config.json must belong to the same model."});
  }

 private:
  static void add(std::vector<std::string>& parts, const char* title, const std::vector<std::string>& names) {
    if (names.empty()) return;
    const std::vector<std::string> shown(names.begin(),
                                         names.begin() + static_cast<ptrdiff_t>(std::min(kMaxListed, names.size())));
    std::string part = fmt::format("{} {}: {}", names.size(), title, fmt::join(shown, ", "));
    if (names.size() > kMaxListed) part += fmt::format(", and {} more", names.size() - kMaxListed);
    parts.push_back(std::move(part));
  }

  std::vector<std::string> missing_, unexpected_, misfit_;
};

// The first name of the slot that is there; further names of it with the same bytes are copies and count as used.
const Tensor* find_tensor(const SlotNames& slot, const std::map<std::string, Tensor>& tensors,
                          std::set<std::string>& used, std::string& found_name) {
  const Tensor* found = nullptr;
  for (const std::string& name : slot.checkpoint_names) {
    const auto tensor = tensors.find(name);
    if (tensor == tensors.end()) continue;
    if (found == nullptr) {
      found = &tensor->second;
      found_name = name;
      used.insert(name);
    } else if (bit_equal(*found, tensor->second)) {
      used.insert(name);
    }
  }
  return found;
}

// The slot's tensor out of the checkpoint's: itself, or a copy of what the slot says. Unchanged where it does not fit.
Tensor arranged(const Tensor& tensor, const SlotNames& slot, const Shape& wanted) {
  if (wanted.size() == 1 && tensor.shape() == Shape{1, wanted[0]}) return tensor.reshaped(wanted);
  if (!slot.transposed && slot.parts == 1) return tensor;
  const bool matrix = tensor.dim() == 2;
  const int64_t rows = matrix && slot.transposed ? tensor.size(1) : (tensor.dim() > 0 ? tensor.size(0) : 0);
  if (tensor.dim() < 1 || tensor.dim() > 2 || rows % slot.parts != 0) return tensor;
  const int64_t columns = matrix ? tensor.numel() / std::max<int64_t>(rows, 1) : 1;
  const bool transposed = matrix && slot.transposed;
  const size_t width = size_of(tensor.dtype());
  const int64_t kept = rows / slot.parts;
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(kept * columns) * width);
  for (int64_t r = 0; r < kept; ++r) {
    const int64_t row = slot.part * kept + r;
    for (int64_t c = 0; c < columns; ++c) {
      const auto from = static_cast<size_t>(transposed ? c * rows + row : row * columns + c) * width;
      std::copy_n(tensor.bytes().data() + from, width, bytes->data() + static_cast<size_t>(r * columns + c) * width);
    }
  }
  const Shape shape = matrix ? Shape{kept, columns} : Shape{kept};
  return Tensor(tensor.dtype(), shape, {bytes->data(), bytes->size()}, bytes);
}

WeightTable bind_weights(const Family& family, const Architecture& architecture, const Json& config,
                         const std::map<std::string, Tensor>& tensors, const std::string& where) {
  std::map<std::string, Shape> shapes;
  for (const Slot& slot : slots_of(architecture)) shapes[slot.name] = slot.shape;
  WeightTable weights;
  Faults faults;
  std::set<std::string> used;
  std::vector<SlotNames> missing;
  std::vector<std::string> known;
  for (const SlotNames& slot : family.slot_names(architecture, config)) {
    known.push_back(slot.checkpoint_names.front());
    std::string name;
    const Tensor* stored = find_tensor(slot, tensors, used, name);
    std::optional<Tensor> tensor;
    if (stored != nullptr) tensor = arranged(*stored, slot, shapes.at(slot.slot));
    const Weight* twin = !slot.tied_to.empty() && weights.contains(slot.tied_to) ? &weights.at(slot.tied_to) : nullptr;
    const bool tied = twin != nullptr && (!tensor || bit_equal(*tensor, twin->as<Dense>()->values));
    if (tied) {
      weights.share(slot.slot, slot.tied_to);
    } else if (!tensor) {
      missing.push_back(slot);
    } else if (tensor->shape() != shapes.at(slot.slot)) {
      faults.misfit(name, to_string(tensor->shape()), to_string(shapes.at(slot.slot)));
    } else if (!is_floating(tensor->dtype())) {
      faults.misfit(name, std::string(to_string(tensor->dtype())), "F64, F32, F16 or BF16");
    } else {
      weights.add(slot.slot, Dense{*tensor});
    }
  }
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : tensors) {
    if (!used.contains(name) && !family.ignorable(name)) unused.push_back(name);
  }
  for (const SlotNames& slot : missing) faults.missing(slot, unused);
  for (const std::string& name : unused) faults.unexpected(name, known);
  faults.throw_if_any(where);
  return weights;
}

}  // namespace

bool is_hugging_face(const fs::path& folder) { return has_file(folder, "config.json"); }

bool is_weight_file(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const WeightFile& weights : kWeightFiles) {
    if (!has_file(file.parent_path(), weights.name)) continue;
    // "model.safetensors", or "model-00001-of-00002.safetensors" beside an index.
    const std::string_view whole(weights.name);
    const std::string stem(whole.substr(0, whole.find('.')));
    return weights.sharded ? name == whole || name.starts_with(stem + "-") : name == whole;
  }
  return false;
}

std::vector<TokenizerFile> read_tokenizer_files(const fs::path& folder) {
  std::vector<TokenizerFile> files;
  for (const std::string& name : tokenizer_file_names()) {
    if (!has_file(folder, name.c_str())) continue;
    files.push_back({name, std::make_shared<const std::string>(read_file(folder / name))});
  }
  return files;
}

Model open_hugging_face(const fs::path& folder) {
  const std::string where = (folder / "config.json").string();
  const Json config = read_json_file(folder / "config.json", size_t{1} << 26);
  const Family& family = family_of(config, where);
  const TensorFile file = read_tensors(folder);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors) names.push_back(name);
  Model model;
  model.architecture = family.read_config(config, names, where);
  if (model.architecture.head.kind == HeadKind::LanguageModel) {
    const bool separate = has_file(folder, "generation_config.json");
    model.architecture.generation =
        read_generation(config, separate ? read_json_file(folder / "generation_config.json", size_t{1} << 26) : config,
                        (folder / "generation_config.json").string());
  }
  model.weights = bind_weights(family, model.architecture, config, file.tensors, folder.string());
  model.tokenizer_files = read_tokenizer_files(folder);
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const std::string name = printable_utf8((whole.has_filename() ? whole : whole.parent_path()).filename().string());
  *model.provenance = {{"name", name},
                       {"source", json_get_or<std::string>(config, "_name_or_path", name, where)},
                       {"steps", Json::array()}};
  if (!file.passed_over.empty()) (*model.provenance)["passed_over"] = file.passed_over;
  validate(model, folder.string());
  return model;
}

}  // namespace espalier
