#include "job_kinds/notes.h"

#include <fmt/format.h>

#include <cmath>

#include "network/runtime.h"

namespace espalier {
namespace {

constexpr double kSameLatency = 0.05;  // share of the time; smaller differences are the machine's
constexpr double kSameBytes = 0.02;
constexpr double kSignificant = 0.05;

struct Forms {
  bool masked = false, quantized = false, low_rank = false, shared = false;
  int64_t embedding_bytes = 0, all_bytes = 0;
};

void look_into(const Weight& weight, Forms& forms) {
  forms.masked |= weight.as<Masked>() != nullptr;
  forms.quantized |= weight.as<Quantized>() != nullptr;
  if (const auto* pair = weight.as<LowRank>()) {
    forms.low_rank = true;
    look_into(*pair->left, forms);
    look_into(*pair->right, forms);
  }
}

Forms forms_of(const Model& model) {
  Forms forms;
  for (const std::string& slot : model.weights.unique_slots()) {
    const Weight& weight = model.weight(slot);
    look_into(weight, forms);
    forms.all_bytes += stored_bytes(weight);
    if (slot.starts_with("embeddings.")) forms.embedding_bytes += stored_bytes(weight);
    const auto users = model.weights.slots_of(model.weights.handle(slot));
    for (const std::string& user : users) forms.shared |= user.starts_with("encoder.") && user != users.front();
  }
  return forms;
}

// How much `member` changed, as a share of what it was; NaN when it was not measured.
double change_of(const std::string& member, const Json& after, const Json& before) {
  if (!after.contains(member) || !before.contains(member)) return std::nan("");
  const double old = before.at(member).get<double>();
  return old == 0 ? std::nan("") : after.at(member).get<double>() / old - 1;
}

// Timed beside the baseline both times, so the drift of the machine between the two rows falls out.
double latency_change(const Json& after, const Json& before) {
  if (!after.contains("speedup")) return std::nan("");
  return before.value("speedup", 1.0) / after.at("speedup").get<double>() - 1;
}

}  // namespace

std::vector<std::string> notes_on(const Json& row, const Json& row_before, const Model& model,
                                  const Model& model_before) {
  std::vector<std::string> notes = runtime_notes(model.architecture);
  const Forms now = forms_of(model), then = forms_of(model_before);
  const double bytes = change_of("bundle_bytes", row, row_before), macs = change_of("macs", row, row_before);
  const double latency = latency_change(row, row_before);
  const bool same_latency = std::abs(latency) < kSameLatency;

  if (now.masked && !then.masked && same_latency) {
    notes.push_back(
        "The latency did not move: so many weights are left that the dense product, zeros and all, is the faster one "
        "for most matrices. The sparse one takes over beyond six zeros in ten (`espalier bench --plan` names the "
        "product of each weight); whole heads or neurons make it faster at once.");
  }
  if (now.shared && !then.shared && macs == 0) {
    notes.push_back(
        "Multiply-accumulates and latency did not move: a shared layer is stored once but still computed at every "
        "place.");
  }
  if (now.quantized && !then.quantized && macs == 0) {
    notes.push_back("Multiply-accumulates did not move: codes make each multiplication cheaper, not fewer.");
  }
  if (now.low_rank && !then.low_rank && bytes > 0) {
    notes.push_back(fmt::format(
        "The bundle grew by {:.0f} %: at this rank the two factors hold more numbers than the matrix.", 100 * bytes));
  }
  if (now.low_rank && !then.low_rank && same_latency && macs < -kSameLatency) {
    notes.push_back(
        "The latency did not move although there is less to multiply: two thin products cost more to start "
        "than one wide one.");
  }
  const double embedding_share =
      now.all_bytes == 0 ? 0 : static_cast<double>(now.embedding_bytes) / static_cast<double>(now.all_bytes);
  if (bytes <= 0 && bytes > -kSameBytes && macs < 0 && embedding_share > 0.5) {
    notes.push_back(
        fmt::format("The bundle hardly shrank: {:.0f} % of its bytes are embeddings, which this step leaves alone.",
                    100 * embedding_share));
  }
  const std::string metric = row.value("metric", "accuracy");
  if (bytes == 0 && macs == 0 && row.value(metric, 0.0) == row_before.value(metric, 0.0)) {
    notes.push_back("Nothing moved: with these settings the step leaves the model as it was.");
  }
  if (row.contains("mcnemar_p") && row.at("mcnemar_p").get<double>() > kSignificant) {
    notes.push_back(
        fmt::format("The accuracy cannot be told apart from the baseline's on {} examples (McNemar p = {:.2f}).",
                    row.value("examples", int64_t{0}), row.at("mcnemar_p").get<double>()));
  }
  return notes;
}

}  // namespace espalier
