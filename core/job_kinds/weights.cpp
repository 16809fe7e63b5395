// What is in a model's matrices: statistics of all, or everything about one and about what stands in its place in a
// second model.
#include <cmath>

#include "base/error.h"
#include "base/nearest.h"
#include "inspect/channels.h"
#include "inspect/difference.h"
#include "inspect/outliers.h"
#include "inspect/spectrum.h"
#include "inspect/statistics.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"

namespace espalier {
namespace {

constexpr int kBins = 101;
constexpr int64_t kBytesOfFloat = 4;

// JSON has no infinity.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json statistics_json(const Matrix& matrix, const Statistics& statistics, const CancelToken& cancel) {
  const Outliers outliers = count_outliers(matrix, statistics, cancel);
  Json quantiles = Json::array();
  for (size_t i = 0; i < kAbsQuantiles.size(); ++i) {
    quantiles.push_back({{"share", kAbsQuantiles[i]}, {"abs", statistics.abs_quantiles[i]}});
  }
  return {{"rows", matrix.rows()},
          {"cols", matrix.cols()},
          {"zeros", statistics.zeros},
          {"non_finite", statistics.non_finite},
          {"min", statistics.min},
          {"max", statistics.max},
          {"mean", statistics.mean},
          {"std", statistics.std},
          {"l2_norm", statistics.l2_norm},
          {"abs_quantiles", quantiles},
          {"outliers", outliers.count},
          {"outlier_frac", outliers.share},
          {"outlier_deviations", finite(outliers.deviations)}};
}

Json slot_json(const Model& model, const Slot& slot) {
  const Weight& weight = model.weight(slot.name);
  return {{"slot", slot.name},
          {"form", describe(weight)},
          {"shape", slot.shape},
          {"bytes", stored_bytes(weight)},
          {"shared_with", model.weights.slots_of(model.weights.handle(slot.name))}};
}

Json ranges_json(const std::vector<ChannelRange>& ranges) {
  Json low = Json::array(), high = Json::array();
  for (const ChannelRange& range : ranges) {
    low.push_back(range.min);
    high.push_back(range.max);
  }
  return {{"min", low}, {"max", high}, {"largest_over_median", range_ratio(ranges)}};
}

Json histogram_json(const Matrix& matrix, const Statistics& statistics, const CancelToken& cancel) {
  const Histogram bins = histogram(matrix, statistics.min, statistics.max, kBins, cancel);
  return {{"low", bins.low}, {"high", bins.high}, {"counts", bins.counts}};
}

// A rank's bytes as two float32 factors, which a model would store.
Json rank_json(const Spectrum& spectrum, int64_t rank, const Matrix& matrix) {
  return {{"rank", rank},
          {"energy", spectrum.energy(rank)},
          {"relative_error", spectrum.error(rank)},
          {"bytes", kBytesOfFloat * rank * (matrix.rows() + matrix.cols())}};
}

Json spectrum_json(const Matrix& matrix, int64_t rank, const CancelToken& cancel) {
  const Spectrum spectrum = singular_spectrum(matrix, cancel);
  Json json = {{"values", spectrum.values},
               {"dense_bytes", kBytesOfFloat * matrix.rows() * matrix.cols()},
               {"ranks", Json::array()}};
  for (const double share : {0.5, 0.9, 0.95, 0.99}) {
    json["ranks"].push_back(rank_json(spectrum, spectrum.rank_for_energy(share), matrix));
  }
  if (rank > 0) {
    const auto most = static_cast<int64_t>(spectrum.values.size());
    if (rank > most) {
      throw Error(ErrorKind::InvalidInput, {.what = "the matrix has no such rank",
                                            .where = "rank",
                                            .got = std::to_string(rank),
                                            .wanted = "at most " + std::to_string(most),
                                            .next = {}});
    }
    json["at_rank"] = rank_json(spectrum, rank, matrix);
  }
  return json;
}

Json difference_json(const Difference& difference) {
  return {{"relative_error", finite(difference.relative)},
          {"sqnr_db", finite(difference.sqnr_db)},
          {"cosine", difference.cosine},
          {"max_abs", difference.max_abs},
          {"equal", difference.equal},
          {"sign_changes", difference.sign_changes}};
}

// Symmetric round to nearest, as quantize.q8 stores it.
Json quantization_json(const Matrix& matrix, const Weight& weight, const std::vector<int>& all_bits,
                       const CancelToken& cancel) {
  const Tensor values = materialize(weight);
  Json json = Json::array();
  for (const int bits : all_bits) {
    if (bits < 2 || bits > 8) {
      throw Error(ErrorKind::InvalidInput, {.what = "weights are quantized to 2 to 8 bits",
                                            .where = "bits",
                                            .got = std::to_string(bits),
                                            .wanted = "2 to 8",
                                            .next = {}});
    }
    for (const bool per_row : {true, false}) {
      cancel.throw_if_cancelled();
      const WeightPtr codes = share(quantize_symmetric(values, bits, per_row, ActivationRange::Float));
      json.push_back(difference_json(difference_of(matrix, Matrix(codes), cancel)));
      json.back()["bits"] = bits;
      json.back()["scale_of"] = per_row ? "row" : "matrix";
      json.back()["bytes"] = stored_bytes(*codes);
    }
  }
  return json;
}

Slot find_slot(const Model& model, const std::string& name) {
  std::vector<std::string> names;
  for (Slot& slot : slots_of(model.architecture)) {
    if (slot.name == name) return slot;
    names.push_back(slot.name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(ErrorKind::InvalidInput,
              {.what = "the model has no such weight",
               .where = display_name(model),
               .got = name,
               .wanted = near.empty() ? "one of " + std::to_string(names.size()) + " names" : "perhaps " + near,
               .next = "espalier weights without a name lists them."});
}

Json one_weight(const Model& model, const std::string& name, const Json& settings, JobContext& context) {
  const Slot slot = find_slot(model, name);
  const Weight& weight = model.weight(slot.name);
  const Matrix matrix(share(weight));
  Json json = slot_json(model, slot);
  const MatrixSummary summary = summarize(matrix, context.cancel);
  json["statistics"] = statistics_json(matrix, summary.statistics, context.cancel);
  json["histogram"] = histogram_json(matrix, summary.statistics, context.cancel);
  json["row_norms"] = summary.row_norms;
  json["column_norms"] = summary.column_norms;
  const ChannelRanges ranges = channel_ranges(matrix, context.cancel);
  json["row_ranges"] = ranges_json(ranges.rows);
  json["column_ranges"] = ranges_json(ranges.columns);
  context.progress.report(0.3);
  if (matrix.rows() == 1) return json;  // a vector has no spectrum worth the name, and stays float
  json["spectrum"] = spectrum_json(matrix, json_get_or(settings, "rank", int64_t{0}, kSettingsOf), context.cancel);
  context.progress.report(0.8);
  json["quantization"] = quantization_json(
      matrix, weight, json_get_or(settings, "bits", std::vector<int>{8, 6, 4, 3, 2}, kSettingsOf), context.cancel);
  return json;
}

}  // namespace

Json weights_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  context.progress.set_stage("weights");
  const Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const auto name = json_get_or(settings, "name", std::string(), kSettingsOf);
  const auto other_path = json_get_or(settings, "other", std::string(), kSettingsOf);
  Model other;
  if (!other_path.empty()) other = open_job_model(other_path);
  const auto compared = [&](Json json, const std::string& slot) {
    if (other_path.empty() || !other.weights.contains(slot)) return json;
    if (shape_of(model.weight(slot)) != shape_of(other.weight(slot))) {
      json["other_shape"] = shape_of(other.weight(slot));
      return json;
    }
    const Matrix mine(share(model.weight(slot))), theirs(share(other.weight(slot)));
    json["difference"] = difference_json(difference_of(mine, theirs, context.cancel));
    json["other_form"] = describe(other.weight(slot));
    return json;
  };
  if (!name.empty()) {
    JobContext first = context.slice(0, other_path.empty() ? 1 : 0.5);
    Json weight = compared(one_weight(model, name, settings, first), name);
    if (!other_path.empty()) {
      JobContext second = context.slice(0.5, 1);
      weight["other"] = one_weight(other, name, settings, second);
    }
    return {{"weight", weight}};
  }
  const std::vector<Slot> slots = slots_of(model.architecture);
  Json weights = Json::array();
  for (const Slot& slot : slots) {
    context.cancel.throw_if_cancelled();
    const Matrix matrix(share(model.weight(slot.name)));
    Json json = slot_json(model, slot);
    json["statistics"] = statistics_json(matrix, summarize(matrix, context.cancel).statistics, context.cancel);
    weights.push_back(compared(std::move(json), slot.name));
    context.progress.report(static_cast<double>(weights.size()) / static_cast<double>(slots.size()));
  }
  return {{"weights", weights}};
}

}  // namespace espalier
