#include "app/cli/task_options.h"

#include <algorithm>

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

LengthOptions::LengthOptions(CLI::App* verb) {
  const auto add = [&](const std::string& member, const std::string& help) {
    auto value = std::make_shared<std::optional<int64_t>>();
    std::string flag = "--" + member;
    std::ranges::replace(flag, '_', '-');
    verb->add_option(flag, *value, help)->check(above_zero())->group("Lengths, in tokens");
    values_.emplace_back(member, std::move(value));
  };
  add("max_length", "Of a text, pair or sentence (128), or a window of question and context (384), at the most");
  add("stride", "By which windows of a context (128) or blocks of running text begin one behind the other");
  add("max_query", "Of a question, at the most (64)");
  add("block_length", "Of a block of running text: what a language model sees at once");
  add("max_source_length", "Of a sentence to translate, at the most (128)");
  add("max_target_length", "Of a translation, at the most (128)");
}

void LengthOptions::add_to(Json& settings) const {
  for (const auto& [member, value] : values_) {
    if (*value) settings[member] = **value;
  }
}

}  // namespace espalier::cli
