#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/index.h"
#include "model/weight.h"

namespace espalier {

using WeightHandle = Index<struct WeightHandleTag>;

// Binds slots to weights. Sharing is two slots with one handle: layers that share, tied embeddings. There is no other
// record of sharing. Copying a table is cheap: weights are immutable and shared.
class WeightTable {
 public:
  // Stores a weight under a new handle and binds the slot to it (rebinding if it was bound).
  WeightHandle add(const std::string& slot, Weight weight);
  // Binds `slot` to what `other` is bound to.
  void share(const std::string& slot, const std::string& other);
  // Replaces the weight of the slot's handle: every slot that shares it sees the new one.
  void replace(const std::string& slot, Weight weight);
  // Unbinds; the weight goes when nothing is bound to it.
  void remove(const std::string& slot);

  bool contains(const std::string& slot) const;
  // Throws Internal naming the slot when it is not bound.
  const Weight& at(const std::string& slot) const;
  WeightHandle handle(const std::string& slot) const;
  const Weight& at(WeightHandle handle) const;

  std::vector<std::string> slots() const;                        // sorted by name
  std::vector<std::string> slots_of(WeightHandle handle) const;  // sorted by name
  // One representative slot (the first by name) of every weight in use, sorted.
  std::vector<std::string> unique_slots() const;

 private:
  std::map<std::string, WeightHandle> handle_of_slot_;
  std::map<WeightHandle, WeightPtr> weights_;
  int32_t next_handle_ = 0;
};

}  // namespace espalier
