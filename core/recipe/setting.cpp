#include "recipe/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {"bool", "integer", "real", "choice", "text", "head_list", "path"};
constexpr std::array<std::string_view, 2> kLevels = {"basic", "advanced"};
// Beyond this a double no longer holds every whole number.
constexpr double kMaxWhole = 9007199254740992.0;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string number_text(double value) { return fmt::format("{}", value); }

template <typename Enum, size_t N>
Enum enum_from(const Json& json, const char* key, const std::array<std::string_view, N>& names,
               std::string_view where) {
  const auto name = json_get<std::string>(json, key, where);
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  throw Error(ErrorKind::Format, {fmt::format("\"{}\" is not known", key), std::string(where), name,
                                  fmt::format("one of {}", fmt::join(names, ", ")), ""});
}

std::optional<double> optional_real(const Json& json, const char* key, std::string_view where) {
  if (!json.contains(key) || json[key].is_null()) return {};
  return json_get<double>(json, key, where);
}

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double real = value.get<double>();
  return std::abs(real) <= kMaxWhole && real == std::floor(real);
}

bool is_head_list(const Json& value) {
  if (!value.is_array()) return false;
  for (const Json& pair : value) {
    if (!pair.is_array() || pair.size() != 2) return false;
    for (const Json& number : pair) {
      if (!number.is_number_integer() || number.get<int64_t>() < 0 || number.get<int64_t>() > INT32_MAX) return false;
    }
  }
  return true;
}

std::string range_text(const Setting& setting) {
  const std::string unit = setting.unit.empty() ? "" : " " + setting.unit;
  if (setting.minimum && setting.maximum) {
    return number_text(*setting.minimum) + " to " + number_text(*setting.maximum) + unit;
  }
  if (setting.minimum) return "at least " + number_text(*setting.minimum) + unit;
  if (setting.maximum) return "at most " + number_text(*setting.maximum) + unit;
  return setting.type == SettingType::Integer ? "a whole number" + unit : "a number" + unit;
}

// What would be right, when `value` is not; empty when it is right.
std::string fault_of(const Setting& setting, const Json& value) {
  switch (setting.type) {
    case SettingType::Bool:
      return value.is_boolean() ? "" : "true or false";
    case SettingType::Integer:
    case SettingType::Real: {
      if (setting.type == SettingType::Integer && !is_whole(value)) return "a whole number, " + range_text(setting);
      if (!value.is_number() || !std::isfinite(value.get<double>())) return "a number, " + range_text(setting);
      const double number = value.get<double>();
      const bool low = setting.minimum && number < *setting.minimum;
      const bool high = setting.maximum && number > *setting.maximum;
      return low || high ? range_text(setting) : "";
    }
    case SettingType::Choice: {
      std::vector<std::string> names;
      for (const SettingChoice& choice : setting.choices) {
        if (value == choice.value) return "";
        names.push_back(choice.value);
      }
      return fmt::format("one of {}", fmt::join(names, ", "));
    }
    case SettingType::Text:
    case SettingType::Path:
      return value.is_string() ? "" : "text";
    case SettingType::HeadList:
      return is_head_list(value) ? "" : "a list of [layer, head] pairs";
  }
  return "";
}

// The same value as its type is stored, so that 3 and 3.0 are one recipe.
Json normalised(const Setting& setting, const Json& value) {
  if (setting.type == SettingType::Integer && value.is_number_float()) {
    return static_cast<int64_t>(value.get<double>());
  }
  if (setting.type == SettingType::Integer) return value.get<int64_t>();
  if (setting.type == SettingType::Real) return value.get<double>();
  return value;
}

std::string faults_text(const std::vector<Issue>& issues) {
  std::vector<std::string> lines;
  lines.reserve(issues.size());
  for (const Issue& issue : issues) {
    lines.push_back(issue.key.empty() ? issue.message : issue.key + ": " + issue.message);
  }
  return fmt::format("{}", fmt::join(lines, "; "));
}

