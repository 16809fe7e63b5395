// Linears and embeddings as two thin factors. Eckart and Young 1936: the truncated singular value decomposition is the
// closest matrix of its rank; the singular values are split evenly between the factors. For embeddings this is the
// factorized table of ALBERT (Lan 2020, arXiv 1909.11942), made after training.

#include "compress/factorize/svd/svd.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "compress/hollow.h"
#include "compress/method.h"
#include "compress/retraining.h"
#include "compress/weight_leaves.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

constexpr double kDecompositionFlopsPerSecond = 4e9;

MethodInfo make_info() {
  return {.id = "factorize.svd",
          .title = "Low rank by singular values",
          .family = "factorize",
          .anchors = {"svd", "albert-embedding"},
          .paper =
              "Eckart, Young 1936, The approximation of one matrix by another of lower rank; Lan 2020, ALBERT, "
              "arXiv 1909.11942 (embeddings)",
          .summary = "Replaces every matrix by the product of two thin ones that is closest to it.",
          .hosts = {"encoder", "decoder", "encoder-decoder", "recurrent"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back({.key = "by",
                      .type = SettingType::Choice,
                      .default_value = "ratio",
                      .label = "Choose the rank by",
                      .help = "Share of parameters kept, share of energy kept, or one rank for every matrix.",
                      .choices = {{"ratio", "parameters kept"}, {"energy", "energy kept"}, {"rank", "rank"}}});
  settings.push_back({.key = "ratio",
                      .type = SettingType::Real,
                      .default_value = 0.6,
                      .label = "Parameters kept",
                      .help = "Both factors together hold at most this share of the matrix's parameters.",
                      .minimum = 0.01,
                      .maximum = 1,
                      .step = 0.05});
  settings.push_back(
      {.key = "energy",
       .type = SettingType::Real,
       .default_value = 0.9,
       .label = "Energy kept",
       .help = "Share of the sum of squared singular values. The dry run assumes a flat spectrum, so it states "
               "the largest size that can come out.",
       .minimum = 0.01,
       .maximum = 1,
       .step = 0.01});
  settings.push_back({.key = "rank",
                      .type = SettingType::Integer,
                      .default_value = 64,
                      .label = "Rank",
                      .help = "Of every matrix. Where it saves nothing the matrix stays as it is.",
                      .minimum = 1,
                      .maximum = 1e6,
                      .step = 8});
  settings.push_back({.key = "embeddings",
                      .type = SettingType::Bool,
                      .default_value = false,
                      .label = "Embeddings too",
                      .help = "Factorize the word embedding table as well as the linears."});
  for (Setting& setting : retrain_settings(0)) settings.push_back(std::move(setting));
  return settings;
}

// What a step asks of one matrix.
struct RankRule {
  std::string by;
  double ratio = 1, energy = 1;
  int64_t rank = 1;

  // sigma empty: not known, assume all equal, which needs the largest rank for an energy.
  int64_t of(int64_t rows, int64_t columns, const std::vector<double>& sigma) const {
    const int64_t full = std::min(rows, columns);
    if (by == "rank") return std::min(rank, full);
    if (by == "ratio") return std::min(rank_for_ratio(rows, columns, ratio), full);
    if (!sigma.empty()) return rank_for_energy(sigma, energy);
    return std::clamp<int64_t>(static_cast<int64_t>(std::ceil(energy * static_cast<double>(full))), 1, full);
  }
};

RankRule rule_of(const Settings& settings) {
  return {settings.text("by"), settings.real("ratio"), settings.real("energy"), settings.integer("rank")};
}

std::vector<std::string> slots_of_step(const Model& model, const Step& step, const Settings& settings) {
  std::vector<std::string> slots = weights_in_scope(model, step.scope, {SlotKind::Linear});
  if (!settings.flag("embeddings")) return slots;
  for (std::string& slot : weights_in_scope(model, step.scope, {SlotKind::Embedding})) {
    // Positions and types are small, and a scope that names them still gets them.
    if (step.scope.slots.empty() && slot != "embeddings.word.weight") continue;
    slots.push_back(std::move(slot));
  }
  return slots;
}

// The element type that the factors are stored as: that of the matrix.
DType dtype_of_weight(const Weight& weight) {
  const Dense* dense = weight.as<Dense>();
  if (const LowRank* factors = weight.as<LowRank>()) dense = factors->left->as<Dense>();
  return dense == nullptr ? DType::F32 : dense->values.dtype();
}

// Empty when factors of this rank are worth storing, else why not. Full rank is the matrix itself.
std::string reason_to_skip(const Weight& weight, int64_t rank) {
  const Shape shape = shape_of(weight);
  const int64_t rows = shape.at(0), columns = shape.at(1);
  if (rank >= std::min(rows, columns)) return "full rank";
  if (!rank_saves(rows, columns, rank)) {
    return "rank " + std::to_string(rank) + " saves nothing: it takes less than " + std::to_string(rows) + " * " +
           std::to_string(columns) + " / " + std::to_string(rows + columns);
  }
  const int64_t held = num_parameters(weight);
  if (rank * (rows + columns) >= held) {
    return "the stored form already holds only " + std::to_string(held) + " parameters";
  }
  return "";
}

class Svd final : public Method {
 public:
  Svd() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings& settings) const override {
    const bool trains = wants_retraining(settings);
    return {.labels = trains, .gradients = trains, .retraining = trains};
  }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const std::vector<std::string> slots = slots_of_step(model, step, settings);
    if (slots.empty()) return {{"scope", "The scope holds no matrix to factorize; widen it to a part with linears."}};
    for (const std::string& slot : slots) {
      if (!is_frozen(model.weights.at(slot))) continue;
      return {
          {"scope", "\"" + slot + "\" is integer codes of an earlier step. Factorize before the step that quantizes."}};
    }
    return {};
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const RankRule rule = rule_of(settings);
    Model result = model;
    for (const std::string& slot : slots_of_step(model, step, settings)) {
      const Weight& weight = model.weights.at(slot);
      const Shape shape = shape_of(weight);
      const int64_t rank = rule.of(shape[0], shape[1], {});
      if (!reason_to_skip(weight, rank).empty()) continue;
      result.weights.replace(slot, hollow_low_rank(dtype_of_weight(weight), shape[0], rank, shape[1]));
    }
    return wants_retraining(settings) ? preview_retrained(result) : result;
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t seed,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.progress.set_stage("factorize");
    const Settings settings = settings_of(step);
    const RankRule rule = rule_of(settings);
    const std::vector<std::string> slots = slots_of_step(model, step, settings);
    const double own_share = wants_retraining(settings) ? 0.2 : 1.0;
    MethodResult result;
    result.model = model;
    Json factorized = Json::array(), skipped = Json::array();
    for (size_t i = 0; i < slots.size(); ++i) {
      context.cancel.throw_if_cancelled();
      const Weight& weight = model.weights.at(slots[i]);
      const Shape shape = shape_of(weight);
      // By ratio or rank the answer may be known without the decomposition, which is the long part.
      std::string reason = rule.by == "energy" ? "" : reason_to_skip(weight, rule.of(shape[0], shape[1], {}));
      if (reason.empty()) {
        const SingularValues decomposition = singular_values(materialize(weight), context.cancel);
        const int64_t rank = rule.of(shape[0], shape[1], decomposition.sigma);
        reason = reason_to_skip(weight, rank);
        if (reason.empty()) {
          result.model.weights.replace(slots[i], truncate(decomposition, rank, dtype_of_weight(weight)));
          factorized.push_back(report_of(slots[i], weight, decomposition.sigma, rank));
        }
      }
      if (!reason.empty()) skipped.push_back({{"slot", slots[i]}, {"reason", reason}});
      context.progress.report(own_share * static_cast<double>(i + 1) / static_cast<double>(slots.size()));
    }
    JobContext training = context.slice(own_share, 1);
    result.model = retrain(result.model, settings, resources, seed, training, result.report);
    result.report["factorized"] = std::move(factorized);
    result.report["skipped"] = std::move(skipped);
    add_size_report(result.report, model, result.model);
    return result;
  }

  Probe probe(const Model&) const override {
    const auto ratio = [&](double kept) { return step_with({{"by", "ratio"}, {"ratio", kept}}); };
    return {.identity = step_with({{"by", "rank"}, {"rank", 1000000}}),
            .typical = ratio(0.5),
            .series = {ratio(1.0), ratio(0.7), ratio(0.4), ratio(0.1)},
            .unmet = step_with({{"epochs", 1.0}})};
  }

  // Two thin products in a row compute what their dense product computes.
  std::optional<Model> masked_form(const Model&, const MethodResult& result) const override {
    return materialized(result.model);
  }

  double extra_seconds(const Model& model, const Step& step) const override {
    double flops = 0;
    for (const std::string& slot : slots_of_step(model, step, settings_of(step))) {
      const Shape shape = shape_of(model.weights.at(slot));
      const auto rows = static_cast<double>(shape[0]), columns = static_cast<double>(shape[1]);
      const double small = std::min(rows, columns);
      // A tall table goes through its Gram matrix: one product and a small decomposition.
      flops += 2 * rows * columns * small + 20 * small * small * small;
    }
    return flops / kDecompositionFlopsPerSecond;
  }

 private:
  static Json report_of(const std::string& slot, const Weight& weight, const std::vector<double>& sigma, int64_t rank) {
    double kept = 0, dropped = 0;
    for (size_t i = 0; i < sigma.size(); ++i) {
      (static_cast<int64_t>(i) < rank ? kept : dropped) += sigma[i] * sigma[i];
    }
    const Shape shape = shape_of(weight);
    return {{"slot", slot},
            {"rank", rank},
            {"energy_frac", kept + dropped > 0 ? kept / (kept + dropped) : 1.0},
            {"relative_error", kept + dropped > 0 ? std::sqrt(dropped / (kept + dropped)) : 0.0},
            {"parameters_before", num_parameters(weight)},
            {"parameters", rank * (shape[0] + shape[1])}};
  }
};

}  // namespace

std::unique_ptr<Method> make_factorize_svd() { return std::make_unique<Svd>(); }

}  // namespace espalier
