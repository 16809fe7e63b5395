// `espalier whatif`: what accuracy becomes when parts of a model are edited, as estimates that stop when they are
// narrow enough.

#include <fmt/format.h>

#include <charconv>

#include "app/cli/look_verbs.h"

namespace espalier::cli {
namespace {

// The whole text as a number, or an error that shows what was wanted.
int64_t number_in(std::string_view digits, const std::string& option, const std::string& text,
                  const std::string& wanted) {
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc() || end != digits.data() + digits.size() || value < 0) {
    throw Error(ErrorKind::InvalidInput, {"this cannot be read", option, text, wanted, ""});
  }
  return value;
}

// What stands before and behind the last `mark`.
std::pair<std::string_view, std::string_view> parted(std::string_view text, char mark) {
  const size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

Json heads_part(const std::string& text) {
  Json heads = Json::array();
  const std::string wanted = "LAYER.HEAD,LAYER.HEAD,..., say 3.4,3.7";
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const auto [layer, head] = parted(one, '.');
    heads.push_back({number_in(layer, "--heads", text, wanted), number_in(head, "--heads", text, wanted)});
  }
  return {{"heads", heads}};
}

Json neurons_part(const std::string& text) {
  const std::string wanted = "LAYER:FIRST-LAST, say 2:100-199";
  const auto number = [&](std::string_view digits) { return number_in(digits, "--neurons", text, wanted); };
  const auto [layer, range] = parted(text, ':');
  const auto [first, last] = parted(range, '-');
  return {{"neurons", {{"layer", number(layer)}, {"first", number(first)}, {"last", number(last)}}}};
}

// "encoder.2.ffn.in:64" of --rank or --bits.
Json weight_part(const std::string& text, const std::string& key) {
  const std::string wanted = "WEIGHT:NUMBER, say encoder.2.ffn.in_proj:" + std::string(key == "rank" ? "64" : "4");
  const auto [weight, value] = parted(text, ':');
  const int64_t number = number_in(value, "--" + key, text, wanted);
  return {{"weight", std::string(weight)}, {key, number}};
}

struct Options {
  std::string model, task, split, each;
  std::vector<std::string> heads, neurons, ranks, bits;
  std::vector<int64_t> layers;
  int64_t max_examples = 0, max_length = 128;
  double half_width = 1;  // points
  double keep_mb = 512;
  uint64_t seed = 1;
  bool each_head = false, each_layer = false, together = false;
};

Json edits_of(const Options& options) {
  Json parts = Json::array();
  for (const std::string& text : options.heads) parts.push_back(heads_part(text));
  for (const std::string& text : options.neurons) parts.push_back(neurons_part(text));
  for (const int64_t layer : options.layers) parts.push_back({{"layer", layer}});
  for (const std::string& text : options.ranks) parts.push_back(weight_part(text, "rank"));
  for (const std::string& text : options.bits) parts.push_back(weight_part(text, "bits"));
  if (options.together && !parts.empty()) return Json::array({parts});
  Json edits = Json::array();
  for (const Json& part : parts) edits.push_back(Json::array({part}));
  return edits;
}

std::string half_width_text(const Json& estimate, const std::string& name) {
  const double value = estimate.at(name).get<double>();
  const double half =
      std::max(estimate.at(name + "_high").get<double>() - value, value - estimate.at(name + "_low").get<double>());
  return half > 0 ? fmt::format("{:.1f}", 100 * half) : "exact";
}

void print_answers(const Json& answer) {
  const double before = answer.at("baseline_accuracy").get<double>();
  TextTable table({"edit", "accuracy %", "+-", "points", "changed %", "examples", "from layer", "first ms", "ms"});
  for (const Json& edit : answer.at("edits")) {
    const double after = edit.at("accuracy").get<double>();
    const Json& layer = edit.at("first_changed_layer");
    table.add({edit.at("text"), fmt::format("{:.1f}", 100 * after), half_width_text(edit, "accuracy"),
               fmt::format("{:+.1f}", 100 * (after - before)),
               fmt::format("{:.1f}", 100 * edit.at("changed_frac").get<double>()),
               std::to_string(edit.at("examples_run").get<int64_t>()),
               layer.is_null() ? "all" : std::to_string(layer.get<int64_t>()),
               fmt::format("{:.0f}", edit.at("first_ms").get<double>()),
               fmt::format("{:.0f}", edit.at("settled_ms").get<double>())});
  }
  table.print();
  fmt::print(
      "\nunedited {:.1f} % of {} examples of \"{}\"; +-: half of a 95 % interval about the value on these very "
      "examples\n",
      100 * before, answer.value("examples", 0), answer.value("split", ""));
  fmt::print("opened and run once in {:.1f} s, layer inputs kept in {}\n", answer.value("open_seconds", 0.0),
             bytes_text(answer.value("kept_bytes", 0.0)));
  for (const Json& warning : answer.at("warnings")) fmt::print("{}\n", warning.get<std::string>());
}

}  // namespace

