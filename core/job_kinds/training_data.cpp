#include "job_kinds/training_data.h"

#include "base/error.h"
#include "job_kinds/generation.h"
#include "job_kinds/quality/measure.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

class Reader {
 public:
  Reader(const Task& task, const Model& model, const TrainingDataSettings& settings, JobContext& context)
      : task_(task),
        model_(model),
        settings_(settings),
        context_(context),
        tokenizer_(load_tokenizer(model.tokenizer_files, display_name(model))) {}

  TrainingData run() {
    switch (task_.kind) {
      case TaskKind::Classification:
      case TaskKind::Regression:
        read_texts();
        break;
      case TaskKind::TokenClassification:
        data_.objective = make_word_objective(words(settings_.train_split), words(settings_.dev_split), task_.labels);
        break;
      case TaskKind::QuestionAnswering:
        data_.objective = make_answer_objective(questions(settings_.train_split), questions(settings_.dev_split));
        break;
      case TaskKind::LanguageModelling:
        read_running_text();
        break;
      case TaskKind::Translation:
        data_.objective = make_translation_objective(pairs(settings_.train_split), pairs(settings_.dev_split));
        break;
    }
    return std::move(data_);
  }

 private:
  Dataset load(const std::string& split) { return load_examples(task_, split, 0, data_.warnings, context_.cancel); }
  void warn_of_cut(int64_t cut, size_t examples, const std::string& split, int64_t length) {
    if (cut > 0) data_.warnings.push_back(cut_warning(cut, examples, split, length));
  }

  void read_texts() {
    const auto read = [&](const std::string& split) {
      auto loaded = std::make_unique<LoadedSplit>(
          load_job_split(task_, split, model_, settings_.lengths.max_length, 0, context_));
      require_labels(*loaded, task_, model_);
      data_.warnings.insert(data_.warnings.end(), loaded->warnings.begin(), loaded->warnings.end());
      return loaded;
    };
    data_.train = read(settings_.train_split);
    data_.dev = read(settings_.dev_split);
    data_.objective = make_text_objective(data_.train->encoded, data_.dev->encoded, settings_.labels_needed);
  }

  EncodedWordDataset words(const std::string& split) {
    const Dataset dataset = load(split);
    EncodedWordDataset encoded = encode_words(dataset, *tokenizer_, settings_.lengths.max_length, context_.cancel);
    warn_of_cut(encoded.truncated, dataset.examples.size(), split, settings_.lengths.max_length);
    return encoded;
  }

  QuestionSet questions(const std::string& split) {
    QuestionSet set;
    set.dataset = load(split);
    set.windows = make_qa_windows(set.dataset, *tokenizer_, settings_.lengths.windows, context_.cancel);
    return set;
  }

  std::vector<Encoding> blocks(const std::string& split) {
    const TokenStream stream = token_stream(load(split), *tokenizer_, context_.cancel);
    std::vector<Encoding> found =
        text_blocks(stream, model_, *tokenizer_, settings_.lengths.block_length, settings_.lengths.block_stride);
    if (!found.empty()) return found;
    throw Error(ErrorKind::InvalidInput, {.what = "the text is too short to learn from",
                                          .where = task_.name + " " + split,
                                          .got = std::to_string(stream.ids.size()) + " tokens",
                                          .wanted = "at least 2",
                                          .next = {}});
  }

  void read_running_text() {
    std::vector<Encoding> train = blocks(settings_.train_split), dev = blocks(settings_.dev_split);
    if (model_.architecture.head.kind == HeadKind::MaskedLm) {
      data_.objective =
          make_masked_objective(std::move(train), std::move(dev), masking_rule(*tokenizer_, settings_.masked_frac));
    } else {
      data_.objective = make_language_objective(std::move(train), std::move(dev));
    }
  }

  EncodedTranslationDataset pairs(const std::string& split) {
    const Dataset dataset = load(split);
    const SequenceLengths& lengths = settings_.lengths;
    EncodedTranslationDataset encoded = encode_translation(dataset, *tokenizer_, *tokenizer_, lengths.max_source_length,
                                                           lengths.max_target_length, context_.cancel);
    warn_of_cut(encoded.truncated, dataset.examples.size(), split, lengths.max_source_length);
    end_targets(encoded, generation_of(model_, *tokenizer_, lengths.max_target_length), lengths.max_target_length);
    return encoded;
  }

  const Task& task_;
  const Model& model_;
  const TrainingDataSettings& settings_;
  JobContext& context_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TrainingData data_;
};

}  // namespace

TrainingData open_training_data(const Task& task, const Model& model, const TrainingDataSettings& settings,
                                JobContext& context) {
  return Reader(task, model, settings, context).run();
}

Model ready_for_training(const Model& model, const Task& task, const SequenceLengths& lengths, uint64_t seed) {
  Model ready = with_task_head(model, task, seed);
  if (task.kind == TaskKind::Translation) {
    const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
    ready.architecture.generation = generation_of(model, *tokenizer, lengths.max_target_length);
  }
  return ready;
}

void require_same_tokens(const Model& teacher, const Model& student) {
  const auto of_teacher = load_tokenizer(teacher.tokenizer_files, display_name(teacher));
  const auto of_student = load_tokenizer(student.tokenizer_files, display_name(student));
  const int64_t size = of_student->vocab_size();
  bool same = of_teacher->vocab_size() == size;
  for (int64_t id = 0; same && id < size; ++id) {
    same = of_teacher->token(static_cast<TokenId>(id)) == of_student->token(static_cast<TokenId>(id));
  }
  if (same) return;
  throw Error(ErrorKind::InvalidInput, {.what = "the teacher reads other tokens than the student",
                                        .where = display_name(teacher),
                                        .got = std::to_string(of_teacher->vocab_size()) + " tokens",
                                        .wanted = "the student's " + std::to_string(size),
                                        .next = "choose a teacher with the same vocabulary"});
}

}  // namespace espalier
