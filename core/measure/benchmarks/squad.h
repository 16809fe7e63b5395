#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "measure/answers.h"

namespace espalier {

// Files of SQuAD v1.1 and v2.0. Gold: {"data": [{"paragraphs": [{"context", "qas": [{"id", "answers": [{"text",
// "answer_start"}], "is_impossible"}]}]}]}.
struct SquadGold {
  std::vector<QuestionGold> questions;
  int64_t misplaced_answers = 0;  // whose answer_start does not point at their text
};
SquadGold read_squad_gold(const std::filesystem::path& file);

// {id: answer}, and optionally {id: no-answer score}.
std::map<std::string, QuestionPrediction> read_squad_predictions(const std::filesystem::path& file,
                                                                 const std::filesystem::path& no_answer_scores = {});

}  // namespace espalier
