#include "job_kinds/notes.h"

#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "network/runtime.h"

namespace espalier {
namespace {

constexpr double kSameLatency = 0.05;  // share of the time; smaller differences are the machine's
constexpr double kSameBytes = 0.02;
constexpr double kSignificant = 0.05;

// Of the bytes that all weights take as stored, 0..1.
double embedding_share(const Model& model) {
  int64_t embeddings = 0, all = 0;
  for (const std::string& slot : model.weights.unique_slots()) {
    const int64_t bytes = stored_bytes(model.weight(slot));
    all += bytes;
    if (slot.starts_with("embeddings.")) embeddings += bytes;
  }
  return all == 0 ? 0 : static_cast<double>(embeddings) / static_cast<double>(all);
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
                                  const std::vector<LedgerLine>& ledger) {
  std::vector<std::string> notes = runtime_notes(model.architecture);
  const double bytes = change_of("bundle_bytes", row, row_before), macs = change_of("macs", row, row_before);
  const std::vector<std::string> held = ledger_notes(ledger, model);
  if (!held.empty() && std::abs(latency_change(row, row_before)) < kSameLatency) {
    notes.push_back(fmt::format("The latency moved by less than {:.0f} %.", 100 * kSameLatency));
  }
  notes.insert(notes.end(), held.begin(), held.end());
  const double share = embedding_share(model);
  if (bytes <= 0 && bytes > -kSameBytes && macs < 0 && share > 0.5) {
    notes.push_back(fmt::format(
        "The bundle hardly shrank: {:.0f} % of its bytes are embeddings, which this step leaves alone.", 100 * share));
  }
  const std::string metric = row.value("metric", "accuracy");
  if (bytes == 0 && macs == 0 && row.value(metric, 0.0) == row_before.value(metric, 0.0)) {
    notes.emplace_back("Nothing moved: with these settings the step leaves the model as it was.");
  }
  if (row.contains("mcnemar_p") && row.at("mcnemar_p").get<double>() > kSignificant) {
    notes.push_back(
        fmt::format("The accuracy cannot be told apart from the baseline's on {} examples (McNemar p = {:.2f}).",
                    row.value("examples", int64_t{0}), row.at("mcnemar_p").get<double>()));
  }
  return notes;
}

}  // namespace espalier
