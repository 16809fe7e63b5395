// Recipe files.

#include "recipe/recipe.h"
#include "base/json.h"

#include <stdexcept>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"

namespace espalier::test {
namespace {

constexpr const char* kPlace = "a/recipe.json";

std::vector<std::string> seeds() {
  return {R"({"model": "m"})",
          R"({"name": "half the heads", "model": "lab", "task": "lab", "seed": 18446744073709551615, "device": "cuda:0",
          "steps": [{"method": "prune.heads", "settings": {"fraction": 0.5, "heads": [[0, 1], [1, 2]]},
                     "scope": {"layers": [0, 2], "parts": ["attention"], "slots": ["encoder.0.ffn.in_proj.weight"]}},
                    {"method": "quantize.q8", "enabled": false}],
          "measure": ["quality", "size", "macs", "latency", "loyalty"]})"};
}

void read(const std::string& bytes) {
  const Recipe recipe = recipe_from_json(parse_json(bytes, kPlace), kPlace);
  if (recipe_from_json(to_json(recipe), kPlace) != recipe) throw std::logic_error("a recipe changes on its way");
  static_cast<void>(command_line_of(recipe, kPlace));
}

}  // namespace

FuzzTarget recipe_target() { return {"recipe", seeds, mutated_json, read, kPlace, 300}; }

}  // namespace espalier::test
