#include "data/squad.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "data/table.h"
#include "text/unicode.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// The beginning of a document that tells what it is.
constexpr size_t kHead = size_t{1} << 20;
constexpr size_t kMaxDocument = size_t{1} << 30;
// Every question holds its context: what all of a document's may take together.
constexpr size_t kMaxContextBytes = size_t{1} << 32;

enum class QaForm { Document, Lines, None };

QaForm form_of(const fs::path& file) {
  if (!is_table_file(file)) return QaForm::None;
  const SourceText source = read_source_text(file);
  const std::string_view head = source.text.substr(0, kHead);
  const auto has = [&](std::string_view text, const char* member) { return text.find(member) != text.npos; };
  if (!without_blanks(head.substr(0, 64)).starts_with('{')) return QaForm::None;
  if (has(head, "\"paragraphs\"") && has(head, "\"qas\"") && has(head, "\"context\"")) return QaForm::Document;
  const std::string_view line = head.substr(0, head.find(source.line_end));
  const bool flat = has(line, "\"question\"") && has(line, "\"context\"") && has(line, "\"answers\"");
  return flat && has(line, "\"answer_start\"") ? QaForm::Lines : QaForm::None;
}

bool may_be_impossible(const fs::path& file, QaForm form) {
  const SourceText source = read_source_text(file);
  const std::string_view head = source.text.substr(0, kHead);
  if (form == QaForm::Document) return head.find("\"is_impossible\"") != std::string_view::npos;
  return head.find("\"answer_start\": []") != std::string_view::npos ||
         head.find("\"answer_start\":[]") != std::string_view::npos;
}

// A context with the byte at which each of its code points begins, one more for its end.
struct Context {
  explicit Context(std::string context_text) : text(std::move(context_text)) {
    for (size_t at = 0; at < text.size(); next_code_point(text, at)) bytes.push_back(at);
    bytes.push_back(text.size());
  }
  bool holds(const std::string& answer, int64_t begin) const {
    return !answer.empty() && begin >= 0 && begin < static_cast<int64_t>(bytes.size()) &&
           text.compare(bytes[static_cast<size_t>(begin)], answer.size(), answer) == 0;
  }

  std::string text;
  std::vector<size_t> bytes;
};

void add_answer(Example& example, const Context& context, const Json& text, const Json& begin, std::string& fault) {
  const auto answer = text.get<std::string>();
  const auto start = begin.get<int64_t>();
  if (context.holds(answer, start)) {
    example.answers.push_back({answer, static_cast<int32_t>(start)});
  } else {
    fault = "\"" + answer.substr(0, 40) + "\" does not stand at " + std::to_string(start) + " of its context";
  }
}

// Adds the example, or counts why not.
void add_question(Dataset& dataset, const Context& context, Example example, const std::string& fault,
                  const std::string& place) {
  if (example.answers.empty() && !fault.empty()) return skip_row(dataset.skipped, place, fault);
  example.pair = context.text;
  example.has_pair = true;
  dataset.examples.push_back(std::move(example));
}

void read_question(Dataset& dataset, const Context& context, const Json& question, int64_t number) {
  Example example;
  std::string place = "question " + std::to_string(number);
  std::string fault;
  try {
    example.id = question.at("id").is_string() ? question.at("id").get<std::string>() : question.at("id").dump();
    place += " (" + example.id.substr(0, 40) + ")";
    example.text = question.at("question").get<std::string>();
    example.impossible = question.value("is_impossible", false);
    // The answers that SQuAD 2.0 calls plausible are none.
    for (const Json& answer : question.value("answers", Json::array())) {
      if (!example.impossible) add_answer(example, context, answer.at("text"), answer.at("answer_start"), fault);
    }
  } catch (const Json::exception&) {
    return skip_row(dataset.skipped, place, "members are missing or of another type");
  }
  add_question(dataset, context, std::move(example), fault, place);
}

