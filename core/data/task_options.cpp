#include "base/error.h"
#include "base/json.h"
#include "data/task.h"

namespace espalier {
namespace {

constexpr std::pair<TaskKind, std::string_view> kKinds[] = {{TaskKind::Classification, "classification"},
                                                            {TaskKind::Regression, "regression"},
                                                            {TaskKind::TokenClassification, "token classification"},
                                                            {TaskKind::QuestionAnswering, "question answering"},
                                                            {TaskKind::LanguageModelling, "language modelling"},
                                                            {TaskKind::Translation, "translation"}};

constexpr std::pair<const char*, std::string TaskOptions::*> kTexts[] = {
    {"text_column", &TaskOptions::text_column},
    {"pair_column", &TaskOptions::pair_column},
    {"label_column", &TaskOptions::label_column},
    {"source_language", &TaskOptions::source_language},
    {"target_language", &TaskOptions::target_language}};

}  // namespace

std::string_view to_string(TaskKind kind) {
  for (const auto& [each, name] : kKinds) {
    if (each == kind) return name;
  }
  return "unknown";
}

TaskKind task_kind_from(std::string_view name) {
  std::string known;
  for (const auto& [kind, each] : kKinds) {
    if (each == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(each);
  }
  throw Error(ErrorKind::InvalidInput,
              {.what = "there is no such kind of task", .got = std::string(name), .wanted = known});
}

Json to_json(const TaskOptions& options) {
  Json json = Json::object();
  for (const auto& [name, member] : kTexts) {
    if (!(options.*member).empty()) json[name] = options.*member;
  }
  if (!options.labels.empty()) json["labels"] = options.labels;
  if (options.kind) json["kind"] = to_string(*options.kind);
  return json;
}

TaskOptions task_options_from_json(const Json& json, std::string_view where) {
  TaskOptions options;
  std::string known = "labels, kind";
  for (const auto& [name, member] : kTexts) {
    options.*member = json_get_or(json, name, std::string(), where);
    known += std::string(", ") + name;
  }
  options.labels = json_get_or(json, "labels", std::vector<std::string>(), where);
  const auto kind = json_get_or(json, "kind", std::string(), where);
  if (!kind.empty()) options.kind = task_kind_from(kind);
  for (const auto& [name, value] : json.items()) {
    if ((", " + known + ",").find(", " + name + ",") != std::string::npos) continue;
    throw Error(ErrorKind::InvalidInput,
                {.what = "unknown member", .where = std::string(where), .got = "\"" + name + "\"", .wanted = known});
  }
  return options;
}

}  // namespace espalier
