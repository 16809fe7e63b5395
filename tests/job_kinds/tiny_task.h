#pragma once
// A task of two words' difference, a tiny model for it, and a runner of jobs: what the tests of the job kinds share.

#include <gtest/gtest.h>

#include <fstream>

#include "job_kinds/job_kinds.h"
#include "jobs/runners.h"
#include "model/model.h"
#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {

inline const std::vector<std::string>& tiny_words() {
  static const std::vector<std::string> words = {"good", "fine", "great", "bad",  "poor", "awful", "the", "film",
                                                 "plot", "was",  "and",   "very", "a",    "cast",  "it",  "said"};
  return words;
}

inline Model tiny_task_model(int64_t layers = 2) {
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const std::string& word : tiny_words()) vocab += word + "\n";
  TinyShape shape;
  shape.layers = layers;
  shape.heads = 4;
  shape.vocab = static_cast<int64_t>(5 + tiny_words().size());
  Model model = tiny_model(7, shape);
  model.architecture.head.labels = {"negative", "positive"};
  model.tokenizer_files = {{"vocab.txt", std::make_shared<const std::string>(vocab)}};
  (*model.provenance)["name"] = "tiny";
  return model;
}

// The same words, read by an encoder and written by a decoder.
inline Architecture tiny_translator() {
  Architecture a = tiny_task_model().architecture;
  a.has_pooler = false;
  a.hidden_dropout = a.attention_dropout = 0;
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = a.embedding.vocab_size, .bias = false};
  a.decoder_embedding = a.embedding;
  a.decoder_embedding->type_vocab_size = 0;
  LayerSpec layer = a.layers.front();
  layer.cross = layer.attention;
  layer.attention.causal = true;
  a.decoder.assign(2, layer);
  return a;
}

// Sentences whose label says whether their judging word is one of the first three.
inline void write_split(const std::filesystem::path& file, int count, uint64_t seed) {
  Rng rng(seed);
  std::ofstream out(file);
  out << "sentence\tlabel\n";
  for (int i = 0; i < count; ++i) {
    const uint64_t judging = rng.below(6);
    const uint64_t padding = rng.below(6);
    std::string sentence = "the " + tiny_words()[7 + rng.below(2)] + " was";
    for (uint64_t p = 0; p < padding; ++p) sentence += " " + tiny_words()[10 + rng.below(6)];
    out << sentence << " " << tiny_words()[judging] << "\t" << (judging < 3 ? 1 : 0) << "\n";
  }
}

// A folder with "model" (a bundle) and "task" (train.tsv, dev.tsv).
class TinyWorld {
 public:
  TinyWorld() {
    save_bundle(tiny_task_model(), model());
    std::filesystem::create_directories(task());
    write_split(task() / "train.tsv", 160, 1);
    write_split(task() / "dev.tsv", 80, 2);
  }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path model() const { return folder_.path() / "model"; }
  std::filesystem::path task() const { return folder_.path() / "task"; }
  std::filesystem::path workspace() const { return folder_.path() / "workspace"; }

 private:
  TempDir folder_;
};

struct Outcome {
  JobEvent last;
  std::vector<Json> results;
  std::vector<std::string> series;
};

inline Outcome run_job_here(const std::string& kind, const Json& settings,
                            const std::filesystem::path& output_folder = {},
                            const std::function<void(const JobEvent&, JobRunner&)>& on_event = {}) {
  const auto runner = make_inline_runner(builtin_job_kinds());
  Outcome outcome;
  JobSpec spec;
  spec.kind = kind;
  spec.settings = settings;
  spec.output_folder = output_folder;
  runner->start(spec, [&](const JobEvent& event) {
    if (event.kind == JobEventKind::Result) outcome.results.push_back(event.result);
    if (event.kind == JobEventKind::Metric) outcome.series.push_back(event.series);
    if (event.is_final()) outcome.last = event;
    if (on_event) on_event(event, *runner);
  });
  return outcome;
}

inline Json answer_of(const std::string& kind, const Json& settings, const std::filesystem::path& output_folder = {}) {
  const Outcome outcome = run_job_here(kind, settings, output_folder);
  EXPECT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message << outcome.last.error.detail;
  return outcome.last.result;
}

}  // namespace espalier::test
