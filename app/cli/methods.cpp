// `espalier methods`: what compresses, and the ten universal invariants of each method.

#include "compress/method.h"

#include <fmt/format.h>

#include "app/cli/program.h"
#include "compress/invariants.h"
#include "data/task.h"
#include "job_kinds/inputs.h"

namespace espalier::cli {
namespace {

Json default_needs(const Method& method) { return to_json(method.needs(Settings(method.settings(), Json::object()))); }

void list_methods(const Program& program) {
  if (program.json()) {
    Json list = Json::array();
    for (const auto& method : methods()) {
      const MethodInfo& info = method->info();
      list.push_back({{"id", info.id},
                      {"anchor", info.anchors},
                      {"family", info.family},
                      {"needs", default_needs(*method)},
                      {"hosts", info.hosts},
                      {"paper", info.paper}});
    }
    program.print_json(list);
    return;
  }
  TextTable table({"id", "what it does", "paper"});
  for (const auto& method : methods()) table.add({method->info().id, method->info().summary, method->info().paper});
  table.print(3);
}

void show_method(const Program& program, const std::string& id) {
  const Method& shown = method(id);
  if (!program.json()) {
    fmt::print("{}", shown.info().page);
    return;
  }
  Json settings = Json::array();
  for (const Setting& setting : shown.settings()) settings.push_back(to_json(setting));
  program.print_json(
      {{"id", id}, {"page", shown.info().page}, {"settings", settings}, {"needs", default_needs(shown)}});
}

void verify_methods(Program& program, std::vector<std::string> ids) {
  if (ids.empty()) {
    for (const auto& method : methods()) ids.push_back(method->info().id);
  }
  const Model model = materialized(open_job_model("lab"));
  const Task task = open_task("lab");
  const auto tokenizer = load_tokenizer(model.tokenizer_files, "the lab model");
  JobContext context = program.context();
  const auto encoded = [&](const std::string& split, size_t count) {
    Dataset dataset = task.load(split, context.cancel);
    dataset.examples.resize(std::min(dataset.examples.size(), count));
    return encode(dataset, *tokenizer, model.architecture.embedding.max_positions, context.cancel);
  };
  const EncodedDataset train = encoded("train", 512);
  const EncodedDataset dev = encoded("dev", 256);
  Resources resources;
  resources.task = &task;
  resources.train = &train;
  resources.dev = &dev;
  resources.teacher = &model;

  Json results = Json::array();
  size_t failures = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    JobContext slice = context.slice(static_cast<double>(i) / static_cast<double>(ids.size()),
                                     static_cast<double>(i + 1) / static_cast<double>(ids.size()));
    for (const InvariantResult& result : verify_invariants(method(ids[i]), model, resources, slice)) {
      failures += result.ok ? 0 : 1;
      results.push_back(
          {{"id", result.id}, {"invariant", result.invariant}, {"ok", result.ok}, {"detail", result.detail}});
      if (!program.json()) {
        fmt::print("{:16} {:2} {:6} {}: {}\n", result.id, result.invariant, result.ok ? "ok" : "FAILED", result.name,
                   result.detail);
      }
    }
  }
  if (program.json()) program.print_json(results);
  if (failures > 0) throw Error(ErrorKind::Internal, fmt::format("{} invariants do not hold", failures));
}

}  // namespace

void add_methods(Program& program) {
  CLI::App* verb = program.add_verb("methods", "List, explain and verify the compression methods",
                                    "espalier methods show prune.heads");
  verb->require_subcommand(1);
  verb->fallthrough();
  CLI::App* list = verb->add_subcommand("list", "Every method");
  program.on_run(list, [&program] { list_methods(program); });

  CLI::App* show = verb->add_subcommand("show", "The page of one method");
  auto id = std::make_shared<std::string>();
  show->add_option("id", *id, "Method, say prune.heads")->required();
  program.on_run(show, [&program, id] { show_method(program, *id); });

  CLI::App* verify = verb->add_subcommand("verify", "Run the ten universal invariants on the lab model");
  auto ids = std::make_shared<std::vector<std::string>>();
  verify->add_option("id", *ids, "Methods; all when none is named");
  program.on_run(verify, [&program, ids] { verify_methods(program, *ids); });
}

}  // namespace espalier::cli
