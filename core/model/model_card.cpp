#include "model/model_card.h"

#include <fmt/format.h>

#include <map>

#include "base/json.h"
#include "base/unicode.h"

namespace espalier {
namespace {

std::string text_of(const Json& value) {
  return printable_utf8(value.is_string() ? value.get<std::string>()
                                          : value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void add_member(std::string& card, const Json& provenance, const char* key, const char* label) {
  if (provenance.is_object() && provenance.contains(key)) {
    card += fmt::format("- {}: {}\n", label, text_of(provenance[key]));
  }
}

void add_steps(std::string& card, const Json& provenance) {
  if (!provenance.is_object() || !provenance.contains("steps") || !provenance["steps"].is_array()) return;
  if (provenance["steps"].empty()) return;
  card += "\n## What was done\n\n";
  int number = 1;
  for (const Json& step : provenance["steps"]) {
    const bool named = step.is_object() && step.contains("method");
    card += fmt::format("{}. {}", number++, named ? text_of(step["method"]) : text_of(step));
    if (named && step.contains("settings")) card += fmt::format(" {}", text_of(step["settings"]));
    card += "\n";
  }
}

}  // namespace

std::string make_model_card(const Model& model) {
  const Architecture& a = model.architecture;
  std::string card = fmt::format("# {}\n\n", printable_utf8(display_name(model)));
  card += fmt::format("- Family: {}, {} layers, width {}, head: {}\n", printable_utf8(a.family), a.layers.size(),
                      a.hidden_size, to_string(a.head.kind));
  card += fmt::format("- Parameters: {}\n", num_parameters(model));
  add_member(card, *model.provenance, "source", "Source");
  add_member(card, *model.provenance, "licence", "Licence");
  std::map<std::string, int> forms;
  for (const std::string& slot : model.weights.unique_slots()) {
    const Weight& weight = model.weights.at(slot);
    if (shape_of(weight).size() == 2) ++forms[describe(weight)];
  }
  card += "\n## How the matrices are stored\n\n";
  for (const auto& [form, count] : forms) card += fmt::format("- {} x {}\n", count, form);
  add_steps(card, *model.provenance);
  return card;
}

}  // namespace espalier
