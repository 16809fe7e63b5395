#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/json_fwd.h"
#include "text/tokenizer.h"

namespace espalier {

enum class TaskKind {
  Classification,
  Regression,
  TokenClassification,
  QuestionAnswering,
  LanguageModelling,
  Translation
};
// "classification", "regression", "token classification", "question answering", "language modelling", "translation".
std::string_view to_string(TaskKind kind);
// The inverse; InvalidInput listing the kinds.
TaskKind task_kind_from(std::string_view name);

// An answer as it stands in the context of a question: text == context[begin, begin + its length), in code points.
struct Answer {
  std::string text;
  int32_t begin = 0;
};

// One example. What the members hold depends on the kind of task:
//   Classification, Regression  text, pair (optional), label or score
//   TokenClassification         text: the words with one blank between; words, tags
//   QuestionAnswering           text: the question; pair: the context; answers, impossible
//   LanguageModelling           text: one line of the running text, without its end
//   Translation                 text: the source; pair: the target
struct Example {
  std::string text;
  std::string pair;  // second text; has_pair tells an empty one from none
  bool has_pair = false;
  int32_t label = -1;                                 // index into Task::labels; -1 when unlabelled
  double score = 0;                                   // regression target
  std::vector<std::pair<int32_t, int32_t>> evidence;  // lab only: code point spans of the words that decide the label
  std::string id = {};                                // the data's own name of the example, where it has one
  // Examples of one group belong to one question (COPA, MultiRC, ReCoRD, AX-g); then `candidate` is the answer that
  // this example proposes and label says whether it is right.
  std::string group = {};
  std::string candidate = {};
  std::vector<Answer> answers = {};  // gold answers (ReCoRD: `begin` is 0); none when unlabelled or impossible
  bool impossible = false;           // the context does not answer the question (SQuAD 2.0)
  std::vector<std::string> words = {};
  std::vector<int32_t> tags = {};  // of words; indices into Task::labels, empty when unlabelled
};

// Rows that a reader could not use, with the first few told apart.
struct SkippedRows {
  int64_t count = 0;
  std::vector<std::string> first_reasons;  // "line 17: 3 fields, wanted 4"; at most 5
};

struct Dataset {
  std::vector<Example> examples;
  SkippedRows skipped;
  int64_t recoded = 0;  // rows or files with bytes that are no UTF-8: those bytes were read as Windows-1252
};

// How to find the fields; empty members are guessed and the guess is stated in Task::description.
struct TaskOptions {
  std::string text_column = {};   // name, or 0-based number as text
  std::string pair_column = {};   // "none": no second text
  std::string label_column = {};  // "none": no labels
  std::vector<std::string> labels =
      {};                            // fixes the order of labels; else model labels or sorted order of what is found
  std::string source_language = {};  // translation: endings of the file names, "de"
  std::string target_language = {};
  std::optional<TaskKind> kind = {};  // where a file may be read in more than one way
};

// The members of TaskOptions that are given, as "text_column", "labels", "kind", ... and back. InvalidInput for other
// members.
Json to_json(const TaskOptions& options);
TaskOptions task_options_from_json(const Json& json, std::string_view where);

// Whose data it is; members that nobody states are empty.
struct Provenance {
  std::string licence;   // "CC0-1.0"
  std::string source;    // where it comes from: a package, a paper, an address
  std::string checksum;  // of the package or archive that it was made from, "sha512-..."
};

// A task is a named set of splits. Opening reads only what is needed to know its layout.
struct Task {
  std::string name;  // "sst2", "lab"
  TaskKind kind = TaskKind::Classification;
  std::vector<std::string> labels;  // classification of texts or tokens: names by index
  std::string metric;               // the metric to choose by: "accuracy", "f1", "matthews", "pearson", ...
  std::string description;          // layout, columns, where each split comes from
  std::vector<std::string> splits;  // "train", "dev", "test", ...

  // Loads one split; InvalidInput naming the splits that exist. Thread-safe.
  std::function<Dataset(const std::string& split, const CancelToken& cancel)> load;
  // SHA-256-like identity of the content of a split is taken from these files (empty for generated data).
  std::function<std::vector<std::filesystem::path>(const std::string& split)> files;
  std::string generator = {};  // "lab 1" for generated data: enters hashes in place of files

  std::string benchmark = {};             // "GLUE MRPC", "SuperGLUE COPA", "SQuAD 2.0"; empty for other data
  std::vector<std::string> metrics = {};  // all that the benchmark reports, `metric` first
  Provenance provenance = {};
};

// Opens "lab", one data file, or a folder of them. Folders: train, dev and test files (GLUE, SuperGLUE, SQuAD, TSV,
// CSV, JSONL, JSON), one folder a class (IMDb), the same text in two languages (train.de, train.en), running text,
// words with tags in columns, or the one data file that lies there. What espalier-dataset.json in the folder says
// (dataset_card.h) holds where `options` say nothing.
Task open_task(const std::string& path_or_name, const TaskOptions& options = {});

// --- Tokenized ------------------------------------------------------------------------------------------------------

struct EncodedExample {
  Encoding encoding;
  int32_t label = -1;
  double score = 0;
};

struct EncodedDataset {
  std::vector<EncodedExample> examples;
  int64_t truncated = 0;  // examples that lost tokens to max_length
};

// Text or pair of each example, for classification and regression; the other kinds have their own ways (qa_windows.h,
// sequences.h).
EncodedDataset encode(const Dataset& dataset, const Tokenizer& tokenizer, int64_t max_length,
                      const CancelToken& cancel);

}  // namespace espalier
