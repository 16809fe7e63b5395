#include "model/weight_table.h"

#include "base/error.h"

namespace espalier {

WeightHandle WeightTable::add(const std::string& slot, Weight weight) {
  const WeightHandle handle(next_handle_++);
  auto stored = espalier::share(std::move(weight));
  remove(slot);
  handle_of_slot_[slot] = handle;
  weights_[handle] = std::move(stored);
  return handle;
}

void WeightTable::share(const std::string& slot, const std::string& other) {
  const WeightHandle target = handle(other);
  if (contains(slot) && handle(slot) == target) return;
  remove(slot);
  handle_of_slot_[slot] = target;
}

void WeightTable::replace(const std::string& slot, Weight weight) {
  weights_[handle(slot)] = espalier::share(std::move(weight));
}

void WeightTable::remove(const std::string& slot) {
  const auto bound = handle_of_slot_.find(slot);
  if (bound == handle_of_slot_.end()) return;
  const WeightHandle handle = bound->second;
  handle_of_slot_.erase(bound);
  for (const auto& [name, other] : handle_of_slot_) {
    if (other == handle) return;
  }
  weights_.erase(handle);
}

bool WeightTable::contains(const std::string& slot) const { return handle_of_slot_.contains(slot); }

const Weight& WeightTable::at(const std::string& slot) const { return at(handle(slot)); }

WeightHandle WeightTable::handle(const std::string& slot) const {
  const auto bound = handle_of_slot_.find(slot);
  if (bound == handle_of_slot_.end()) {
    throw Error(ErrorKind::Internal, {"no weight is bound to the slot", slot, "", "a slot of the architecture", ""});
  }
  return bound->second;
}

const Weight& WeightTable::at(WeightHandle handle) const {
  const auto found = weights_.find(handle);
  if (found == weights_.end()) throw Error(ErrorKind::Internal, "a weight handle of another table");
  return *found->second;
}

std::vector<std::string> WeightTable::slots() const {
  std::vector<std::string> names;
  names.reserve(handle_of_slot_.size());
  for (const auto& [name, handle] : handle_of_slot_) names.push_back(name);
  return names;
}

std::vector<std::string> WeightTable::slots_of(WeightHandle handle) const {
  std::vector<std::string> names;
  for (const auto& [name, other] : handle_of_slot_) {
    if (other == handle) names.push_back(name);
  }
  return names;
}

std::vector<std::string> WeightTable::unique_slots() const {
  std::vector<std::string> names;
  std::map<WeightHandle, bool> seen;
  for (const auto& [name, handle] : handle_of_slot_) {
    if (seen.emplace(handle, true).second) names.push_back(name);
  }
  return names;
}

}  // namespace espalier
