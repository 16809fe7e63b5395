#pragma once
#include <string>
#include <vector>

#include "model/families/family.h"

namespace espalier {

// Collects the checkpoint names of slots.
class NameList {
 public:
  // `prefixes`: what names of the body may begin with, most usual first. `biases`: whether linears of layers have them.
  explicit NameList(std::vector<std::string> prefixes, bool biases = true)
      : prefixes_(std::move(prefixes)), biases_(biases) {}

  // Weight and bias of a linear inside the body, in order.
  void linear(const std::string& slot_path, const std::string& path);
  // Of a layer norm; the first releases say gamma and beta. Without `bias` the weight alone.
  void norm(const std::string& slot_path, const std::string& path, bool bias = true);
  void weight(const std::string& slot_path, const std::string& path);
  // The same outside the body, where names have no prefix.
  void outer_linear(const std::string& slot_path, const std::string& path, bool bias = true);
  void outer_norm(const std::string& slot_path, const std::string& path);
  void add(SlotNames names) { list_.push_back(std::move(names)); }
  // The slot added last may be missing, or the same as `other`: then it shares the weight of that slot.
  void tie(const std::string& other) { list_.back().tied_to = other; }

  // Every slot whose name begins with `slot_prefix` shares with the same slot under `other_prefix`.
  void tie_all(const std::string& slot_prefix, const std::string& other_prefix);
  std::vector<std::string> with_prefixes(const std::vector<std::string>& paths) const;
  std::vector<SlotNames> take() { return std::move(list_); }

 private:
  std::vector<std::string> prefixes_;
  bool biases_;
  std::vector<SlotNames> list_;
};

// Path of a module in the slots of a layer and in the checkpoint.
struct ModuleName {
  const char* slot;
  const char* checkpoint;
};

// The rest of a name after the first of these prefixes that it begins with.
std::string_view without_prefix(const std::string& name, const std::vector<std::string>& prefixes);

// A head that is one linear on the hidden states under the usual names.
void add_plain_head(NameList& names, HeadKind kind);

class ConfigReader;

// The heads that most encoders have, by the tensors that are there: "qa_outputs", `masked_lm` (a tensor that only that
// head has; empty: none), "classifier".
HeadSpec read_encoder_head(const ConfigReader& config, const std::vector<std::string>& tensors,
                           const std::string& masked_lm, const std::string& classifier, int64_t vocab_size);
// The sentence or token head that config.json describes: labels, their number, and whether it is a regression.
HeadSpec read_label_head(const ConfigReader& config);

bool is_sentence_head(HeadKind kind);

}  // namespace espalier
