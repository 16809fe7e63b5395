// Dynamic 8-bit quantization after training. Zafrir, Boudoukh, Izsak, Wasserblat 2019, "Q8BERT", arXiv 1910.06188,
// dynamic mode: weights symmetric linear, activations by their current largest magnitude. Every linear and embedding
// becomes codes; norms and biases stay float. The paper has one scale a tensor; a scale a row costs 4 bytes a row and
// is the default.

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "compress/hollow.h"
#include "compress/method.h"
#include "compress/weight_leaves.h"

namespace espalier {
namespace {

constexpr int64_t kFloatBits = 32;
constexpr int64_t kMostBits = 8;

MethodInfo make_info() {
  return {.id = "quantize.q8",
          .title = "8-bit integers, dynamic (Q8BERT 2019)",
          .family = "quantize",
          .anchors = {"q8bert", "linear-quantization"},
          .paper = "Zafrir, Boudoukh, Izsak, Wasserblat 2019, Q8BERT: Quantized 8Bit BERT, arXiv 1910.06188",
          .summary = "Stores every linear and embedding as 8-bit integers and multiplies integers.",
          .hosts = {"encoder", "decoder", "encoder-decoder", "recurrent"}};
}

std::vector<Setting> make_settings() {
  std::vector<Setting> settings;
  settings.push_back({.key = "bits",
                      .type = SettingType::Integer,
                      .default_value = kMostBits,
                      .label = "Bits of a weight",
                      .help = "2 to 8; 32 leaves the model as it is. Below 8 bits the codes are packed.",
                      .unit = "bits",
                      .minimum = 2,
                      .maximum = kFloatBits,
                      .step = 1});
  settings.push_back({.key = "granularity",
                      .type = SettingType::Choice,
                      .default_value = "row",
                      .label = "One scale for each",
                      .help = "Output row of a matrix, or whole matrix as in the paper.",
                      .choices = {{"row", "row"}, {"tensor", "matrix (paper)"}}});
  settings.push_back(
      {.key = "activations",
       .type = SettingType::Choice,
       .default_value = "token",
       .label = "Range of the inputs",
       .help = "Inputs of a linear get one 8-bit range a token, one a sequence (the paper at batch 1), or stay "
               "float, which saves bytes but no time.",
       .choices = {{"token", "token"}, {"sequence", "sequence (paper)"}, {"float", "float"}}});
  settings.push_back({.key = "embeddings",
                      .type = SettingType::Bool,
                      .default_value = true,
                      .label = "Embeddings too",
                      .help = "Quantize the embedding tables as well as the linears, as in the paper."});
  return settings;
}

ActivationRange activations_of(const Settings& settings) {
  const std::string text = settings.text("activations");
  if (text == "token") return ActivationRange::PerToken;
  return text == "sequence" ? ActivationRange::PerSequence : ActivationRange::Float;
}

// Every linear, the head too, as the paper does: weights_in_scope leaves the head out only where a scope says nothing.
std::vector<std::string> slots_of_step(const Model& model, const Step& step, const Settings& settings) {
  std::vector<SlotKind> kinds = {SlotKind::Linear};
  if (settings.flag("embeddings")) kinds.push_back(SlotKind::Embedding);
  std::vector<std::string> slots = weights_in_scope(model, step.scope, kinds);
  if (step.scope.parts.empty() && step.scope.slots.empty() && step.scope.layers.empty()) {
    const Scope head = {.layers = {}, .parts = {std::string(to_string(Part::Head))}, .slots = {}};
    for (std::string& slot : weights_in_scope(model, head, {SlotKind::Linear})) {
      const auto same = [&](const std::string& other) {
        return model.weights.handle(other) == model.weights.handle(slot);
      };
      if (std::ranges::none_of(slots, same)) slots.push_back(std::move(slot));
    }
  }
  return slots;
}

// Largest difference to the float values in units of the scale of its row; at most 0.5 by rounding to nearest.
double largest_error_in_steps(const Weight& before, const Weight& after) {
  const Quantized* codes = after.as<Quantized>();
  const Tensor exact = materialize(before), decoded = materialize(after);
  const auto a = exact.values<float>(), b = decoded.values<float>();
  const auto scales = codes->scales.values<float>();
  const size_t row_size = scales.size() > 1 ? a.size() / scales.size() : a.size();
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]) / scales[i / row_size]);
  }
  return largest;
}

