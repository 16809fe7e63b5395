#pragma once
// The lab: short English reviews made in code. The label follows from known words (sentiment words, negation,
// contrast, intensity) among distractors, so the words that decide every example are known exactly.

#include "data/task.h"

namespace espalier {

struct LabOptions {
  uint64_t seed = 20240607;
  int64_t train_size = 24000;
  int64_t dev_size = 1500;
  int64_t test_size = 1500;
  int64_t shifted_size = 1500;  // harder: more negation and contrast, longer, distractors that correlate the other way
  double label_noise = 0.03;    // share of examples, in every split, whose label is turned around
};

// Splits "train", "dev", "test", "shifted"; labels "negative", "positive".
Task make_lab_task(const LabOptions& options = {});

// The lab's own WordPiece vocabulary (at most 4,000 entries) as a tokenizer file set (vocab.txt,
// tokenizer_config.json).
std::vector<TokenizerFile> lab_tokenizer_files();

}  // namespace espalier
