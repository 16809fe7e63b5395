#include "model/model.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

// Faults beyond these are counted only: a checkpoint of another family lacks every name.
constexpr size_t kMaxListed = 12;

void check_form(const Weight& weight, const std::string& slot, std::vector<std::string>& faults) {
  if (const auto* low_rank = weight.as<LowRank>()) {
    const Shape left = shape_of(*low_rank->left);
    const Shape right = shape_of(*low_rank->right);
    if (left.size() != 2 || right.size() != 2 || left[1] != right[0]) {
      faults.push_back(
          fmt::format("{}: factors {} and {} cannot be multiplied", slot, to_string(left), to_string(right)));
    }
  }
  if (const auto* dense = weight.as<Dense>(); dense != nullptr && !is_floating(dense->values.dtype())) {
    faults.push_back(fmt::format("{}: values of type {}", slot, to_string(dense->values.dtype())));
  }
}

}  // namespace

void validate(const Model& model, std::string_view where) {
  std::vector<std::string> faults;
  std::set<std::string> known;
  check_recurrent(model.architecture, std::string(where));
  for (const Slot& slot : slots_of(model.architecture)) {
    known.insert(slot.name);
    if (!model.weights.contains(slot.name)) {
      faults.push_back(slot.name + " is missing");
      continue;
    }
    const Weight& weight = model.weights.at(slot.name);
    check_form(weight, slot.name, faults);
    const Shape shape = shape_of(weight);
    if (shape != slot.shape) {
      faults.push_back(
          fmt::format("{} has the shape {}, wanted {}", slot.name, to_string(shape), to_string(slot.shape)));
    }
  }
  for (const std::string& slot : model.weights.slots()) {
    if (!known.contains(slot)) faults.push_back(slot + " has no place in the architecture");
  }
  if (faults.empty()) return;
  const size_t more = faults.size() > kMaxListed ? faults.size() - kMaxListed : 0;
  if (more > 0) faults.resize(kMaxListed);
  std::string list = fmt::format("{}", fmt::join(faults, "; "));
  if (more > 0) list += fmt::format("; and {} more", more);
  throw Error(ErrorKind::Format, {"weights and architecture do not fit: " + list, std::string(where), "",
                                  "one weight of the right shape for every slot", ""});
}

int64_t num_parameters(const Model& model) {
  int64_t count = 0;
  for (const std::string& slot : model.weights.unique_slots()) count += num_parameters(model.weights.at(slot));
  return count;
}

Model materialized(const Model& model) {
  Model dense = model;
  for (const std::string& slot : model.weights.unique_slots()) {
    dense.weights.replace(slot, Dense{materialize(model.weights.at(slot))});
  }
  return dense;
}

std::string display_name(const Model& model) {
  const Json& provenance = *model.provenance;
  if (provenance.is_object() && provenance.contains("name") && provenance["name"].is_string()) {
    const auto name = provenance["name"].get<std::string>();
    if (!name.empty()) return name;
  }
  const Architecture& a = model.architecture;
  return fmt::format("{} {} layers x {}", a.family, a.layers.size(), a.hidden_size);
}

}  // namespace espalier