Dataset load_document(const fs::path& file, const CancelToken& cancel) {
  const SourceText source = read_source_text(file);
  if (source.text.size() > kMaxDocument) {
    throw Error(ErrorKind::InvalidInput, {.what = "the document is too large to be read as a whole",
                                          .where = file.string(),
                                          .got = std::to_string(source.text.size()) + " bytes",
                                          .wanted = "at most " + std::to_string(kMaxDocument)});
  }
  bool recoded = false;
  const Json document = parse_json(to_utf8(source.text, recoded), file.string());
  Dataset dataset;
  dataset.recoded = recoded ? 1 : 0;
  int64_t number = 0;
  int64_t paragraphs = 0;
  size_t taken = 0;
  for (const Json& article : json_get<Json>(document, "data", file.string())) {
    cancel.throw_if_cancelled();
    for (const Json& paragraph : article.is_object() ? article.value("paragraphs", Json::array()) : Json::array()) {
      ++paragraphs;
      const bool whole = paragraph.is_object() && paragraph.contains("context") && paragraph["context"].is_string() &&
                         paragraph.contains("qas") && paragraph["qas"].is_array();
      if (!whole) {
        skip_row(dataset.skipped, "paragraph " + std::to_string(paragraphs), "no context or no questions");
        continue;
      }
      taken += paragraph["context"].get_ref<const std::string&>().size() * paragraph["qas"].size();
      if (taken > kMaxContextBytes) {
        throw Error(ErrorKind::InvalidInput, {.what = "the contexts of all questions take too much memory",
                                              .where = file.string(),
                                              .got = "more than " + std::to_string(kMaxContextBytes) + " bytes",
                                              .wanted = {},
                                              .next = "Split the document."});
      }
      const Context context(paragraph["context"].get<std::string>());
      for (const Json& question : paragraph["qas"]) {
        const bool is_object = question.is_object();
        ++number;
        if (is_object) {
          read_question(dataset, context, question, number);
        } else {
          skip_row(dataset.skipped, "question " + std::to_string(number), "no JSON object");
        }
      }
    }
  }
  return dataset;
}

void read_flat(Dataset& dataset, const Json& line, const std::string& place) {
  Example example;
  std::string fault;
  const Context context(line.at("context").get<std::string>());
  example.text = line.at("question").get<std::string>();
  if (line.contains("id")) example.id = line["id"].is_string() ? line["id"].get<std::string>() : line["id"].dump();
  const Json& answers = line.at("answers");
  const Json& texts = answers.at("text");
  const Json& begins = answers.at("answer_start");
  for (size_t i = 0; i < texts.size() && i < begins.size(); ++i) {
    add_answer(example, context, texts.at(i), begins.at(i), fault);
  }
  example.impossible = texts.is_array() && texts.empty();
  add_question(dataset, context, std::move(example), fault, place);
}

Dataset load_lines(const fs::path& file, const CancelToken& cancel) {
  Dataset dataset;
  LineReader reader(read_source_text(file));
  std::string_view line;
  while (reader.next(line)) {
    if (reader.number() % 256 == 1) cancel.throw_if_cancelled();
    if (without_blanks(line).empty()) continue;
    const std::string place = "line " + std::to_string(reader.number());
    bool recoded = false;
    try {
      read_flat(dataset, parse_json(to_utf8(line, recoded), place), place);
    } catch (const Error&) {
      skip_row(dataset.skipped, place, "no JSON");
    } catch (const Json::exception&) {
      skip_row(dataset.skipped, place, "members are missing or of another type");
    }
    if (recoded) ++dataset.recoded;
  }
  return dataset;
}

}  // namespace

bool open_squad(Task& task, const std::map<std::string, fs::path>& file_of_split, bool one_file,
                const TaskOptions& options) {
  if (options.kind && *options.kind != TaskKind::QuestionAnswering) return false;
  std::vector<SplitSource> sources;
  bool unanswerable = false;
  for (const auto& [split, file] : file_of_split) {
    const QaForm form = form_of(file);
    if (form == QaForm::None) return false;
    unanswerable = unanswerable || may_be_impossible(file, form);
    sources.push_back({split,
                       [file = file, form](const CancelToken& cancel) {
                         return form == QaForm::Document ? load_document(file, cancel) : load_lines(file, cancel);
                       },
                       [file = file] { return std::vector<fs::path>{file}; }});
    task.description += split + ": " + file.filename().string() + ". ";
  }
  task.kind = TaskKind::QuestionAnswering;
  task.benchmark = unanswerable ? "SQuAD 2.0" : "SQuAD 1.1";
  task.metrics = {"f1", "exact"};
  task.metric = "f1";
  task.description +=
      task.benchmark + " layout: questions on contexts" + (unanswerable ? ", some without an answer." : ".");
  set_splits(task, std::move(sources), one_file);
  return true;
}

}  // namespace espalier