const Json& value_of(const Json& values, std::string_view key) {
  const auto found = values.find(key);
  if (found != values.end()) return *found;
  throw Error(ErrorKind::Internal, {"no such setting", std::string(key), "", "a key of the schema", ""});
}

}  // namespace

Json to_json(const Setting& setting) {
  Json choices = Json::array();
  for (const SettingChoice& choice : setting.choices) {
    choices.push_back({{"value", choice.value}, {"label", choice.label}});
  }
  Json json = {{"key", setting.key},
               {"type", kTypes.at(static_cast<size_t>(setting.type))},
               {"default", *setting.default_value},
               {"label", setting.label},
               {"help", setting.help},
               {"unit", setting.unit},
               {"choices", choices},
               {"level", kLevels.at(static_cast<size_t>(setting.level))}};
  if (setting.minimum) json["minimum"] = *setting.minimum;
  if (setting.maximum) json["maximum"] = *setting.maximum;
  if (setting.step) json["step"] = *setting.step;
  return json;
}

Setting setting_from_json(const Json& json, std::string_view where) {
  Setting setting;
  setting.key = json_get<std::string>(json, "key", where);
  setting.type = enum_from<SettingType>(json, "type", kTypes, where);
  setting.default_value = json_get<Json>(json, "default", where);
  setting.label = json_get<std::string>(json, "label", where);
  setting.help = json_get<std::string>(json, "help", where);
  setting.unit = json_get_or<std::string>(json, "unit", "", where);
  setting.minimum = optional_real(json, "minimum", where);
  setting.maximum = optional_real(json, "maximum", where);
  setting.step = optional_real(json, "step", where);
  const Json choices = json_get_or<Json>(json, "choices", Json::array(), where);
  if (!choices.is_array()) {
    throw Error(ErrorKind::Format, {"\"choices\" is not a list", std::string(where), "", "a list", ""});
  }
  for (const Json& choice : choices) {
    setting.choices.push_back(
        {json_get<std::string>(choice, "value", where), json_get<std::string>(choice, "label", where)});
  }
  setting.level = enum_from<SettingLevel>(json, "level", kLevels, where);
  return setting;
}

std::vector<Issue> check_settings(const std::vector<Setting>& schema, const Json& values) {
  std::vector<Issue> issues;
  if (!values.is_object()) {
    issues.push_back({"", fmt::format("got {}, wanted an object of settings", text_of(values))});
    return issues;
  }
  std::vector<std::string> keys;
  for (const Setting& setting : schema) {
    keys.push_back(setting.key);
    const auto value = values.find(setting.key);
    if (value == values.end()) continue;
    const std::string wanted = fault_of(setting, *value);
    if (!wanted.empty()) issues.push_back({setting.key, fmt::format("got {}, wanted {}", text_of(*value), wanted)});
  }
  for (const auto& [key, value] : values.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::string near = nearest_name(key, keys);
    const std::string hint = !near.empty()  ? fmt::format("did you mean {}?", near)
                             : keys.empty() ? "there are none"
                                            : fmt::format("known: {}", fmt::join(keys, ", "));
    issues.push_back({key, "no such setting; " + hint});
  }
  return issues;
}

Settings::Settings(const std::vector<Setting>& schema, const Json& values) {
  const std::vector<Issue> issues = check_settings(schema, values);
  if (!issues.empty()) {
    throw Error(ErrorKind::InvalidInput, {"the settings cannot be used: " + faults_text(issues), "", "", "", ""});
  }
  for (const Setting& setting : schema) {
    const auto value = values.find(setting.key);
    const Json& chosen = value != values.end() ? *value : *setting.default_value;
    (*values_)[setting.key] = fault_of(setting, chosen).empty() ? normalised(setting, chosen) : chosen;
  }
}

bool Settings::flag(std::string_view key) const { return value_of(*values_, key).get<bool>(); }
int64_t Settings::integer(std::string_view key) const { return value_of(*values_, key).get<int64_t>(); }
double Settings::real(std::string_view key) const { return value_of(*values_, key).get<double>(); }
std::string Settings::text(std::string_view key) const { return value_of(*values_, key).get<std::string>(); }

}  // namespace espalier
