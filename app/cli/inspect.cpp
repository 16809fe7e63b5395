// `espalier inspect`: what a model is and where its parameters and bytes are; what a task's data are (inspect_task.h).

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "app/cli/inspect_task.h"
#include "app/cli/program.h"
#include "app/cli/task_options.h"
#include "job_kinds/inputs.h"
#include "measure/cost.h"
#include "model/model.h"

namespace espalier::cli {
namespace {

struct PartSum {
  int64_t parameters = 0;
  int64_t bytes = 0;
};

// "layer 3 attention", "decoder layer 0 cross_attention", "head".
std::string place_of(const Slot& slot) {
  const std::string stack = slot.stack == Stack::Decoder ? "decoder " : "";
  if (!slot.layer) return stack + std::string(to_string(slot.part));
  return fmt::format("{}layer {} {}", stack, slot.layer->value, to_string(slot.part));
}

// One line a part of a layer, shared weights counted where they first stand.
void print_parts(const Model& model) {
  std::vector<std::pair<std::string, PartSum>> sums;
  std::map<WeightHandle, std::string> seen;
  std::map<std::string, std::string> shared_with;
  for (const Slot& slot : slots_of(model.architecture)) {
    const std::string place = place_of(slot);
    if (sums.empty() || sums.back().first != place) sums.push_back({place, {}});
    const auto [first, inserted] = seen.emplace(model.weights.handle(slot.name), place);
    if (!inserted) {
      if (first->second != place) shared_with[place] = first->second;
      continue;
    }
    const Weight& weight = model.weight(slot.name);
    sums.back().second.parameters += num_parameters(weight);
    sums.back().second.bytes += stored_bytes(weight);
  }
  TextTable table({"part", "parameters", "bytes", "shared with"});
  for (const auto& [place, sum] : sums) {
    const auto shared = shared_with.find(place);
    table.add({place, count_text(static_cast<double>(sum.parameters)), bytes_text(static_cast<double>(sum.bytes)),
               shared == shared_with.end() ? "" : shared->second});
  }
  table.print();
}

void print_weights(const Model& model) {
  TextTable table({"slot", "form", "shape", "parameters", "zeros %", "bytes"});
  for (const Slot& slot : slots_of(model.architecture)) {
    const Weight& weight = model.weight(slot.name);
    table.add(
        {slot.name, describe(weight), to_string(slot.shape), count_text(static_cast<double>(num_parameters(weight))),
         fmt::format("{:.1f}", 100 * sparsity_of(weight)), bytes_text(static_cast<double>(stored_bytes(weight)))});
  }
  table.print(2);
}

Json weights_json(const Model& model) {
  Json weights = Json::array();
  for (const Slot& slot : slots_of(model.architecture)) {
    const Weight& weight = model.weight(slot.name);
    weights.push_back({{"slot", slot.name},
                       {"form", describe(weight)},
                       {"shape", slot.shape},
                       {"parameters", num_parameters(weight)},
                       {"bytes", stored_bytes(weight)},
                       {"shared_with", model.weights.slots_of(model.weights.handle(slot.name))}});
  }
  return weights;
}

bool is_of_model(const std::filesystem::path& file) {
  const std::string name = file.filename().string(), ending = file.extension().string();
  return name == "config.json" || name == "espalier.json" || name == "model.safetensors.index.json" ||
         ending == ".safetensors" || ending == ".bin" || ending == ".pt" || ending == ".pth";
}

// Data, as far as the path tells: a file or folder that exists and has nothing of a model.
bool is_data(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (path == "lab" || !fs::exists(path, error)) return false;
  if (!fs::is_directory(path, error)) return !is_of_model(path);
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (is_of_model(entry->path())) return false;
  }
  return true;
}

}  // namespace

void add_inspect(Program& program) {
  CLI::App* verb = program.add_verb(
      "inspect",
      "Say what a model is (layers, parameters, bytes, MACs) or what a task's data are (columns, labels, rows)",
      "espalier inspect path/to/minilm --weights\n  espalier inspect reviews.csv --text-column body --save");
  struct Options {
    std::string model;
    bool weights = false;
    int64_t length = 128;
    bool task = false, save = false;
    size_t rows = 5;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, task folder or data file, or lab")
      ->required();
  verb->add_flag("--weights", options->weights, "One line a weight");
  verb->add_option("--length", options->length, "Tokens of one sequence, for MACs")->check(between(1, 100000));
  verb->add_flag("--task", options->task, "Take it for a task: the lab is both");
  verb->add_option("--rows", options->rows, "Examples of a task to show")->capture_default_str();
  const auto reading = add_task_options(verb);
  verb->add_flag("--save", options->save, "Keep the choice of columns beside the data, where every verb finds it");
  program.on_run(verb, [&program, options, reading] {
    if (options->task || options->save || is_data(options->model)) {
      return inspect_task(program, {options->model, *reading, options->rows, options->save});
    }
    const Model model = open_job_model(options->model);
    const Architecture& architecture = model.architecture;
    const int64_t macs = count_macs(model, options->length);
    if (program.json()) {
      Json answer = {{"name", display_name(model)},
                     {"architecture", to_json(architecture)},
                     {"parameters", num_parameters(model)},
                     {"bundle_bytes", predicted_bundle_bytes(model)},
                     {"macs", macs},
                     {"macs_length", options->length}};
      if (options->weights) answer["weights"] = weights_json(model);
      if (model.provenance->contains("passed_over")) answer["passed_over"] = (*model.provenance)["passed_over"];
      program.print_json(answer);
      return;
    }
    fmt::print("{}\n", display_name(model));
    const std::string decoder =
        architecture.has_decoder() ? fmt::format(" and {} of the decoder", architecture.decoder.size()) : "";
    fmt::print("{} layers{}, hidden size {}, vocabulary {}, head {}\n", architecture.layers.size(), decoder,
               architecture.hidden_size, architecture.embedding.vocab_size, to_string(architecture.head.kind));
    fmt::print("{} parameters, {} as a bundle, {} MACs for {} tokens\n\n",
               count_text(static_cast<double>(num_parameters(model))),
               bytes_text(static_cast<double>(predicted_bundle_bytes(model))), count_text(static_cast<double>(macs)),
               options->length);
    options->weights ? print_weights(model) : print_parts(model);
    const auto passed_over = json_get_or<std::vector<std::string>>(*model.provenance, "passed_over", {}, "provenance");
    if (!passed_over.empty()) fmt::print("\nno tensors, passed over: {}\n", fmt::join(passed_over, ", "));
  });
}

}  // namespace espalier::cli
