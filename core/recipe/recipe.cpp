#include "recipe/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 7> kParts = {"embeddings", "attention",       "ffn",      "pooler",
                                                    "head",       "cross_attention", "recurrent"};
constexpr std::array<std::string_view, 6> kMeasures = {"quality", "size", "macs", "latency", "energy", "loyalty"};

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

void refuse_unknown_members(const Json& json, const std::vector<std::string>& known, const std::string& where) {
  if (!json.is_object()) {
    throw Error(ErrorKind::Format, {"not an object", where, text_of(json), "an object", ""});
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest_name(key, known);
    throw Error(ErrorKind::Format, {fmt::format("the member \"{}\" is not known", key), where, "",
                                    fmt::format("one of {}", fmt::join(known, ", ")),
                                    near.empty() ? "" : fmt::format("Did you mean \"{}\"?", near)});
  }
}

template <size_t N>
void refuse_unknown_names(const std::vector<std::string>& names, const std::array<std::string_view, N>& known,
                          const char* key, const std::string& where) {
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" holds an unknown name", key), where, name,
                                    fmt::format("some of {}", fmt::join(known, ", ")), ""});
  }
}

Scope scope_from_json(const Json& json, const std::string& where) {
  refuse_unknown_members(json, {"layers", "parts", "slots"}, where);
  Scope scope;
  const Json layers = json_get_or<Json>(json, "layers", Json::array(), where);
  if (!layers.is_array())
    throw Error(ErrorKind::Format, {"\"layers\" is not a list", where, text_of(layers), "a list", ""});
  for (const Json& layer : layers) {
    if (!layer.is_number_integer() || layer.get<int64_t>() < 0 || layer.get<int64_t>() > INT32_MAX) {
      throw Error(ErrorKind::Format, {"\"layers\" holds no layer", where, text_of(layer), "whole numbers from 0", ""});
    }
    scope.layers.push_back(layer.get<int32_t>());
  }
  scope.parts = json_get_or<std::vector<std::string>>(json, "parts", {}, where);
  refuse_unknown_names(scope.parts, kParts, "parts", where);
  scope.slots = json_get_or<std::vector<std::string>>(json, "slots", {}, where);
  return scope;
}

bool needs_quotes(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./,:=+@%").find(c) != std::string_view::npos;
  };
  return word.empty() || !std::all_of(word.begin(), word.end(), plain);
}

std::string shell_word(const std::string& word) {
  if (!needs_quotes(word)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Json to_json(const Scope& scope) {
  Json json = Json::object();
  if (!scope.layers.empty()) json["layers"] = scope.layers;
  if (!scope.parts.empty()) json["parts"] = scope.parts;
  if (!scope.slots.empty()) json["slots"] = scope.slots;
  return json;
}

Json to_json(const Step& step) {
  Json json = {{"method", step.method}, {"settings", step.settings}};
  if (!step.scope.empty()) json["scope"] = to_json(step.scope);
  if (!step.enabled) json["enabled"] = false;
  return json;
}

Json to_json(const Recipe& recipe) {
  Json steps = Json::array();
  for (const Step& step : recipe.steps) steps.push_back(to_json(step));
  return {{"name", recipe.name},     {"model", recipe.model}, {"task", recipe.task},      {"seed", recipe.seed},
          {"device", recipe.device}, {"steps", steps},        {"measure", recipe.measure}};
}

Step step_from_json(const Json& json, std::string_view where) {
  const std::string place(where);
  refuse_unknown_members(json, {"method", "settings", "scope", "enabled"}, place);
  Step step;
  step.method = json_get<std::string>(json, "method", place);
  step.settings = json_get_or<Json>(json, "settings", Json::object(), place);
  if (!step.settings.is_object()) {
    throw Error(ErrorKind::Format, {"\"settings\" is not an object", place, text_of(step.settings), "an object", ""});
  }
  step.scope = scope_from_json(json_get_or<Json>(json, "scope", Json::object(), place), place + ", scope");
  step.enabled = json_get_or<bool>(json, "enabled", true, place);
  return step;
}

Recipe recipe_from_json(const Json& json, std::string_view where) {
  const std::string place(where);
  refuse_unknown_members(json, {"name", "model", "task", "seed", "device", "steps", "measure"}, place);
  Recipe recipe;
  recipe.name = json_get_or<std::string>(json, "name", "", place);
  recipe.model = json_get<std::string>(json, "model", place);
  recipe.task = json_get_or<std::string>(json, "task", "", place);
  const Json seed = json_get_or<Json>(json, "seed", recipe.seed, place);
  if (!seed.is_number_unsigned() && !(seed.is_number_integer() && seed.get<int64_t>() >= 0)) {
    throw Error(ErrorKind::Format, {"\"seed\" is not a seed", place, text_of(seed), "a whole number from 0", ""});
  }
  recipe.seed = seed.get<uint64_t>();
  recipe.device = json_get_or<std::string>(json, "device", recipe.device, place);
  const Json steps = json_get_or<Json>(json, "steps", Json::array(), place);
  if (!steps.is_array())
    throw Error(ErrorKind::Format, {"\"steps\" is not a list", place, text_of(steps), "a list", ""});
  for (size_t i = 0; i < steps.size(); ++i) {
    recipe.steps.push_back(step_from_json(steps[i], fmt::format("{}, step {}", where, i + 1)));
  }
  recipe.measure = json_get_or<std::vector<std::string>>(json, "measure", {}, place);
  refuse_unknown_names(recipe.measure, kMeasures, "measure", place);
  return recipe;
}

Recipe read_recipe(const std::filesystem::path& file) {
  return recipe_from_json(read_json_file(file, size_t{1} << 26), file.string());
}

std::string command_line_of(const Recipe&, const std::string& recipe_file) {
  // Model, task, seed and device are in the file, so nothing else has to be said.
  return "espalier run " + shell_word(recipe_file);
}

}  // namespace espalier
