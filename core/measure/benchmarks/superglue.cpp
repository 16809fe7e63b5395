#include "measure/benchmarks/superglue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "formats/atomic_file.h"
#include "measure/answers.h"
#include "measure/benchmarks/json_lines.h"
#include "measure/multirc.h"
#include "measure/quality.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

using Files = const fs::path&;

// Labels by idx, as text.
using Labels = std::map<std::string, std::string>;

Labels read_labels(Files file) {
  Labels labels;
  for_each_json_line(file, [&](const Json& line, const std::string& where) {
    const std::string idx = label_text(json_get<Json>(line, "idx", where), where);
    if (!labels.emplace(idx, label_text(json_get<Json>(line, "label", where), where)).second) {
      throw_unmatched_example("an idx occurs twice", where);
    }
  });
  return labels;
}

// Gold and predicted labels of the same examples, as indices into `names`.
struct Pairs {
  std::vector<std::string> ids;
  std::vector<int32_t> gold, predicted;
};

Pairs read_pairs(Files predictions, Files gold, const std::vector<std::string>& names) {
  const Labels said = read_labels(predictions), right = read_labels(gold);
  const auto index_of = [&](const std::string& label, Files file, const std::string& idx) {
    const auto found = std::ranges::find(names, label);
    if (found != names.end()) return static_cast<int32_t>(found - names.begin());
    throw Error(ErrorKind::InvalidInput, {.what = "unknown label",
                                          .where = fmt::format("{}, idx {}", file.string(), idx),
                                          .got = fmt::format("\"{}\"", label),
                                          .wanted = fmt::format("{}", fmt::join(names, ", ")),
                                          .next = {}});
  };
  Pairs pairs;
  for (const auto& [idx, label] : right) {
    const auto found = said.find(idx);
    if (found == said.end())
      throw_unmatched_example("an example has no prediction", predictions.string() + ", idx " + idx);
    pairs.ids.push_back(idx);
    pairs.gold.push_back(index_of(label, gold, idx));
    pairs.predicted.push_back(index_of(found->second, predictions, idx));
  }
  for (const auto& [idx, label] : said) {
    if (!right.contains(idx))
      throw_unmatched_example("a prediction is of no example", predictions.string() + ", idx " + idx);
  }
  if (pairs.ids.empty()) throw_unmatched_example("there are no examples", gold.string());
  return pairs;
}

double accuracy_percent(const Pairs& pairs) {
  int64_t hits = 0;
  for (size_t i = 0; i < pairs.gold.size(); ++i) hits += pairs.gold[i] == pairs.predicted[i];
  return 100 * static_cast<double>(hits) / static_cast<double>(pairs.gold.size());
}

TaskScore with_accuracy(const std::string& task, const Pairs& pairs) {
  return {task, {{"accuracy", accuracy_percent(pairs)}}, static_cast<int64_t>(pairs.gold.size())};
}

// Share of the pairs of sentences, alike but for the gender, that get one answer.
double gender_parity_percent(const Pairs& pairs, Files gold) {
  std::map<std::string, std::string> pair_of;
  for_each_json_line(gold, [&](const Json& line, const std::string& where) {
    pair_of[label_text(json_get<Json>(line, "idx", where), where)] =
        label_text(json_get<Json>(line, "pair_id", where), where);
  });
  std::map<std::string, std::vector<int32_t>> answers;
  for (size_t i = 0; i < pairs.ids.size(); ++i) answers[pair_of.at(pairs.ids[i])].push_back(pairs.predicted[i]);
  int64_t same = 0, count = 0;
  for (const auto& [pair, labels] : answers) {
    if (labels.size() != 2) continue;
    ++count;
    same += labels[0] == labels[1];
  }
  return count == 0 ? 100 : 100 * static_cast<double>(same) / static_cast<double>(count);
}

// Labels of answer options by passage, question and option.
using OptionLabels = std::map<std::array<int64_t, 3>, bool>;

OptionLabels read_options(Files file) {
  OptionLabels labels;
  for_each_json_line(file, [&](const Json& line, const std::string& where) {
    const auto passage = json_get<int64_t>(line, "idx", where);
    const Json body = json_get<Json>(line, "passage", where);
    for (const Json& question : json_get<std::vector<Json>>(body, "questions", where)) {
      const auto question_idx = json_get<int64_t>(question, "idx", where);
      for (const Json& answer : json_get<std::vector<Json>>(question, "answers", where)) {
        const std::string label = label_text(json_get<Json>(answer, "label", where), where);
        labels[{passage, question_idx, json_get<int64_t>(answer, "idx", where)}] = label == "1" || label == "true";
      }
    }
  });
  return labels;
}

TaskScore score_multirc(Files predictions, Files gold) {
  const OptionLabels said = read_options(predictions), right = read_options(gold);
  std::map<std::array<int64_t, 2>, MultiRcQuestion> questions;
  for (const auto& [at, label] : right) {
    const auto found = said.find(at);
    if (found == said.end()) {
      throw_unmatched_example(
          "an answer option has no prediction",
          fmt::format("{}, passage {}, question {}, answer {}", predictions.string(), at[0], at[1], at[2]));
    }
    MultiRcQuestion& question = questions[{at[0], at[1]}];
    question.gold.push_back(label);
    question.predicted.push_back(found->second);
  }
  if (said.size() != right.size()) throw_unmatched_example("predictions are of no answer option", predictions.string());
  std::vector<MultiRcQuestion> all;
  for (auto& [at, question] : questions) all.push_back(std::move(question));
  const MultiRcQuality quality = multirc_quality(all);
  return {"MultiRC",
          {{"f1a", 100 * quality.f1a.value}, {"exact", 100 * quality.exact.value}},
          static_cast<int64_t>(all.size())};
}

