#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "recipe/setting.h"

namespace espalier {

// Which weights a step may touch. Empty lists mean no restriction.
struct Scope {
  std::vector<int32_t> layers;     // positions in the stack
  std::vector<std::string> parts;  // "embeddings", "attention", "ffn", "pooler", "head"
  std::vector<std::string> slots;  // exact slot names
  bool operator==(const Scope&) const = default;
  bool empty() const { return layers.empty() && parts.empty() && slots.empty(); }
};

struct Step {
  std::string method;  // "prune.heads"
  Json settings = Json::object();
  Scope scope;
  bool enabled = true;
  bool operator==(const Step&) const = default;
};

struct Recipe {
  std::string name;   // for people; not part of what is computed
  std::string model;  // folder, or "lab"
  std::string task;   // folder or file, or "lab"
  uint64_t seed = 1;
  std::string device = "cpu";  // "cpu", "cuda:0"
  std::vector<Step> steps;
  std::vector<std::string> measure;  // "quality", "size", "macs", "latency", "energy", "loyalty"; empty = all
  bool operator==(const Recipe&) const = default;
};

Json to_json(const Scope& scope);
Json to_json(const Step& step);
Json to_json(const Recipe& recipe);
// Throw Format naming the member; unknown members are refused by name.
Step step_from_json(const Json& json, std::string_view where);
Recipe recipe_from_json(const Json& json, std::string_view where);
Recipe read_recipe(const std::filesystem::path& file);

// The command line that repeats a recipe, as a person would type it.
std::string command_line_of(const Recipe& recipe, const std::string& recipe_file);

}  // namespace espalier
