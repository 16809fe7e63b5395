#include "base/error.h"
#include "export/engine_package.h"
#include "export/onnx.h"
#include "formats/atomic_file.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/resources.h"

namespace espalier {

namespace {

Json engine_package(const Model& model, const std::filesystem::path& folder, JobContext& context) {
  const EnginePackage made = export_engine_package(model, folder, engine_parts(resource_folder()), context);
  return {{"folder", made.folder.string()},
          {"files", made.files},
          {"bytes", made.bytes},
          {"model_bytes", made.model_bytes}};
}

}  // namespace

Json export_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("opening");
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  if (spec.settings.contains("engine")) {
    return engine_package(model, json_get<std::string>(spec.settings, "engine", kSettingsOf), context);
  }
  const std::filesystem::path target = json_get<std::string>(spec.settings, "onnx", kSettingsOf);
  if (target.empty()) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "there is no place to write to", .where = "onnx", .wanted = "a file NAME.onnx or a folder"});
  }
  const OnnxOptions options{.form = onnx_form(spec.settings.value("form", "stored"))};
  const bool folder = target.extension() != ".onnx";
  const std::filesystem::path file = folder ? target / "model.onnx" : target;
  if (!file.parent_path().empty()) std::filesystem::create_directories(file.parent_path());
  const OnnxExport made = export_onnx(model, file, options, context);
  if (folder) {
    for (const TokenizerFile& one : model.tokenizer_files) write_file_atomically(target / one.name, *one.bytes);
  }
  context.progress.set_stage("reading back");
  check_onnx(file);
  return {{"file", made.file.string()},
          {"data", made.data.string()},
          {"bytes", made.bytes},
          {"nodes", made.nodes},
          {"initializers", made.initializers},
          {"inputs", made.inputs},
          {"outputs", made.outputs},
          {"notes", made.notes}};
}

}  // namespace espalier
