#include "data/superglue.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "data/source_text.h"
#include "text/unicode.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// Code points that the name of an entity may have.
constexpr int64_t kMaxEntity = 1000;

using Labels = std::vector<std::string>;
// Adds the examples of one line; throws Error for a line that does not fit.
using LineReading = void (*)(const Json& line, const LabelIndex& labels, Dataset& dataset);

struct SuperGlueTask {
  std::string name;
  Labels labels;
  std::vector<std::string> metrics;
  LineReading read;
};

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_of(const Json& line, const char* member) { return json_get<std::string>(line, member, "line"); }

// A place in a text, in code points or words.
int64_t position_of(const Json& object, const std::string& member) {
  const auto position = json_get<int64_t>(object, member, "line");
  if (position >= 0 && position < std::numeric_limits<int32_t>::max()) return position;
  throw Error(ErrorKind::InvalidInput, "a span lies outside the text");
}

// The label of an object: -1 when it has none; a label that is not the task's is a fault.
int32_t label_of(const Json& object, const LabelIndex& labels) {
  const auto found = object.find("label");
  if (found == object.end() || found->is_null()) return -1;
  const std::string text = as_text(*found);
  const int32_t label = labels.find(text);
  if (label >= 0) return label;
  throw Error(ErrorKind::InvalidInput, "\"" + text + "\" is no label of the task");
}

Example example_of(const Json& line, std::string text, std::string pair, int32_t label) {
  Example example;
  example.text = std::move(text);
  example.pair = std::move(pair);
  example.has_pair = true;
  example.label = label;
  if (line.contains("idx")) example.id = as_text(line["idx"]);
  return example;
}

template <const char* const& kFirst, const char* const& kSecond>
void read_pair(const Json& line, const LabelIndex& labels, Dataset& dataset) {
  Example example = example_of(line, text_of(line, kFirst), text_of(line, kSecond), label_of(line, labels));
  // AX-g: the two sentences that differ in the gender of one word.
  if (line.contains("pair_id")) example.group = as_text(line["pair_id"]);
  dataset.examples.push_back(std::move(example));
}

const char* const kQuestion = "question";
const char* const kPassage = "passage";
const char* const kPremise = "premise";
const char* const kHypothesis = "hypothesis";
const char* const kSentence1 = "sentence1";
const char* const kSentence2 = "sentence2";

void read_copa(const Json& line, const LabelIndex& labels, Dataset& dataset) {
  const std::string asked = text_of(line, "question");
  if (asked != "cause" && asked != "effect") {
    throw Error(ErrorKind::InvalidInput, "the question is \"" + asked + "\", neither cause nor effect");
  }
  const std::string text =
      text_of(line, "premise") + (asked == "cause" ? " What was the cause?" : " What happened as a result?");
  const int32_t right = label_of(line, labels);
  const std::string choices[] = {text_of(line, "choice1"), text_of(line, "choice2")};
  for (int32_t i = 0; i < 2; ++i) {
    Example example = example_of(line, text, choices[i], right < 0 ? -1 : static_cast<int32_t>(right == i));
    example.group = example.id;
    example.candidate = choices[i];
    dataset.examples.push_back(std::move(example));
  }
}

// Each candidate holds the passage and the answers: a line may not ask for much more than it brings.
void require_memory(const std::string& passage, size_t answers, size_t candidates) {
  constexpr size_t kMost = size_t{1} << 28;
  if (candidates <= kMost / std::max<size_t>(1, passage.size() + answers * sizeof(Answer))) return;
  throw Error(ErrorKind::InvalidInput, "the passage has too many candidates for its length");
}

