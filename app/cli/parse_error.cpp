#include "app/cli/parse_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/nearest.h"

namespace espalier::cli {
namespace {

// The verbs that a person may type; those without a description are internal.
std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App* found) { return !found->get_group().empty(); })) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> options_of(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

bool is_flag(const std::string& argument) { return argument.size() > 1 && argument.front() == '-'; }

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? "." : fmt::format("; did you mean {}?", near);
}

// The innermost verb that was reached, its full name ("methods show"), and the first word that is no verb there.
struct Reached {
  const CLI::App* verb;
  std::string name = {};
  std::string stray = {};
};

Reached reached_verb(const CLI::App& app, const std::vector<std::string>& arguments) {
  Reached reached{.verb = &app};
  for (const std::string& argument : arguments) {
    if (is_flag(argument)) continue;
    const auto next = reached.verb->get_subcommands([&](const CLI::App* found) { return found->check_name(argument); });
    if (next.empty()) {
      reached.stray = argument;
      break;
    }
    reached.verb = next.front();
    reached.name += (reached.name.empty() ? "" : " ") + argument;
  }
  return reached;
}

CLI::Validator number_check(const std::string& wanted, const std::function<bool(double)>& fits) {
  return {[wanted, fits](std::string& text) {
            double value = 0;
            const bool number = CLI::detail::lexical_cast(text, value);
            return number && fits(value) ? std::string() : fmt::format("got {}, wanted {}", text, wanted);
          },
          wanted};
}

}  // namespace

std::string parse_error_text(const CLI::App& app, const std::vector<std::string>& arguments,
                             const CLI::ParseError& error) {
  const Reached reached = reached_verb(app, arguments);
  const std::string see = fmt::format(" See espalier {}{}--help.", reached.name, reached.name.empty() ? "" : " ");
  const std::vector<std::string> verbs = verbs_of(*reached.verb);
  if (!verbs.empty() && !reached.stray.empty()) {
    return fmt::format("there is no verb \"{}\"{}", reached.stray, did_you_mean(reached.stray, verbs)) + see;
  }
  const std::vector<std::string> options = options_of(*reached.verb);
  for (const std::string& argument : arguments) {
    const std::string option = argument.substr(0, argument.find('='));
    if (option.starts_with("--") && std::ranges::find(options, option) == options.end()) {
      return fmt::format("unknown option {}{}", option, did_you_mean(option, options)) + see;
    }
  }
  if (!verbs.empty()) return "a verb is missing: " + fmt::format("{}", fmt::join(verbs, ", ")) + "." + see;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return fmt::format("{} takes no \"{}\".", reached.name, arguments.back()) + see;
  }
  return error.what() + ("." + see);
}

CLI::Validator at_least(double least) {
  return number_check(fmt::format("{} or more", least), [=](double value) { return value >= least; });
}

CLI::Validator above_zero() {
  return number_check("more than 0", [](double value) { return value > 0; });
}

CLI::Validator between(double least, double most) {
  return number_check(fmt::format("{} to {}", least, most),
                      [=](double value) { return value >= least && value <= most; });
}

}  // namespace espalier::cli
