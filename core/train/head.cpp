// Which head a kind of task needs, and which models can carry it.

#include "base/error.h"
#include "base/rng.h"
#include "train/fine_tune.h"
#include "train/fresh.h"

namespace espalier {
namespace {

int64_t label_count(const Task& task) {
  const auto labels = static_cast<int64_t>(task.labels.size());
  if (labels >= 2) return labels;
  const bool words = task.kind == TaskKind::TokenClassification;
  throw Error(
      ErrorKind::InvalidInput,
      {.what = words ? "tagging words needs at least two tags" : "a classification task needs at least two labels",
       .where = task.name,
       .got = std::to_string(labels),
       .wanted = "2 or more",
       .next = words ? "choose the column of the tags" : "choose the label column of the task"});
}

// The tasks that a model of this shape can learn, for a person.
std::string tasks_for(const Architecture& architecture) {
  if (architecture.has_decoder()) return "translation";
  if (architecture.is_causal()) return "language modelling";
  return "classification, regression, token classification, question answering or (masked) language modelling";
}

void require_shape(bool fits, const Model& model, const Task& task) {
  if (fits) return;
  const Architecture& a = model.architecture;
  const char* got = a.has_decoder() ? "an encoder with a decoder"
                    : a.is_causal() ? "a model that reads left to right"
                                    : "an encoder without a decoder";
  throw Error(ErrorKind::Unsupported,
              {.what = "a model of this shape cannot learn " + std::string(to_string(task.kind)),
               .where = display_name(model),
               .got = got,
               .wanted = task.kind == TaskKind::Translation         ? "an encoder with a decoder"
                         : task.kind == TaskKind::LanguageModelling ? "one stack of layers"
                                                                    : "an encoder",
               .next = "choose another model; this one can learn " + tasks_for(a)});
}

HeadSpec head_for(const Model& model, const Task& task) {
  const Architecture& a = model.architecture;
  const bool encoder = !a.has_decoder() && !a.is_causal();
  switch (task.kind) {
    case TaskKind::Classification:
      return {.kind = HeadKind::Classification, .num_labels = label_count(task), .labels = task.labels};
    case TaskKind::Regression:
      return {.kind = HeadKind::Regression, .num_labels = 1, .labels = task.labels};
    case TaskKind::TokenClassification:
      return {.kind = HeadKind::TokenClassification, .num_labels = label_count(task), .labels = task.labels};
    case TaskKind::QuestionAnswering:
      return {.kind = HeadKind::QuestionAnswering, .num_labels = 2};
    case TaskKind::LanguageModelling: {
      require_shape(!a.has_decoder(), model, task);
      if (!encoder) return {.kind = HeadKind::LanguageModel, .num_labels = a.embedding.vocab_size, .bias = false};
      return {.kind = HeadKind::MaskedLm,
              .num_labels = a.embedding.vocab_size,
              .dense = true,
              .width = embedding_word_width(a.embedding, a.hidden_size)};
    }
    case TaskKind::Translation:
      require_shape(a.has_decoder(), model, task);
      return {.kind = HeadKind::LanguageModel, .num_labels = a.decoder_embedding->vocab_size, .bias = false};
  }
  throw Error(ErrorKind::Internal, "unknown kind of task");
}

// What stands before the last linear of a recurrent model is a part of its design (Tang 2019), unlike what it answers.
void keep_pooling(HeadSpec& head, const HeadSpec& before) {
  if (before.pooling == Pooling::FirstToken) {
    head.pooling = Pooling::LastStates;
    return;
  }
  HeadSpec kept = before;
  kept.kind = head.kind;
  kept.num_labels = head.num_labels;
  kept.labels = head.labels;
  head = kept;
}

bool reads_pooler(HeadKind kind) { return kind == HeadKind::Classification || kind == HeadKind::Regression; }

}  // namespace

Model with_task_head(const Model& model, const Task& task, uint64_t seed) {
  const HeadSpec wanted = head_for(model, task);
  Model result = model;
  Architecture& architecture = result.architecture;
  if (architecture.head.kind == wanted.kind && architecture.head.num_labels == wanted.num_labels) {
    if (architecture.head.labels.empty()) architecture.head.labels = wanted.labels;
    return result;
  }
  const bool any_stack = task.kind == TaskKind::LanguageModelling || task.kind == TaskKind::Translation;
  // The last state of a recurrent stack has seen the whole text, whichever way it reads.
  const bool recurrent = architecture.is_recurrent();
  const bool reads_all = !architecture.has_decoder() && (recurrent || !architecture.is_causal());
  require_shape(any_stack || reads_all, model, task);
  const bool had_pooler = architecture.has_pooler;
  const HeadSpec before = architecture.head;
  architecture.head = wanted;
  if (recurrent && reads_pooler(wanted.kind)) keep_pooling(architecture.head, before);
  architecture.has_pooler = reads_pooler(wanted.kind) && !recurrent;  // one that nothing reads would only take room
  for (const std::string& slot : model.weights.slots()) {
    const bool unread = slot.starts_with("pooler.") && !architecture.has_pooler;
    if (slot.starts_with("head.") || unread) result.weights.remove(slot);
  }
  const Rng rng(seed);
  for (const Slot& slot : slots_of(architecture)) {
    if (slot.part == Part::Head || (slot.part == Part::Pooler && !had_pooler)) add_fresh_weight(result, slot, rng);
  }
  return result;
}

}  // namespace espalier