void read_multirc(const Json& line, const LabelIndex& labels, Dataset& dataset) {
  const Json& passage = line.at("passage");
  const std::string text = text_of(passage, "text");
  size_t candidates = 0;
  for (const Json& question : passage.at("questions")) {
    const std::string asked = text_of(question, "question");
    candidates += question.at("answers").size();
    require_memory(text, 0, candidates);
    for (const Json& answer : question.at("answers")) {
      const std::string candidate = text_of(answer, "text");
      Example example = example_of(line, text, asked + " " + candidate, label_of(answer, labels));
      example.group = example.id + "/" + as_text(question.value("idx", Json()));
      example.id = example.group + "/" + as_text(answer.value("idx", Json()));
      example.candidate = candidate;
      dataset.examples.push_back(std::move(example));
    }
  }
}

// The bytes at which the code points of a text begin, and its end.
std::vector<size_t> code_points_of(const std::string& text) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size(); next_code_point(text, at)) starts.push_back(at);
  starts.push_back(text.size());
  return starts;
}

// Code points [begin, end) of a text.
std::string between(const std::string& text, const std::vector<size_t>& starts, int64_t begin, int64_t end) {
  if (begin > end || end >= std::ssize(starts)) throw Error(ErrorKind::InvalidInput, "a span lies outside the text");
  const size_t first = starts[static_cast<size_t>(begin)];
  return text.substr(first, starts[static_cast<size_t>(end)] - first);
}

std::string replaced(const std::string& text, const std::string& what, const std::string& by) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t found = text.find(what, at);
    out.append(text, at, found == std::string::npos ? found : found - at);
    if (found == std::string::npos) return out;
    out += by;
    at = found + what.size();
  }
}

void read_record(const Json& line, const LabelIndex&, Dataset& dataset) {
  const Json& passage = line.at("passage");
  const std::string source = text_of(passage, "text");
  const std::vector<size_t> starts = code_points_of(source);
  std::set<std::string> seen;
  std::vector<std::string> entities;
  for (const Json& entity : passage.at("entities")) {
    // `end` is the last code point, not the one behind it.
    const int64_t begin = position_of(entity, "start"), end = position_of(entity, "end") + 1;
    if (end - begin > kMaxEntity) throw Error(ErrorKind::InvalidInput, "an entity is too long for a name");
    std::string name = between(source, starts, begin, end);
    if (seen.insert(name).second) entities.push_back(std::move(name));
  }
  const std::string text = replaced(source, "\n@highlight\n", "\n");
  size_t candidates = 0;
  for (const Json& query : line.at("qas")) {
    const std::string asked = text_of(query, "query");
    std::vector<Answer> answers;
    for (const Json& answer : query.value("answers", Json::array())) answers.push_back({text_of(answer, "text"), 0});
    candidates += entities.size();
    require_memory(text, answers.size(), candidates);
    for (const std::string& entity : entities) {
      const bool right = std::ranges::find(answers, entity, &Answer::text) != answers.end();
      Example example = example_of(line, text, replaced(asked, "@placeholder", entity),
                                   answers.empty() ? -1 : static_cast<int32_t>(right));
      example.group = as_text(query.value("idx", Json()));
      example.id = example.group + "/" + entity;
      example.candidate = entity;
      example.answers = answers;
      dataset.examples.push_back(std::move(example));
    }
  }
}

// The text with a mark on both sides of code points [begin, end).
std::string marked(const std::string& text, int64_t begin, int64_t end, char mark) {
  const std::vector<size_t> starts = code_points_of(text);
  const std::string before = between(text, starts, 0, begin), inside = between(text, starts, begin, end);
  return before + mark + inside + mark + text.substr(before.size() + inside.size());
}

void read_wic(const Json& line, const LabelIndex& labels, Dataset& dataset) {
  const auto sentence = [&](const std::string& number) {
    return marked(text_of(line, ("sentence" + number).c_str()), position_of(line, "start" + number),
                  position_of(line, "end" + number), '*');
  };
  dataset.examples.push_back(example_of(line, sentence("1"), sentence("2"), label_of(line, labels)));
}

