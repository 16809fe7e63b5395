#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "engine/engine.h"
#include "measure/runner.h"
#include "text/tokenizer.h"

namespace espalier {

// One input of a classifier; has_pair tells an empty second text from none.
struct VictimText {
  std::string text;
  std::string pair;
  bool has_pair = false;
};

// The model under attack, seen from outside: texts in, one row of probabilities a text out.
using Victim = std::function<std::vector<std::vector<double>>(const std::vector<VictimText>& texts)>;

// The engine as the victim; all texts of a call go through it in batches. `engine` must outlive the victim.
Victim engine_victim(const Engine& engine, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                     CancelToken cancel);
// The same of whatever runs a model.
Victim runner_victim(const Runner& runner, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                     CancelToken cancel);

}  // namespace espalier
