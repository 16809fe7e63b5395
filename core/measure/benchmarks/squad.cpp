#include "measure/benchmarks/squad.h"

#include "base/error.h"
#include "base/json.h"
#include "measure/benchmarks/json_lines.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// Whether `text` stands at code point `start` of the context.
bool stands_at(const std::string& context, int64_t start, const std::string& text) {
  size_t at = 0;
  for (int64_t i = 0; i < start && at < context.size(); ++i) next_code_point(context, at);
  return start >= 0 && context.compare(at, text.size(), text) == 0;
}

}  // namespace

SquadGold read_squad_gold(const std::filesystem::path& file) {
  const std::string where = file.string();
  const Json json = read_json_file(file);
  SquadGold gold;
  for (const Json& article : json_get<std::vector<Json>>(json, "data", where)) {
    for (const Json& paragraph : json_get<std::vector<Json>>(article, "paragraphs", where)) {
      const auto context = json_get<std::string>(paragraph, "context", where);
      for (const Json& question : json_get<std::vector<Json>>(paragraph, "qas", where)) {
        QuestionGold one;
        one.id = json_get<std::string>(question, "id", where);
        const std::string place = where + ", question \"" + one.id + "\"";
        const bool impossible = json_get_or(question, "is_impossible", false, place);
        for (const Json& answer : json_get_or(question, "answers", std::vector<Json>(), place)) {
          if (impossible) continue;
          one.answers.push_back(json_get<std::string>(answer, "text", place));
          const auto start = json_get_or(answer, "answer_start", int64_t{-1}, place);
          gold.misplaced_answers += !stands_at(context, start, one.answers.back());
        }
        gold.questions.push_back(std::move(one));
      }
    }
  }
  if (gold.questions.empty()) throw_unmatched_example("there are no questions", where);
  return gold;
}

std::map<std::string, QuestionPrediction> read_squad_predictions(const std::filesystem::path& file,
                                                                 const std::filesystem::path& no_answer_scores) {
  std::map<std::string, QuestionPrediction> predictions;
  const auto read_object = [](const std::filesystem::path& path) {
    Json json = read_json_file(path);
    if (json.is_object()) return json;
    throw Error(ErrorKind::Format, {.what = "this is no file of predictions",
                                    .where = path.string(),
                                    .got = json.type_name(),
                                    .wanted = "an object with a member a question",
                                    .next = {}});
  };
  const Json answers = read_object(file);
  for (const auto& [id, value] : answers.items()) {
    predictions[id].answer = json_get<std::string>(answers, id, file.string());
  }
  if (no_answer_scores.empty()) return predictions;
  const Json scores = read_object(no_answer_scores);
  for (auto& [id, prediction] : predictions) {
    prediction.no_answer_score = json_get<double>(scores, id, no_answer_scores.string());
  }
  return predictions;
}

}  // namespace espalier
