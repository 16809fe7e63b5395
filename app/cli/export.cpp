// `espalier export`: a model as a file that other runtimes read, or with the engine that runs it.

#include <fmt/format.h>

#include "app/cli/program.h"
#include "base/error.h"

namespace espalier::cli {

void add_export(Program& program) {
  CLI::App* verb = program.add_verb("export", "Write a model as ONNX, or with the engine to deploy it",
                                    "espalier export path/to/model --onnx model.onnx --form int8");
  struct Options {
    std::string model, onnx, engine, form = "stored";
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  CLI::Option* onnx =
      verb->add_option("--onnx", options->onnx, "File NAME.onnx, or folder for model.onnx and the tokenizer's files");
  CLI::Option* engine =
      verb->add_option("--engine", options->engine, "Folder for the bundle, the library that runs it, and an example")
          ->excludes(onnx);
  verb->add_option("--form", options->form,
                   "Weights as stored, all float32, or all 8-bit: with integer products or as QDQ")
      ->excludes(engine)
      ->check(CLI::IsMember({"stored", "float", "int8", "qdq"}))
      ->capture_default_str();
  program.on_run(verb, [&program, options] {
    if (options->onnx.empty() && options->engine.empty()) {
      throw Error(ErrorKind::InvalidInput, {.what = "it is not said what to write",
                                            .where = "export",
                                            .wanted = "--onnx FILE or --engine FOLDER",
                                            .next = "See espalier export --help."});
    }
    JobSpec spec;
    spec.kind = "export";
    spec.settings = {{"model", absolute_or_name(options->model)}};
    if (options->engine.empty()) {
      spec.settings["onnx"] = absolute_or_name(options->onnx);
      spec.settings["form"] = options->form;
    } else {
      spec.settings["engine"] = absolute_or_name(options->engine);
    }
    const Json answer = program.run_job(spec);
    if (program.json()) {
      program.print_json(answer);
      return;
    }
    if (!options->engine.empty()) {
      TextTable table({"", ""});
      table.add({"folder", answer.value("folder", "")});
      table.add({"size", bytes_text(answer.value("bytes", 0.0))});
      table.add({"of it the model", bytes_text(answer.value("model_bytes", 0.0))});
      table.print(2);
      fmt::print("`make run` in the folder builds the example and classifies two lines.\n");
      return;
    }
    const auto list = [&](const char* key) {
      return fmt::format("{}", fmt::join(answer.at(key).get<std::vector<std::string>>(), ", "));
    };
    TextTable table({"", ""});
    table.add({"file", answer.value("file", "")});
    if (!answer.value("data", "").empty()) table.add({"tensors in", answer.value("data", "")});
    table.add({"size", bytes_text(answer.value("bytes", 0.0))});
    table.add({"operators", std::to_string(answer.value("nodes", 0))});
    table.add({"tensors", std::to_string(answer.value("initializers", 0))});
    table.add({"inputs", list("inputs")});
    table.add({"outputs", list("outputs")});
    table.print(2);
    for (const auto& note : answer.value("notes", Json::array())) fmt::print("note: {}\n", note.get<std::string>());
  });
}

}  // namespace espalier::cli