// Spans of WSC count words between blanks.
void read_wsc(const Json& line, const LabelIndex& labels, Dataset& dataset) {
  const Json& target = line.at("target");
  std::string text = text_of(line, "text");
  const auto mark = [&](const std::string& number, char sign) {
    const auto index = position_of(target, "span" + number + "_index");
    const std::string span = text_of(target, ("span" + number + "_text").c_str());
    size_t at = text.find_first_not_of(' ');
    for (int64_t word = 0; word < index && at != std::string::npos; ++word) {
      at = text.find_first_not_of(' ', text.find(' ', at));
    }
    if (at == std::string::npos) throw Error(ErrorKind::InvalidInput, "a span lies outside the text");
    // A quote or bracket, or the mark of the other span, may stand before the word.
    const size_t found = text.find(span, at);
    const bool there = !span.empty() && found != std::string::npos && found - at <= 2;
    const size_t begin = there ? found : at;
    const size_t end = there ? found + span.size() : std::min(text.find(' ', at), text.size());
    text.insert(end, 1, sign);
    text.insert(begin, 1, sign);
  };
  mark("1", '*');
  mark("2", '#');
  Example example = example_of(line, text, "", label_of(line, labels));
  example.has_pair = false;
  dataset.examples.push_back(std::move(example));
}

bool has_all(const Json& object, const std::vector<const char*>& members) {
  return object.is_object() &&
         std::ranges::all_of(members, [&](const char* member) { return object.contains(member); });
}

// The task by the members of its first lines and, where members are the same, by its labels or its folder.
std::optional<SuperGlueTask> task_of(const std::vector<Json>& lines, const std::string& folder) {
  const Labels two = {"entailment", "not_entailment"};
  const Labels truth = {"false", "true"}, numbers = {"0", "1"};
  const std::vector<std::string> accuracy = {"accuracy"};
  const Json& first = lines[0];
  const auto any_label = [&](std::initializer_list<const char*> wanted) {
    return std::ranges::any_of(lines, [&](const Json& line) {
      const std::string label = as_text(line.value("label", Json()));
      return std::ranges::find(wanted, label) != wanted.end();
    });
  };
  if (!first.is_object() || (!first.contains("idx") && !first.contains("qas"))) return std::nullopt;
  const Json passage = first.value("passage", Json());
  if (has_all(passage, {"text", "questions"})) {
    return SuperGlueTask{"MultiRC", numbers, {"f1a", "exact"}, read_multirc};
  }
  if (has_all(passage, {"text", "entities"}) && first.contains("qas")) {
    return SuperGlueTask{"ReCoRD", numbers, {"f1", "exact"}, read_record};
  }
  if (has_all(first, {"question", "passage"})) {
    return SuperGlueTask{"BoolQ", truth, accuracy, read_pair<kQuestion, kPassage>};
  }
  if (has_all(first, {"premise", "choice1", "choice2", "question"})) {
    return SuperGlueTask{"COPA", numbers, accuracy, read_copa};
  }
  if (has_all(first, {"word", "sentence1", "sentence2", "start1", "start2"})) {
    return SuperGlueTask{"WiC", truth, accuracy, read_wic};
  }
  if (has_all(first, {"text", "target"}) && first["target"].is_object()) {
    return SuperGlueTask{"WSC", truth, accuracy, read_wsc};
  }
  if (has_all(first, {"sentence1", "sentence2", "logic"})) {
    return SuperGlueTask{"AX-b", two, {"matthews"}, read_pair<kSentence1, kSentence2>};
  }
  if (!has_all(first, {"premise", "hypothesis"})) return std::nullopt;
  if (first.contains("pair_id")) {
    return SuperGlueTask{"AX-g", two, {"accuracy", "gender_parity"}, read_pair<kPremise, kHypothesis>};
  }
  if (any_label({"contradiction", "neutral"}) || folder == "CB") {
    return SuperGlueTask{
        "CB", {"contradiction", "entailment", "neutral"}, {"accuracy", "macro_f1"}, read_pair<kPremise, kHypothesis>};
  }
  if (any_label({"not_entailment"}) || folder == "RTE") {
    return SuperGlueTask{"RTE", two, accuracy, read_pair<kPremise, kHypothesis>};
  }
  return std::nullopt;
}

