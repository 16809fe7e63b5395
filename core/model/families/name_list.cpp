#include "model/families/name_list.h"

#include <algorithm>

#include "model/families/config_reader.h"

namespace espalier {

std::vector<std::string> NameList::with_prefixes(const std::vector<std::string>& paths) const {
  std::vector<std::string> names;
  for (const std::string& prefix : prefixes_) {
    for (const std::string& path : paths) names.push_back(prefix + path);
  }
  return names;
}

void NameList::weight(const std::string& slot_path, const std::string& path) {
  add({.slot = slot_path + ".weight", .checkpoint_names = with_prefixes({path + ".weight"})});
}

void NameList::linear(const std::string& slot_path, const std::string& path) {
  weight(slot_path, path);
  if (biases_) add({.slot = slot_path + ".bias", .checkpoint_names = with_prefixes({path + ".bias"})});
}

void NameList::norm(const std::string& slot_path, const std::string& path, bool bias) {
  add({.slot = slot_path + ".weight", .checkpoint_names = with_prefixes({path + ".weight", path + ".gamma"})});
  if (bias) add({.slot = slot_path + ".bias", .checkpoint_names = with_prefixes({path + ".bias", path + ".beta"})});
}

void NameList::outer_linear(const std::string& slot_path, const std::string& path, bool bias) {
  add({.slot = slot_path + ".weight", .checkpoint_names = {path + ".weight"}});
  if (bias) add({.slot = slot_path + ".bias", .checkpoint_names = {path + ".bias"}});
}

void NameList::outer_norm(const std::string& slot_path, const std::string& path) {
  add({.slot = slot_path + ".weight", .checkpoint_names = {path + ".weight", path + ".gamma"}});
  add({.slot = slot_path + ".bias", .checkpoint_names = {path + ".bias", path + ".beta"}});
}

void NameList::tie_all(const std::string& slot_prefix, const std::string& other_prefix) {
  for (SlotNames& names : list_) {
    if (names.slot.starts_with(slot_prefix)) names.tied_to = other_prefix + names.slot.substr(slot_prefix.size());
  }
}

std::string_view without_prefix(const std::string& name, const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (name.starts_with(prefix)) return std::string_view(name).substr(prefix.size());
  }
  return name;
}

void add_plain_head(NameList& names, HeadKind kind) {
  switch (kind) {
    case HeadKind::Classification:
    case HeadKind::Regression:
    case HeadKind::TokenClassification:
      names.outer_linear("head.out", "classifier");
      break;
    case HeadKind::QuestionAnswering:
      names.outer_linear("head.out", "qa_outputs");
      break;
    case HeadKind::None:
    case HeadKind::MaskedLm:
    case HeadKind::LanguageModel:
    case HeadKind::ReplacedToken:
      break;
  }
}

HeadSpec read_label_head(const ConfigReader& config) {
  HeadSpec head;
  head.labels = config.labels();
  head.num_labels = head.labels.empty() ? config.size_or("num_labels", 2, 1, kMaxSize) : std::ssize(head.labels);
  const bool regression = head.num_labels == 1 || config.text_or("problem_type", "") == "regression";
  head.kind = config.names("TokenClassification") ? HeadKind::TokenClassification
              : regression                        ? HeadKind::Regression
                                                  : HeadKind::Classification;
  return head;
}

HeadSpec read_encoder_head(const ConfigReader& config, const std::vector<std::string>& tensors,
                           const std::string& masked_lm, const std::string& classifier, int64_t vocab_size) {
  const auto there = [&](const std::string& name) {
    return std::find(tensors.begin(), tensors.end(), name) != tensors.end();
  };
  HeadSpec head;
  if (there("qa_outputs.weight")) {
    head.kind = HeadKind::QuestionAnswering;
    head.num_labels = 2;
  } else if (!masked_lm.empty() && there(masked_lm)) {
    head.kind = HeadKind::MaskedLm;
    head.num_labels = vocab_size;
  } else if (there(classifier) || there("classifier.weight")) {
    head = read_label_head(config);
  }
  return head;
}

bool is_sentence_head(HeadKind kind) { return kind == HeadKind::Classification || kind == HeadKind::Regression; }

}  // namespace espalier
