#pragma once
// The objectives, one for each kind of task (one file each). Free of libtorch.

#include <memory>
#include <vector>

#include "data/masking.h"
#include "data/qa_windows.h"
#include "data/sequences.h"
#include "data/task.h"

namespace espalier {

class Objective;  // objective.h

// Classification (cross-entropy; dev: accuracy), or regression (mean squared error; dev: R^2) of a dataset whose labels
// are all -1. `labels_needed`: unlabelled training examples are InvalidInput. The data must outlive the objective.
std::shared_ptr<const Objective> make_text_objective(const EncodedDataset& train, const EncodedDataset& dev,
                                                     bool labels_needed);

// Tags of words: cross-entropy at the first token of every word. Dev: F1 of spans where the tags are B-X, I-X and O,
// else accuracy, both over whole words.
std::shared_ptr<const Objective> make_word_objective(EncodedWordDataset train, EncodedWordDataset dev,
                                                     std::vector<std::string> labels);

// Windows of questions on contexts; make_qa_windows made them of the dataset.
struct QuestionSet {
  Dataset dataset;
  std::vector<QaWindow> windows;
};
// Answers as spans: mean of the cross-entropies of start and end over the tokens of the window (Devlin 2019, section
// 4.2); a window without the answer points at its first token. Dev: F1 of SQuAD, 0..1.
std::shared_ptr<const Objective> make_answer_objective(QuestionSet train, QuestionSet dev);

// The next token of every block (cross-entropy). Dev: perplexity a token.
std::shared_ptr<const Objective> make_language_objective(std::vector<Encoding> train, std::vector<Encoding> dev);

// Masked tokens of every block, masked anew at every step. Dev: perplexity of the masked tokens under one masking that
// does not change.
std::shared_ptr<const Objective> make_masked_objective(std::vector<Encoding> train, std::vector<Encoding> dev,
                                                       MaskingRule rule);

// The target's tokens given the source and those before (teacher forcing). Dev: perplexity a target token: as dear as a
// training step, where BLEU would write every sentence.
std::shared_ptr<const Objective> make_translation_objective(EncodedTranslationDataset train,
                                                            EncodedTranslationDataset dev);

}  // namespace espalier