std::vector<Json> first_lines(const fs::path& file, size_t count) {
  LineReader reader(read_source_text(file));
  std::vector<Json> lines;
  std::string_view line;
  bool recoded = false;
  while (static_cast<size_t>(reader.number()) < count && reader.next(line)) {
    if (without_blanks(line).empty()) continue;
    try {
      Json object = parse_json(to_utf8(line, recoded), file.string());
      if (object.is_object()) lines.push_back(std::move(object));
    } catch (const Error&) {
      // Told when the split is loaded.
    }
  }
  return lines;
}

Dataset load_lines(const fs::path& file, const SuperGlueTask& task, const LabelIndex& labels,
                   const CancelToken& cancel) {
  constexpr size_t kMaxTextBytes = size_t{1} << 32;
  Dataset dataset;
  LineReader reader(read_source_text(file));
  std::string_view line;
  size_t taken = 0;
  while (reader.next(line)) {
    if (reader.number() % 256 == 1) cancel.throw_if_cancelled();
    if (without_blanks(line).empty()) continue;
    const size_t whole = dataset.examples.size();
    bool recoded = false;
    std::string fault;
    try {
      task.read(parse_json(to_utf8(line, recoded), "line"), labels, dataset);
    } catch (const Error& error) {
      fault = error.parts().what;
    } catch (const Json::exception&) {
      fault = "members of " + task.name + " are missing or of another type";
    }
    if (recoded) ++dataset.recoded;
    for (size_t i = whole; i < dataset.examples.size(); ++i) taken += dataset.examples[i].text.size();
    if (taken > kMaxTextBytes) {
      throw Error(ErrorKind::InvalidInput, {.what = "the passages of all candidates take too much memory",
                                            .where = file.string(),
                                            .got = "more than " + std::to_string(kMaxTextBytes) + " bytes",
                                            .wanted = {},
                                            .next = "Split the file."});
    }
    if (fault.empty()) continue;
    dataset.examples.resize(whole);
    skip_row(dataset.skipped, "line " + std::to_string(reader.number()), fault);
  }
  return dataset;
}

}  // namespace

bool open_superglue(Task& task, const std::map<std::string, fs::path>& file_of_split, bool one_file,
                    const TaskOptions& options) {
  if (!options.text_column.empty() || !options.label_column.empty() || options.kind) return false;
  std::vector<Json> lines;
  for (const char* split : {"train", "dev", "test"}) {
    const auto file = file_of_split.find(split);
    if (file == file_of_split.end() || !lines.empty()) continue;
    if (file->second.extension() == ".jsonl") lines = first_lines(file->second, 50);
  }
  if (lines.empty()) return false;
  const auto found = task_of(lines, file_of_split.begin()->second.parent_path().filename().string());
  if (!found) return false;
  const auto labels = std::make_shared<const LabelIndex>(found->labels, options.labels);
  task.kind = TaskKind::Classification;
  task.labels = labels->names();
  task.benchmark = "SuperGLUE " + found->name;
  task.metrics = found->metrics;
  task.metric = found->metrics[0];
  std::vector<SplitSource> sources;
  for (const auto& [split, file] : file_of_split) {
    task.description += split + ": " + file.filename().string() + ". ";
    sources.push_back({split,
                       [file = file, labels, kind = *found](const CancelToken& cancel) {
                         return load_lines(file, kind, *labels, cancel);
                       },
                       [file = file] { return std::vector<fs::path>{file}; }});
  }
  task.description += task.benchmark + " layout, by the members of the lines.";
  set_splits(task, std::move(sources), one_file);
  return true;
}

}  // namespace espalier
