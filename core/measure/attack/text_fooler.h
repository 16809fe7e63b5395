#pragma once
// TextFooler (Jin 2020, arXiv 1907.11932): words of a text are exchanged, most important first, until a classifier
// that sees texts and gives probabilities changes its answer. The release needs word vectors and a sentence encoder of
// its own; here candidates and the similarity of windows are pluggable. It keeps a substitution that lowers the
// probability of the original text; here, one that lowers the probability reached so far. Nothing is drawn at random:
// same input, same attack.

#include <optional>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "measure/attack/candidates.h"
#include "measure/attack/victim.h"
#include "measure/interval.h"

namespace espalier {

struct AttackOptions {
  std::string unknown_symbol = "[UNK]";  // stands for a word while its importance is measured
  size_t max_candidates = 50;            // a word
  size_t window = 15;                    // words around the changed one that are compared
  // Least similarity, 1 - angle between the windows in radians: 0.5 is 0.840845 on 1 - angle / pi. Texts shorter than
  // the window are held to the second.
  double least_similarity = 0.5;
  double least_short_similarity = 0.1;
};

enum class AttackOutcome { Skipped, Failed, Succeeded };  // skipped: wrong without an attack

struct AttackedExample {
  AttackOutcome outcome = AttackOutcome::Failed;
  int64_t queries = 0;          // texts that the victim answered: 1 + words + candidates of the words tried
  int64_t words = 0;            // of the attacked text
  std::vector<size_t> changed;  // positions of words, ascending; empty unless it succeeded
  VictimText adversary;         // the original unless it succeeded
  int32_t predicted = 0;        // for the adversary
};

// Of a pair the first text (the premise) stays as it is.
AttackedExample attack_text(const Victim& victim, const VictimText& original, int32_t label,
                            const CandidateSource& candidates, const WindowSimilarity& similarity,
                            const AttackOptions& options = {});

struct AttackReport {
  int64_t examples = 0, skipped = 0, failed = 0, succeeded = 0;
  Interval clean_accuracy;         // (failed + succeeded) of all examples; Wilson, as the two below
  Interval after_attack_accuracy;  // failed of all examples
  Interval success_rate;           // succeeded of those attacked
  double mean_queries = 0;         // of those attacked
  double mean_changed_frac = 0;    // of the words, of those that succeeded
  std::vector<AttackedExample> attacks;
};
// One label an example. `on_attack` hears of every example as it ends.
AttackReport attack_all(const Victim& victim, const std::vector<VictimText>& texts, const std::vector<int32_t>& labels,
                        const CandidateSource& candidates, const WindowSimilarity& similarity,
                        const AttackOptions& options, JobContext& context,
                        const std::function<void(size_t, const AttackedExample&)>& on_attack = {});

}  // namespace espalier
