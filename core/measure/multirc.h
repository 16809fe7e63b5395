#pragma once
#include <vector>

#include "measure/interval.h"

namespace espalier {

// One question of MultiRC (Khashabi 2018): each answer option is right or wrong for itself.
struct MultiRcQuestion {
  std::vector<bool> gold, predicted;  // an option
};

struct MultiRcQuality {
  Interval f1a;    // F1 of "right" pooled over the options of all questions; bootstrap over questions
  Interval exact;  // questions with every option right; Wilson
};
// InvalidInput when a question's sides differ in length.
MultiRcQuality multirc_quality(const std::vector<MultiRcQuestion>& questions);

}  // namespace espalier