TaskScore score_record(Files predictions, Files gold) {
  const Labels said = read_labels(predictions);
  double exact = 0, f1 = 0;
  int64_t count = 0;
  for_each_json_line(gold, [&](const Json& line, const std::string& where) {
    for (const Json& question : json_get<std::vector<Json>>(line, "qas", where)) {
      const std::string idx = label_text(json_get<Json>(question, "idx", where), where);
      const auto found = said.find(idx);
      if (found == said.end())
        throw_unmatched_example("a query has no prediction", predictions.string() + ", idx " + idx);
      std::vector<std::string> answers;
      for (const Json& answer : json_get<std::vector<Json>>(question, "answers", where)) {
        answers.push_back(json_get<std::string>(answer, "text", where));
      }
      const AnswerScore score = best_score(found->second, answers);
      exact += score.exact;
      f1 += score.f1;
      ++count;
    }
  });
  if (count == 0) throw_unmatched_example("there are no queries", gold.string());
  if (static_cast<int64_t>(said.size()) != count) {
    throw_unmatched_example("predictions are of no query", predictions.string());
  }
  const auto n = static_cast<double>(count);
  return {"ReCoRD", {{"f1", 100 * f1 / n}, {"exact", 100 * exact / n}}, count};
}

struct TaskDefinition {
  std::string name;
  std::function<TaskScore(Files predictions, Files gold)> score;
};

const std::vector<TaskDefinition>& task_definitions() {
  static const std::vector<std::string> truth = {"false", "true"}, choices = {"0", "1"},
                                        entailment = {"entailment", "not_entailment"},
                                        three = {"contradiction", "entailment", "neutral"};
  const auto accuracy = [](const std::string& name, const std::vector<std::string>& labels) {
    return TaskDefinition{name,
                          [name, &labels](Files p, Files g) { return with_accuracy(name, read_pairs(p, g, labels)); }};
  };
  static const std::vector<TaskDefinition> definitions = {
      accuracy("BoolQ", truth),
      {"CB",
       [](Files p, Files g) {
         const Pairs pairs = read_pairs(p, g, three);
         TaskScore score = with_accuracy("CB", pairs);
         score.metrics.emplace_back("f1", 100 * macro_f1(pairs.gold, pairs.predicted, 3));
         return score;
       }},
      accuracy("COPA", choices),
      {"MultiRC", score_multirc},
      {"ReCoRD", score_record},
      accuracy("RTE", entailment),
      accuracy("WiC", truth),
      accuracy("WSC", truth),
      {"AX-b",
       [](Files p, Files g) {
         const Pairs pairs = read_pairs(p, g, entailment);
         return TaskScore{"AX-b",
                          {{"matthews", 100 * matthews(pairs.gold, pairs.predicted, 2)}},
                          static_cast<int64_t>(pairs.gold.size())};
       }},
      {"AX-g", [](Files p, Files g) {
         const Pairs pairs = read_pairs(p, g, entailment);
         TaskScore score = with_accuracy("AX-g", pairs);
         score.metrics.emplace_back("gender_parity", gender_parity_percent(pairs, g));
         return score;
       }}};
  return definitions;
}

const TaskDefinition& definition_of(Files file) {
  const std::string name = file.stem().string();
  std::string names;
  for (const TaskDefinition& definition : task_definitions()) {
    if (definition.name == name) return definition;
    names += (names.empty() ? "" : ", ") + definition.name;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "the file's name is not that of a SuperGLUE task",
                                        .where = file.string(),
                                        .got = fmt::format("\"{}\"", name),
                                        .wanted = names,
                                        .next = {}});
}

fs::path gold_of(const std::string& task, const fs::path& gold_folder) {
  for (const char* name : {"val.jsonl", "dev.jsonl"}) {
    if (fs::exists(gold_folder / task / name)) return gold_folder / task / name;
  }
  return gold_folder / task / (task + ".jsonl");
}

}  // namespace

BenchmarkTable superglue_table(std::vector<TaskScore> tasks) {
  return benchmark_table(std::move(tasks),
                         {{"BoolQ"}, {"CB"}, {"COPA"}, {"MultiRC"}, {"ReCoRD"}, {"RTE"}, {"WiC"}, {"WSC"}});
}

void write_superglue_predictions(const fs::path& file, const std::vector<std::pair<Json, Json>>& idx_and_label) {
  write_file_atomically(file, [&](std::ostream& out) {
    for (const auto& [idx, label] : idx_and_label) {
      const Json line = {{"idx", idx}, {"label", label}};
      out << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    }
  });
}

TaskScore score_superglue_task(Files predictions, Files gold) {
  return definition_of(predictions).score(predictions, gold);
}

BenchmarkTable score_superglue(const std::vector<fs::path>& predictions, const fs::path& gold_folder,
                               const CancelToken& cancel) {
  std::vector<TaskScore> tasks;
  for (const fs::path& file : predictions) {
    cancel.throw_if_cancelled();
    const TaskDefinition& definition = definition_of(file);
    tasks.push_back(definition.score(file, gold_of(definition.name, gold_folder)));
  }
  return superglue_table(std::move(tasks));
}

}  // namespace espalier
