#include "data/tagged_words.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "data/source_text.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr int kLinesLookedAt = 200;
// One line in so many may be damaged.
constexpr int kMostFaults = 4;
constexpr size_t kMaxTags = 1000;
constexpr const char* kDocumentStart = "-DOCSTART-";

struct Columns {
  size_t count = 0;
  size_t word = 0;
  size_t tag = 0;
};

std::vector<std::string_view> fields_of(std::string_view line) {
  const bool tabs = line.find('\t') != std::string_view::npos;
  std::vector<std::string_view> fields;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(tabs ? '\t' : ' ', at), line.size());
    if (tabs || end > at) fields.push_back(without_blanks(line.substr(at, end - at)));
    at = end + 1;
  }
  return fields;
}

bool is_chunk_tag(std::string_view tag) {
  return tag == "O" || (tag.size() > 2 && tag[1] == '-' && std::string_view("BIESLU").find(tag[0]) != tag.npos);
}

// A column given by its number; `otherwise` when none is given.
size_t chosen_column(const std::string& chosen, size_t otherwise, size_t count, const fs::path& file) {
  if (chosen.empty()) return otherwise;
  double number = 0;
  if (parse_number(chosen, number) && number >= 0 && number < static_cast<double>(count)) {
    return static_cast<size_t>(number);
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such column",
                                        .where = file.string(),
                                        .got = chosen,
                                        .wanted = "0 to " + std::to_string(count - 1)});
}

Columns columns_of(const fs::path& file, const TaskOptions& options) {
  LineReader reader(read_source_text(file));
  std::string_view line;
  while (reader.next(line)) {
    if (without_blanks(line).empty() || line.starts_with(kDocumentStart)) continue;
    const size_t count = fields_of(line).size();
    if (count < 2) break;
    return {count, chosen_column(options.text_column, 0, count, file),
            chosen_column(options.label_column, count - 1, count, file)};
  }
  throw Error(ErrorKind::InvalidInput, {.what = "the file holds no words with tags",
                                        .where = file.string(),
                                        .wanted = "a word and its tag on every line"});
}

struct Sentence {
  std::vector<std::string> words, tags;
  bool recoded = false;
  std::string fault;
  int64_t fault_line = 0;
};

void for_each_sentence(const fs::path& file, const Columns& columns, const CancelToken& cancel,
                       const std::function<void(Sentence&)>& use) {
  LineReader reader(read_source_text(file));
  Sentence sentence;
  std::string_view line;
  const auto finish = [&] {
    if (!sentence.words.empty() || !sentence.fault.empty()) use(sentence);
    sentence = {};
  };
  while (reader.next(line)) {
    if (reader.number() % 1024 == 1) cancel.throw_if_cancelled();
    if (without_blanks(line).empty()) {
      finish();
      continue;
    }
    if (line.starts_with(kDocumentStart)) continue;
    const std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() != columns.count) {
      if (sentence.fault.empty()) {
        sentence.fault = std::to_string(fields.size()) + " columns, wanted " + std::to_string(columns.count) +
                         "; its sentence is left out";
        sentence.fault_line = reader.number();
      }
      continue;
    }
    sentence.words.push_back(to_utf8(fields[columns.word], sentence.recoded));
    sentence.tags.push_back(to_utf8(fields[columns.tag], sentence.recoded));
  }
  finish();
}

Dataset load_sentences(const fs::path& file, const Columns& columns, const LabelIndex& labels,
                       const CancelToken& cancel) {
  Dataset dataset;
  int64_t number = 0;
  for_each_sentence(file, columns, cancel, [&](Sentence& sentence) {
    ++number;
    if (sentence.recoded) ++dataset.recoded;
    if (!sentence.fault.empty()) {
      return skip_row(dataset.skipped, "line " + std::to_string(sentence.fault_line), sentence.fault);
    }
    Example example;
    for (const std::string& tag : sentence.tags) {
      example.tags.push_back(labels.find(tag));
      if (example.tags.back() < 0) {
        return skip_row(dataset.skipped, "sentence " + std::to_string(number), "\"" + tag + "\" is no tag of the task");
      }
    }
    for (const std::string& word : sentence.words) example.text += (example.text.empty() ? "" : " ") + word;
    example.words = std::move(sentence.words);
    dataset.examples.push_back(std::move(example));
  });
  return dataset;
}

std::vector<std::string> tags_in(const fs::path& file, const Columns& columns) {
  std::set<std::string> found;
  for_each_sentence(file, columns, {}, [&](Sentence& sentence) {
    if (sentence.fault.empty() && found.size() <= kMaxTags) found.insert(sentence.tags.begin(), sentence.tags.end());
  });
  if (found.size() <= kMaxTags) return {found.begin(), found.end()};
  throw Error(ErrorKind::InvalidInput,
              {.what = "the column of tags has too many different values to be one",
               .where = file.string(),
               .got = "more than " + std::to_string(kMaxTags) + " values",
               .wanted = "at most " + std::to_string(kMaxTags),
               .next = "Name the column by its number: espalier inspect FILE --label-column NUMBER --save."});
}

}  // namespace

bool is_tagged_words(const fs::path& file, bool wanted) {
  LineReader reader(read_source_text(file));
  std::string_view line;
  size_t columns = 0;
  int tagged = 0, other = 0;
  while (reader.number() < kLinesLookedAt && reader.next(line)) {
    if (without_blanks(line).empty() || line.starts_with(kDocumentStart)) continue;
    const std::vector<std::string_view> fields = fields_of(line);
    if (columns == 0) columns = fields.size();
    const bool fits = fields.size() > 1 && fields.size() == columns && (wanted || is_chunk_tag(fields.back()));
    ++(fits ? tagged : other);
  }
  return tagged > 0 && kMostFaults * other <= tagged;
}

void open_tagged_words(Task& task, const std::map<std::string, fs::path>& file_of_split, bool one_file,
                       const TaskOptions& options) {
  const auto training = file_of_split.find("train");
  const fs::path first = training != file_of_split.end() ? training->second : file_of_split.begin()->second;
  const Columns columns = columns_of(first, options);
  const auto labels = std::make_shared<const LabelIndex>(in_label_order(tags_in(first, columns)), options.labels);
  task.kind = TaskKind::TokenClassification;
  task.labels = labels->names();
  const bool chunks = std::ranges::all_of(task.labels, [](const std::string& tag) { return is_chunk_tag(tag); });
  task.metrics = chunks ? std::vector<std::string>{"span_f1", "accuracy"} : std::vector<std::string>{"accuracy"};
  task.metric = task.metrics[0];
  std::vector<SplitSource> sources;
  for (const auto& [split, file] : file_of_split) {
    task.description += split + ": " + file.filename().string() + ". ";
    sources.push_back({split,
                       [file = file, columns, labels](const CancelToken& cancel) {
                         return load_sentences(file, columns, *labels, cancel);
                       },
                       [file = file] { return std::vector<fs::path>{file}; }});
  }
  task.description += "Words in column " + std::to_string(columns.word) + ", tags in column " +
                      std::to_string(columns.tag) + ". " + std::to_string(task.labels.size()) + " tags.";
  set_splits(task, std::move(sources), one_file);
}

}  // namespace espalier