class Q8 final : public Method {
 public:
  Q8() : Method(make_info(), make_settings()) {}

  Needs needs(const Settings&) const override { return {}; }

  std::vector<Issue> check(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const int64_t bits = settings.integer("bits");
    std::vector<Issue> issues;
    if (bits > kMostBits && bits != kFloatBits) {
      issues.push_back(
          {"bits", std::to_string(bits) + " bits are not offered; wanted 2 to 8, or 32 to leave the model alone."});
    }
    const std::vector<std::string> slots = slots_of_step(model, step, settings);
    if (slots.empty()) issues.push_back({"scope", "The scope holds no linear or embedding; widen it."});
    for (const std::string& slot : slots) {
      if (bits == kFloatBits || !is_frozen(model.weights.at(slot))) continue;
      issues.push_back({"scope", "\"" + slot +
                                     "\" is integer codes already. Switch the earlier step off, or choose a scope "
                                     "that it left out."});
      break;
    }
    return issues;
  }

  Model preview(const Model& model, const Step& step) const override {
    const Settings settings = settings_of(step);
    const bool per_row = settings.text("granularity") == "row";
    return rewrite(model, step,
                   [&](const Weight& leaf, int bits, ActivationRange range) {
                     return hollow_quantized(shape_of(leaf), bits, per_row, range);
                   },
                   {});
  }

  MethodResult apply(const Model& model, const Step& step, const Resources& resources, uint64_t,
                     JobContext& context) const override {
    require_step(*this, model, step, resources);
    context.progress.set_stage("quantize");
    const Settings settings = settings_of(step);
    const bool per_row = settings.text("granularity") == "row";
    MethodResult result;
    double largest_error = 0;
    int64_t leaves = 0, codes = 0;
    result.model = rewrite(
        model, step,
        [&](const Weight& leaf, int bits, ActivationRange range) {
          context.cancel.throw_if_cancelled();
          Weight quantized = quantize_symmetric(materialize(leaf), bits, per_row, range);
          largest_error = std::max(largest_error, largest_error_in_steps(leaf, quantized));
          ++leaves;
          codes += num_elements(shape_of(leaf));
          return quantized;
        },
        [&](double fraction) { context.progress.report(fraction); });
    result.report["bits"] = settings.integer("bits");
    result.report["matrices_quantized"] = leaves;
    result.report["weights_quantized"] = codes;
    result.report["largest_error_steps"] = largest_error;
    add_size_report(result.report, model, result.model);
    if (result.report["weight_bytes"] > result.report["weight_bytes_before"]) {
      result.report["notes"] = {"The bytes grew: a sparse float weight took fewer bytes than dense codes."};
    }
    return result;
  }

  Probe probe(const Model& model) const override {
    Step unmet = step_with(Json::object());
    unmet.scope.layers = {static_cast<int32_t>(model.architecture.layers.size())};
    return {.identity = step_with({{"bits", kFloatBits}}),
            .typical = step_with(Json::object()),
            .series = {step_with({{"bits", kFloatBits}}), step_with({{"bits", 8}}), step_with({{"bits", 4}}),
                       step_with({{"bits", 2}})},
            .unmet = std::move(unmet)};
  }

 private:
  using Quantizer = std::function<Weight(const Weight& leaf, int bits, ActivationRange range)>;

  Model rewrite(const Model& model, const Step& step, const Quantizer& quantize,
                const std::function<void(double)>& report) const {
    const Settings settings = settings_of(step);
    const auto bits = static_cast<int>(settings.integer("bits"));
    Model result = model;
    if (bits == kFloatBits) return result;
    const std::vector<std::string> slots = slots_of_step(model, step, settings);
    for (size_t i = 0; i < slots.size(); ++i) {
      const WeightPtr rewritten = rewrite_leaves(share(model.weights.at(slots[i])), [&](const WeightPtr& leaf) {
        return share(quantize(*leaf, bits, activations_of(settings)));
      });
      result.weights.replace(slots[i], *rewritten);
      if (report) report(static_cast<double>(i + 1) / static_cast<double>(slots.size()));
    }
    return result;
  }
};

}  // namespace

std::unique_ptr<Method> make_quantize_q8() { return std::make_unique<Q8>(); }

}  // namespace espalier
