#pragma once
// Quality of a model on one split of a task: what is run, which members a row gets, what a file of predictions holds.
// One file a kind of task.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/sequences.h"
#include "data/task.h"
#include "job_kinds/lengths.h"
#include "job_kinds/row.h"
#include "measure/perplexity.h"
#include "measure/runner.h"

namespace espalier {

// What a model says of a split, as far as quality needs it. Which one follows from the kind of task.
using Outputs = std::variant<Tensor,                             // logits (N, C): classification, regression
                             std::vector<std::vector<int32_t>>,  // a tag a word, -1 for words that were cut off
                             std::vector<QaPrediction>, std::vector<TextLikelihood>,
                             std::vector<std::string>>;  // translations

class QualityMeasure {
 public:
  virtual ~QualityMeasure() = default;
  virtual Outputs run(const Runner& runner, JobContext& context) const = 0;
  // "examples", "metric" (the member to judge by) and the members with their intervals.
  virtual void add_quality(Json& row, const Outputs& outputs) const = 0;
  // Paired tests, loyalty and fidelity against a reference, as far as wanted.
  virtual void add_comparison(Json& row, const Outputs& outputs, const Outputs& reference,
                              const Measures& wanted) const = 0;
  // Whether the row lacks a member of what is wanted of its quality, or of its comparison with a reference.
  virtual bool lacks_quality(const Json& row, const Measures& wanted) const = 0;
  virtual bool lacks_comparison(const Json& row, const Measures& wanted) const = 0;
  // In the form of the task's benchmark. InvalidInput for a kind of file that it does not have.
  virtual void write_predictions(const std::filesystem::path& file, const Outputs& outputs) const = 0;
  // Whether there is a gold answer to measure by; else only predictions can be written.
  virtual bool labelled() const { return true; }
  // How it is measured, in words; part of a row, and of the identity of what is measured.
  virtual std::string conditions() const { return {}; }
  // The examples of a classification or regression, labels of which exist when labelled(); null for other tasks.
  virtual const EncodedDataset* encoded() const { return nullptr; }

  const std::string& split() const { return split_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  std::string split_;
  std::vector<std::string> warnings_;  // rows skipped, examples cut
};

struct QualitySettings {
  std::string split;         // empty: the task's own
  int64_t max_examples = 0;  // the first ones only; 0: all
  bool may_be_unlabelled = false;
  bool greedy = false;        // translations by greedy search, whatever the model says
  int64_t beams = 0;          // of translations; 0: as the model says
  double null_threshold = 0;  // of questions that may have no answer: the score above which there is none
  int64_t max_answer = 30;    // tokens of an answer
  SequenceLengths lengths;
  std::vector<std::string> names = {};  // labels as the data spell them, for predictions
};
// "split", "max_examples", "beams", "null_threshold", "max_answer" and those of job_lengths.
QualitySettings quality_settings(const Json& settings, const Model& model);

// Reads the split and encodes it for the model. InvalidInput when the model's head does not fit the task, when there is
// no example, or when an example lacks its gold answer.
std::unique_ptr<QualityMeasure> open_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                             JobContext& context);

// The engine, or the network for what the engine does not run and where libtorch is asked for.
std::unique_ptr<Runner> make_runner(const Model& model, const std::optional<Placement>& libtorch = {});

// --- One kind of task each ------------------------------------------------------------------------------------------

std::unique_ptr<QualityMeasure> open_text_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                                  JobContext& context);
std::unique_ptr<QualityMeasure> open_word_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                                  JobContext& context);
std::unique_ptr<QualityMeasure> open_answer_quality(const Task& task, const Model& model,
                                                    const QualitySettings& settings, JobContext& context);
std::unique_ptr<QualityMeasure> open_language_quality(const Task& task, const Model& model,
                                                      const QualitySettings& settings, JobContext& context);
std::unique_ptr<QualityMeasure> open_translation_quality(const Task& task, const Model& model,
                                                         const QualitySettings& settings, JobContext& context);

// Throws InvalidInput unless a file of predictions ends in one of these.
void require_ending(const std::filesystem::path& file, const std::vector<std::string>& endings,
                    const std::string& wanted);

// Blocks of running text for a model, with the tokenizer's special tokens around each for a masked language model.
std::vector<Encoding> text_blocks(const TokenStream& stream, const Model& model, const Tokenizer& tokenizer,
                                  int64_t length, int64_t stride);

}  // namespace espalier
