#include "job_kinds/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json.h"

namespace espalier {
namespace {

constexpr std::string_view kShared = ", shared";

// Multiplications of one row by every number that the form holds.
int64_t stored_macs(const Weight& weight) {
  if (const auto* pair = weight.as<LowRank>()) return stored_macs(*pair->left) + stored_macs(*pair->right);
  return num_elements(shape_of(weight));
}

bool two_of_four(const Masked& masked) {
  const int64_t columns = masked.values.dim() == 2 ? masked.values.size(1) : 0;
  if (columns == 0 || columns % 4 != 0) return false;
  const std::vector<bool> keep = keep_flags(masked);
  for (size_t i = 0; i < keep.size(); i += 4) {
    if (std::count(keep.begin() + static_cast<std::ptrdiff_t>(i), keep.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                   true) != 2) {
      return false;
    }
  }
  return true;
}

bool holds_pattern(const Weight& weight) {
  if (const auto* pair = weight.as<LowRank>()) return holds_pattern(*pair->left) && holds_pattern(*pair->right);
  const auto* masked = weight.as<Masked>();
  return masked != nullptr && two_of_four(*masked);
}

int64_t rank_of(const Weight& weight) {
  const auto* pair = weight.as<LowRank>();
  return pair == nullptr ? 0 : shape_of(*pair->right)[0];
}

// What of a line's weights the reasons are judged by.
struct Content {
  int64_t stored = 0;
  bool low_rank = false, codes = false, pattern = true;
};

Content content_of(LedgerLine& line, const Model& model) {
  Content content;
  for (const std::string& slot : line.now.weights) {
    const Weight& weight = model.weight(slot);
    content.stored += stored_macs(weight);
    line.needed += macs_per_row(weight);
    line.full += num_elements(shape_of(weight));
    content.low_rank |= weight.as<LowRank>() != nullptr;
    content.codes |= weight.as<Quantized>() != nullptr;
    content.pattern &= holds_pattern(weight);
  }
  return content;
}

void find_reasons(LedgerLine& line, const Model& model) {
  if (line.now.multiplications == 0) return;
  const Content content = content_of(line, model);
  if (line.needed < content.stored && line.now.multiplications == content.stored) {
    line.held.push_back(content.pattern ? Held::Pattern : Held::Zeros);
  }
  if (line.now.kernel.ends_with(kShared)) line.held.push_back(Held::Shared);
  if (content.low_rank && line.now.multiplications >= line.full) line.held.push_back(Held::Rank);
  if (content.codes && line.before && line.before->kernel != line.now.kernel &&
      line.before->multiplications == line.now.multiplications) {
    line.held.push_back(Held::Codes);
  }
}

// The lines that have a reason which the step brought.
std::vector<const LedgerLine*> lines_with(const std::vector<LedgerLine>& ledger, Held reason) {
  std::vector<const LedgerLine*> lines;
  for (const LedgerLine& line : ledger) {
    if (line.has(reason) && line.now.kernel != line.kernel_before) lines.push_back(&line);
  }
  return lines;
}

// "encoder.0.ffn.in_proj: float32, oneDNN; and 5 more"
std::string named(const std::vector<const LedgerLine*>& lines) {
  const PlanEntry& first = lines.front()->now;
  const std::string more = lines.size() > 1 ? fmt::format("; and {} more", lines.size() - 1) : "";
  return fmt::format("{}: {}{}", first.slot, first.kernel, more);
}

}  // namespace

std::string_view to_string(Held held) {
  switch (held) {
    case Held::Zeros:
      return "zeros";
    case Held::Pattern:
      return "pattern";
    case Held::Shared:
      return "shared";
    case Held::Rank:
      return "rank";
    case Held::Codes:
      return "codes";
  }
  return "";
}

bool LedgerLine::moved() const {
  return !before || before->kernel != now.kernel || before->resident_bytes != now.resident_bytes ||
         before->multiplications != now.multiplications;
}

bool LedgerLine::has(Held reason) const { return std::ranges::find(held, reason) != held.end(); }

std::vector<LedgerLine> ledger_of(const std::vector<PlanEntry>& plan, const std::vector<PlanEntry>& plan_before,
                                  const Model& model) {
  std::map<std::string, const PlanEntry*> by_slot, by_weight;
  for (const PlanEntry& entry : plan_before) {
    by_slot[entry.slot] = &entry;
    for (const std::string& weight : entry.weights) by_weight[weight] = &entry;
  }
  std::vector<LedgerLine> ledger;
  for (const PlanEntry& entry : plan) {
    LedgerLine line;
    line.now = entry;
    if (const auto found = by_slot.find(entry.slot); found != by_slot.end()) {
      line.before = *found->second;
      line.kernel_before = found->second->kernel;
    } else if (!entry.weights.empty() && by_weight.contains(entry.weights.front())) {
      line.kernel_before = by_weight.at(entry.weights.front())->kernel;
    }
    find_reasons(line, model);
    ledger.push_back(std::move(line));
  }
  return ledger;
}

Json ledger_json(const std::vector<LedgerLine>& ledger) {
  Json lines = Json::array();
  for (const LedgerLine& line : ledger) {
    if (!line.moved() && line.held.empty()) continue;
    Json why = Json::array();
    for (const Held reason : line.held) why.push_back(to_string(reason));
    Json json = {{"slot", line.now.slot},
                 {"kernel", line.now.kernel},
                 {"kernel_before", line.kernel_before},
                 {"resident_bytes", line.now.resident_bytes},
                 {"multiplications", line.now.multiplications},
                 {"needed", line.needed},
                 {"why", why}};
    if (line.before) {
      json["resident_bytes_before"] = line.before->resident_bytes;
      json["multiplications_before"] = line.before->multiplications;
    }
    lines.push_back(std::move(json));
  }
  return lines;
}

std::vector<std::string> ledger_notes(const std::vector<LedgerLine>& ledger, const Model& model) {
  const auto products =
      std::ranges::count_if(ledger, [](const LedgerLine& line) { return line.now.multiplications > 0; });
  std::vector<std::string> notes;
  if (const auto lines = lines_with(ledger, Held::Zeros); !lines.empty()) {
    notes.push_back(
        fmt::format("Zeros are multiplied in {} of {} products: so much is left of them that the dense kernel is the "
                    "faster one ({}). Whole heads or neurons make them faster at once.",
                    lines.size(), products, named(lines)));
  }
  if (const auto lines = lines_with(ledger, Held::Pattern); !lines.empty()) {
    notes.push_back(
        fmt::format("Two of each four weights are left in {} of {} products, and there is no kernel for that pattern "
                    "here: they run dense ({}).",
                    lines.size(), products, named(lines)));
  }
  if (const auto lines = lines_with(ledger, Held::Shared); !lines.empty()) {
    notes.push_back(
        fmt::format("{} of {} products use a weight that is stored once and are still computed at every place ({}).",
                    lines.size(), products, named(lines)));
  }
  if (const auto lines = lines_with(ledger, Held::Rank); !lines.empty()) {
    const LedgerLine& first = *lines.front();
    const Weight& weight = model.weight(first.now.weights.front());
    const Shape shape = shape_of(weight);
    notes.push_back(
        fmt::format("{} of {} products multiply at least what the matrix would: rank {} of {} x {} is not below {}, "
                    "where two factors break even ({}).",
                    lines.size(), products, rank_of(weight), shape[0], shape[1],
                    (shape[0] * shape[1] + shape[0] + shape[1] - 1) / (shape[0] + shape[1]), named(lines)));
  }
  if (const auto lines = lines_with(ledger, Held::Codes); !lines.empty()) {
    notes.push_back(
        fmt::format("Multiply-accumulates did not move in {} of {} products: codes make each multiplication cheaper, "
                    "not fewer ({}).",
                    lines.size(), products, named(lines)));
  }
  return notes;
}

Json plan_json(const std::vector<PlanEntry>& plan) {
  const KernelInfo info = kernel_info();
  Json lines = Json::array();
  for (const PlanEntry& entry : plan) {
    lines.push_back({{"slot", entry.slot},
                     {"kernel", entry.kernel},
                     {"resident_bytes", entry.resident_bytes},
                     {"multiplications", entry.multiplications},
                     {"weights", entry.weights}});
  }
  return {{"kernels", info.instruction_set},
          {"cpu_model", info.cpu_model},
          {"onednn", info.onednn_version},
          {"lines", lines}};
}

std::optional<std::vector<PlanEntry>> plan_from_json(const Json& json) {
  const KernelInfo info = kernel_info();
  try {
    if (json.at("kernels") != info.instruction_set || json.at("cpu_model") != info.cpu_model ||
        json.at("onednn") != info.onednn_version) {
      return std::nullopt;
    }
    std::vector<PlanEntry> plan;
    for (const Json& line : json.at("lines")) {
      plan.push_back({line.at("slot").get<std::string>(), line.at("kernel").get<std::string>(),
                      line.at("resident_bytes").get<int64_t>(), line.at("multiplications").get<int64_t>(),
                      line.at("weights").get<std::vector<std::string>>()});
    }
    return plan;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace espalier
