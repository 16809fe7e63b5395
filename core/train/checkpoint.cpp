#include "train/checkpoint.h"

#include "base/json.h"
#include "formats/safetensors.h"

namespace espalier {
namespace fs = std::filesystem;
namespace {

fs::path checkpoint_file(const fs::path& folder) { return folder / "checkpoint.safetensors"; }

// The maps of a state by the prefix of their tensors' names.
template <typename State>
auto parts_of(State& state) {
  return std::vector{std::pair{std::string("parameter/"), &state.parameters},
                     std::pair{std::string("first_moment/"), &state.first_moments},
                     std::pair{std::string("second_moment/"), &state.second_moments},
                     std::pair{std::string("best/"), &state.best}};
}

}  // namespace

void save_checkpoint(const fs::path& folder, const TrainState& state, const std::string& fingerprint,
                     const CancelToken& cancel) {
  TensorFile content;
  for (const auto& [prefix, tensors] : parts_of(state)) {
    for (const auto& [name, tensor] : *tensors) content.tensors[prefix + name] = tensor;
  }
  const Json values = {{"step", state.step},
                       {"tokens", state.tokens},
                       {"train_seconds", state.train_seconds},
                       {"last_losses", state.last_losses},
                       {"evaluated", state.evaluated},
                       {"best_metric", state.best_metric},
                       {"best_step", state.best_step},
                       {"evaluations_since_best", state.evaluations_since_best}};
  content.metadata["state"] = values.dump();
  content.metadata["fingerprint"] = fingerprint;
  fs::create_directories(folder);
  write_safetensors(checkpoint_file(folder), content, cancel);
}

std::optional<TrainState> load_checkpoint(const fs::path& folder, const std::string& fingerprint) {
  const fs::path file = checkpoint_file(folder);
  if (!fs::exists(file)) return std::nullopt;
  const TensorFile content = read_safetensors(file);
  const auto found = content.metadata.find("fingerprint");
  const auto text = content.metadata.find("state");
  if (found == content.metadata.end() || found->second != fingerprint || text == content.metadata.end()) {
    return std::nullopt;
  }
  const std::string where = file.string() + ", metadata state";
  const Json values = parse_json(text->second, where);
  TrainState state;
  state.step = json_get<int64_t>(values, "step", where);
  state.tokens = json_get<int64_t>(values, "tokens", where);
  state.train_seconds = json_get<double>(values, "train_seconds", where);
  state.last_losses = json_get<std::vector<double>>(values, "last_losses", where);
  state.evaluated = json_get<bool>(values, "evaluated", where);
  state.best_metric = json_get<double>(values, "best_metric", where);
  state.best_step = json_get<int64_t>(values, "best_step", where);
  state.evaluations_since_best = json_get<int64_t>(values, "evaluations_since_best", where);
  for (const auto& [prefix, tensors] : parts_of(state)) {
    for (const auto& [name, tensor] : content.tensors) {
      if (name.starts_with(prefix)) (*tensors)[name.substr(prefix.size())] = tensor;
    }
  }
  return state;
}

void remove_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(checkpoint_file(folder), ignored);
}

}  // namespace espalier
