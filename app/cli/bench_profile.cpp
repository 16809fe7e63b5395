#include "app/cli/bench_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "app/cli/program.h"

namespace espalier::cli {
namespace {

using LayerKey = std::pair<Stack, int>;

struct Sums {
  std::map<PartKind, PartSum> kinds;
  std::map<LayerKey, std::map<PartKind, PartSum>> layers;
};

Sums sums_of(const ModelProfile& profile, const MachineLimits& limits) {
  Sums sums;
  for (size_t i = 0; i < profile.parts.size(); ++i) {
    const PassPart& part = profile.parts[i];
    sums.kinds[part.kind].add(part, profile.times[i], profile.ms[i], limits);
    if (part.layer >= 0)
      sums.layers[{part.stack, part.layer}][part.kind].add(part, profile.times[i], profile.ms[i], limits);
  }
  return sums;
}

double share_of_wall(const ModelProfile& profile, double ms) { return profile.wall_ms > 0 ? ms / profile.wall_ms : 0; }

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

Json limits_json(const MachineLimits& limits) {
  return {{"threads", limits.threads},
          {"float32_gops", limits.float_gops},
          {"int8_gops", limits.int8_gops},
          {"bfloat16_gops", limits.bfloat16_gops > 0 ? Json(limits.bfloat16_gops) : Json()},
          {"read_gb_s", limits.read_gb_s},
          {"read_bytes", limits.read_bytes}};
}

// Of one part, or of parts together.
void add_limit(Json& to, double operations, double bytes, double ms, const PartSum& sum) {
  to["operations"] = operations;
  to["weight_bytes"] = bytes;
  if (sum.limited_ms <= 0) return;
  to["ops_per_byte"] = bytes > 0 ? Json(operations / bytes) : Json();
  to["gops"] = 1e-6 * operations / ms;
  to["limit_ms"] = sum.limit_ms;
  to["share_of_limit"] = sum.share_of_limit();
  to["bound_by"] = sum.memory_bound() ? "memory" : "arithmetic";
}

Json sum_json(const ModelProfile& profile, PartKind kind, const PartSum& sum) {
  Json json = {{"kind", to_string(kind)}, {"ms", sum.ms}, {"share", share_of_wall(profile, sum.ms)}};
  add_limit(json, sum.operations, sum.bytes, sum.limited_ms, sum);
  return json;
}

double total_ms(const std::map<PartKind, PartSum>& kinds) {
  double ms = 0;
  for (const auto& [kind, sum] : kinds) ms += sum.ms;
  return ms;
}

}  // namespace

Json profile_json(const ModelProfile& profile, const MachineLimits& limits) {
  const Sums sums = sums_of(profile, limits);
  Json kinds = Json::array(), layers = Json::array(), parts = Json::array();
  for (const auto& [kind, sum] : sums.kinds) kinds.push_back(sum_json(profile, kind, sum));
  for (const auto& [key, of_layer] : sums.layers) {
    Json of_kinds = Json::array();
    for (const auto& [kind, sum] : of_layer) of_kinds.push_back(sum_json(profile, kind, sum));
    layers.push_back({{"stack", to_string(key.first)},
                      {"layer", key.second},
                      {"ms", total_ms(of_layer)},
                      {"share", share_of_wall(profile, total_ms(of_layer))},
                      {"kinds", of_kinds}});
  }
  for (size_t i = 0; i < profile.parts.size(); ++i) {
    const PassPart& part = profile.parts[i];
    PartSum alone;
    alone.add(part, profile.times[i], profile.ms[i], limits);
    Json json = {{"name", part.name},
                 {"slots", part.slots},
                 {"kind", to_string(part.kind)},
                 {"layer", part.layer < 0 ? Json() : Json(part.layer)},
                 {"kernel", part.kernel},
                 {"ms", profile.ms[i]},
                 {"share", share_of_wall(profile, profile.ms[i])},
                 {"calls", profile.times[i].calls},
                 {"rows", profile.times[i].rows}};
    add_limit(json, alone.operations, alone.bytes, alone.limited_ms, alone);
    parts.push_back(std::move(json));
  }
  return {{"wall_ms", profile.wall_ms},
          {"rest_ms", profile.rest_ms},
          {"passes", profile.passes},
          {"limits", limits_json(limits)},
          {"kinds", kinds},
          {"layers", layers},
          {"parts", parts}};
}

void print_profile(const ModelProfile& profile, const MachineLimits& limits) {
  const Sums sums = sums_of(profile, limits);
  const LatencyOptions& options = profile.options;
  fmt::print("\nWhere the time goes: batch {}, length {}, {} thread(s), {:.3f} ms, the mean of {} passes\n",
             options.batch_size, options.sequence_length, options.threads, profile.wall_ms, profile.passes);
  fmt::print("Limits measured in this run: float32 {:.0f} GFLOP/s, int8 {:.0f} GOP/s, {}{:.1f} GB/s reading {}\n\n",
             limits.float_gops, limits.int8_gops,
             limits.bfloat16_gops > 0 ? fmt::format("bfloat16 attention {:.0f} GFLOP/s, ", limits.bfloat16_gops) : "",
             limits.read_gb_s, bytes_text(static_cast<double>(limits.read_bytes)));
  TextTable kinds({"part", "ms", "share", "GOP/s", "op/byte", "of limit", "bound by"});
  for (const auto& [kind, sum] : sums.kinds) {
    const bool limited = sum.limited_ms > 0;
    kinds.add({std::string(to_string(kind)), fmt::format("{:.3f}", sum.ms), percent(share_of_wall(profile, sum.ms)),
               limited ? fmt::format("{:.1f}", 1e-6 * sum.operations / sum.limited_ms) : "",
               limited && sum.bytes > 0 ? fmt::format("{:.1f}", sum.operations / sum.bytes) : "",
               limited ? percent(sum.share_of_limit()) : "",
               !limited             ? ""
               : sum.memory_bound() ? "memory"
                                    : "arithmetic"});
  }
  kinds.add({"rest", fmt::format("{:.3f}", profile.rest_ms), percent(share_of_wall(profile, profile.rest_ms)), "", "",
             "", ""});
  kinds.print();
  if (sums.layers.empty()) return;
  fmt::print("\n");
  const bool two_stacks = sums.layers.rbegin()->first.first == Stack::Decoder;
  std::vector<PartKind> columns;
  std::vector<std::string> headers = {"layer"};
  for (const PartKind kind : kPartKinds) {
    const bool used =
        std::any_of(sums.layers.begin(), sums.layers.end(), [&](const auto& one) { return one.second.contains(kind); });
    if (!used) continue;
    columns.push_back(kind);
    headers.emplace_back(to_string(kind));
  }
  headers.insert(headers.end(), {"ms", "share"});
  TextTable layers(std::move(headers));
  for (const auto& [key, of_layer] : sums.layers) {
    std::vector<std::string> row = {two_stacks ? fmt::format("{} {}", to_string(key.first), key.second)
                                               : std::to_string(key.second)};
    for (const PartKind kind : columns) {
      const auto found = of_layer.find(kind);
      row.push_back(found == of_layer.end() ? "" : fmt::format("{:.3f}", found->second.ms));
    }
    row.push_back(fmt::format("{:.3f}", total_ms(of_layer)));
    row.push_back(percent(share_of_wall(profile, total_ms(of_layer))));
    layers.add(std::move(row));
  }
  layers.print();
}

}  // namespace espalier::cli
