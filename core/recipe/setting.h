#pragma once
// A setting is described once; the form, the command line flag, the JSON check and the help page all come from it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/boxed_json.h"

namespace espalier {

// HeadList: a JSON array of [layer, head] pairs of whole numbers from 0.
enum class SettingType { Bool, Integer, Real, Choice, Text, HeadList, Path };
enum class SettingLevel { Basic, Advanced };

struct SettingChoice {
  std::string value;
  std::string label;
};

struct Setting {
  std::string key = {};  // "sparsity"; stable, in recipes
  SettingType type = SettingType::Real;
  BoxedJson default_value = nullptr;
  std::string label = {};              // "Sparsity"
  std::string help = {};               // one or two whole sentences
  std::string unit = {};               // "%", "heads"; empty when none
  std::optional<double> minimum = {};  // inclusive; numbers only
  std::optional<double> maximum = {};
  std::optional<double> step = {};  // of a spin box
  std::vector<SettingChoice> choices = {};
  SettingLevel level = SettingLevel::Basic;
};

Json to_json(const Setting& setting);
Setting setting_from_json(const Json& json, std::string_view where);

// What is wrong with one value, to be shown at its place. `key` empty: about the step as a whole.
struct Issue {
  std::string key;
  std::string message;  // got, wanted, what to do
  bool operator==(const Issue&) const = default;
};

// Every fault at once: unknown keys (with the nearest known), wrong types, out of range, unknown choices.
std::vector<Issue> check_settings(const std::vector<Setting>& schema, const Json& values);

// Values with defaults filled in. Construct only from values that check_settings accepts (throws InvalidInput).
class Settings {
 public:
  Settings() = default;
  Settings(const std::vector<Setting>& schema, const Json& values);

  bool flag(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  double real(std::string_view key) const;
  std::string text(std::string_view key) const;  // Choice, Text, Path
  const Json& json() const { return *values_; }

 private:
  BoxedJson values_;
};

}  // namespace espalier
