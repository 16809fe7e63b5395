#include "app/cli/training.h"

#include "app/cli/rows.h"

#include <fmt/format.h>

#include "base/error.h"
#include "model/model.h"

namespace espalier::cli {
namespace {

void store_as_float16(const std::filesystem::path& bundle, const CancelToken& cancel) {
  Model model = open_model(bundle);
  for (const std::string& slot : model.weights.unique_slots()) {
    const auto* dense = model.weights.at(slot).as<Dense>();
    if (dense != nullptr && dense->values.dtype() == DType::F32) {
      model.weights.replace(slot, Dense{dense->values.to(DType::F16)});
    }
  }
  save_bundle(model, bundle, cancel);
}

}  // namespace

Json run_training(Program& program, JobSpec spec) {
  spec.kind = "train";
  spec.seed = json_get_or<uint64_t>(spec.settings, "seed", spec.seed, "training settings");
  const auto precision = json_get_or<std::string>(spec.settings, "precision", "float32", "training settings");
  spec.settings.erase("seed");
  spec.settings.erase("precision");
  if (precision != "float32" && precision != "float16") {
    throw Error(ErrorKind::InvalidInput, {.what = "unknown precision",
                                          .where = "precision",
                                          .got = precision,
                                          .wanted = "float32 or float16",
                                          .next = {}});
  }
  Json answer = program.run_job(spec);
  answer["precision"] = precision;
  if (precision == "float32") return answer;
  store_as_float16(spec.output_folder, program.cancel());
  JobSpec check;
  check.kind = "evaluate";
  check.settings = spec.settings;
  check.settings.erase("options");
  check.settings["model"] = spec.output_folder.string();
  check.settings["split"] = spec.settings.value("dev_split", "");
  check.settings["latency"] = false;
  answer["quality"] = program.run_job(check);
  return answer;
}

void print_training(const Json& answer) {
  const Json& train = answer.at("train");
  fmt::print("{}\n", answer.value("bundle", ""));
  fmt::print("{} steps, {:.2f} epochs, {:.1f} minutes, {:.0f} tokens a second, final loss {:.4f}\n",
             train.value("steps", 0), train.value("epochs", 0.0), train.value("seconds", 0.0) / 60,
             train.value("tokens_per_second", 0.0), train.value("final_loss", 0.0));
  fmt::print("best {} {:.4f} at step {}; BLAS {}\n", train.value("dev_metric", ""), train.value("best_dev_metric", 0.0),
             train.value("best_step", 0), train.value("blas", ""));
  const Json quality = answer.value("quality", Json::object());
  for (const QualityLine& line : quality_lines(quality)) {
    fmt::print("{} {:.4f}", line.label, line.value);
    if (line.has_interval) fmt::print(" ({:.4f} to {:.4f})", line.low, line.high);
    fmt::print("\n");
  }
  fmt::print("on {} examples of {}, on the engine, weights as stored ({})\n", quality.value("examples", 0),
             quality.value("split", ""), answer.value("precision", "float32"));
  if (quality.contains("quality_basis")) fmt::print("{}\n", quality["quality_basis"].get<std::string>());
}

}  // namespace espalier::cli
