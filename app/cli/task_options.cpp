#include "app/cli/task_options.h"

#include "base/error.h"

namespace espalier::cli {

std::shared_ptr<TaskOptions> add_task_options(CLI::App* verb) {
  auto options = std::make_shared<TaskOptions>();
  const std::string group = "How the files of a task are read, where the guess is wrong";
  const auto add = [&](const char* flag, std::string& member, const char* help) {
    verb->add_option(flag, member, help)->group(group);
  };
  add("--text-column", options->text_column, "Column of the text: its name, or its number from 0");
  add("--pair-column", options->pair_column, "Column of the second text, or none");
  add("--label-column", options->label_column, "Column of the label, or none");
  add("--source-language", options->source_language, "Translation: ending of the source files, say de");
  add("--target-language", options->target_language, "Translation: ending of the target files, say en");
  verb->add_option_function<std::string>(
          "--kind",
          [options](const std::string& name) {
            try {
              options->kind = task_kind_from(name);
            } catch (const Error& error) {
              throw CLI::ValidationError("--kind", error.what());
            }
          },
          "Kind of task: " + std::string(to_string(TaskKind::Classification)) +
              ", regression, \"token classification\", "
              "\"question answering\", \"language modelling\", translation")
      ->group(group);
  return options;
}

}  // namespace espalier::cli