void add_what_if(Program& program) {
  CLI::App* verb = program.add_verb(
      "whatif", "What accuracy becomes when heads, neurons, layers, ranks or bits change",
      "espalier whatif lab --task lab --heads 1.0,1.3 --layer 2 --bits encoder.0.ffn.in_proj:3\n  espalier whatif "
      "path/to/model --task path/to/sst2 --each-head");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--task", options->task, "Labelled examples, or lab")->required();
  verb->add_option("--split", options->split, "Empty: the task's evaluation split");
  verb->add_option("--heads", options->heads, "LAYER.HEAD,...: removed together; may be given again for another edit")
      ->take_all();
  verb->add_option("--neurons", options->neurons, "LAYER:FIRST-LAST: feed-forward neurons removed");
  verb->add_option("--layer", options->layers, "A whole layer removed");
  verb->add_option("--rank", options->ranks, "WEIGHT:RANK: a matrix as two factors of this rank");
  verb->add_option("--bits", options->bits, "WEIGHT:BITS: a matrix in 2 to 8 bits, a scale a row");
  auto* each_head = verb->add_flag("--each-head", options->each_head, "Every head of the model, one at a time");
  verb->add_flag("--each-layer", options->each_layer, "Every layer, one at a time")->excludes(each_head);
  verb->add_flag("--together", options->together, "All edits as one");
  verb->add_option("--width", options->half_width,
                   "Stop when accuracy is known to so many points to either side; 0: run every example")
      ->capture_default_str()
      ->check(between(0, 100));
  verb->add_option("--max-examples", options->max_examples, "The first ones; 0: all")
      ->capture_default_str()
      ->check(at_least(0));
  verb->add_option("--max-length", options->max_length, "Tokens of an example")
      ->capture_default_str()
      ->check(at_least(3));
  verb->add_option("--keep-mb", options->keep_mb, "Memory for kept layer inputs; what does not fit is computed anew")
      ->capture_default_str()
      ->check(between(0, 1e6));
  verb->add_option("--seed", options->seed, "Of the order of examples")->capture_default_str();
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "whatif";
    spec.seed = options->seed;
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"task", absolute_or_name(options->task)},
                     {"split", options->split},
                     {"edits", edits_of(*options)},
                     {"each", options->each_head    ? "heads"
                              : options->each_layer ? "layers"
                                                    : ""},
                     {"half_width", options->half_width / 100},
                     {"keep_bytes", static_cast<int64_t>(options->keep_mb * 1e6)},
                     {"max_examples", options->max_examples},
                     {"max_length", options->max_length}};
    if (spec.settings["edits"].empty() && spec.settings["each"] == "") {
      throw Error(ErrorKind::InvalidInput, {"there is nothing to ask", "the command line", "no edit",
                                            "--heads, --neurons, --layer, --rank, --bits, --each-head or --each-layer",
                                            "espalier whatif --help shows how each is written."});
    }
    const Json answer = program.run_job(spec);
    if (program.json()) return program.print_json(answer);
    print_answers(answer);
  });
}

}  // namespace espalier::cli
