// Attacks a model with TextFooler on examples of a task, with the model as it is deployed as the victim.
#include <chrono>
#include <memory>
#include <optional>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/quality/measure.h"
#include "measure/attack/text_fooler.h"
#include "measure/attack/word_vectors.h"
#include "measure/attack/wordnet.h"
#include "network/runtime.h"

namespace espalier {
namespace {

constexpr int64_t kDefaultExamples = 200;

std::optional<WordNet> open_wordnet(const Json& settings, const std::string& candidates) {
  const auto given = json_get_or(settings, "wordnet", std::string(), kSettingsOf);
  if (!given.empty()) return WordNet(given);
  const auto folder = WordNet::installed_folder();
  if (folder) return WordNet(*folder);
  if (candidates != "wordnet") return std::nullopt;
  throw Error(ErrorKind::InvalidInput, {.what = "WordNet is not installed",
                                        .where = {},
                                        .got = {},
                                        .wanted = "its database in $WNSEARCHDIR or /usr/share/wordnet",
                                        .next = "Install it (Debian package wordnet-base), or take candidates from the "
                                                "model's embeddings."});
}

// What a word that the tokenizer does not know becomes.
std::string unknown_symbol(const Tokenizer& tokenizer) {
  // No vocabulary holds a control character.
  return tokenizer.token(tokenizer.id("\x01"));
}

Json adversary_json(size_t index, const VictimText& original, int32_t label, const AttackedExample& attack) {
  Json json = {{"kind", "adversary"},
               {"index", index},
               {"text", original.text},
               {"adversary", attack.adversary.text},
               {"label", label},
               {"predicted", attack.predicted},
               {"queries", attack.queries},
               {"changed", attack.changed}};
  if (original.has_pair) {
    json["pair"] = original.pair;
    json["adversary_pair"] = attack.adversary.pair;
  }
  return json;
}

Json report_json(const AttackReport& report) {
  Json json = {{"examples", report.examples},
               {"skipped", report.skipped},
               {"failed", report.failed},
               {"succeeded", report.succeeded},
               {"mean_queries", report.mean_queries},
               {"mean_changed_frac", report.mean_changed_frac}};
  add_interval(json, "clean_accuracy", report.clean_accuracy);
  add_interval(json, "after_attack_accuracy", report.after_attack_accuracy);
  add_interval(json, "attack_success_rate", report.success_rate);
  return json;
}

}  // namespace

Json attack_job(const JobSpec& spec, JobContext& context) {
  const auto begin = std::chrono::steady_clock::now();
  const Json& settings = spec.settings;
  const auto kind = json_get_or(settings, "candidates", std::string(), kSettingsOf);
  if (!kind.empty() && kind != "wordnet" && kind != "embeddings") {
    throw Error(ErrorKind::InvalidInput, {.what = "unknown source of candidates",
                                          .where = std::string(kSettingsOf),
                                          .got = kind,
                                          .wanted = "wordnet or embeddings",
                                          .next = {}});
  }
  context.progress.set_stage("opening model and task");
  const Model model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf));
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), model);
  require_labelled_texts(task);
  if (task.kind != TaskKind::Classification) {
    throw Error(ErrorKind::InvalidInput, {.what = "an attack changes the label of a text",
                                          .where = task.name,
                                          .got = "a task of " + std::string(to_string(task.kind)),
                                          .wanted = "a classification task",
                                          .next = {}});
  }
  require_task_head(model, task);
  const int64_t max_length = job_max_length(settings, model);
  const std::string split_name = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  const LoadedSplit split =
      load_job_split(task, split_name, model, max_length,
                     json_get_or(settings, "max_examples", kDefaultExamples, kSettingsOf), context);
  require_labels(split, task, model);

  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const std::optional<WordNet> wordnet = open_wordnet(settings, kind);
  const WordVectors vectors(model, tokenizer);
  const BagSimilarity similarity(vectors);
  std::unique_ptr<CandidateSource> candidates;
  if (kind == "wordnet" || (kind.empty() && wordnet)) {
    candidates = std::make_unique<WordNetCandidates>(*wordnet);
  } else {
    candidates = std::make_unique<EmbeddingCandidates>(vectors, wordnet ? &*wordnet : nullptr);
  }
  AttackOptions options;
  options.unknown_symbol = unknown_symbol(*tokenizer);

  std::vector<VictimText> texts;
  for (const Example& example : split.dataset.examples) texts.push_back({example.text, example.pair, example.has_pair});
  const std::vector<int32_t> labels = split.labels();
  const std::unique_ptr<Runner> runner = make_runner(model);
  context.progress.set_stage("attacking");
  Json adversaries = Json::array();
  JobContext part = context.slice(0.02, 1);
  const AttackReport report =
      attack_all(runner_victim(*runner, tokenizer, max_length, context.cancel), texts, labels, *candidates, similarity,
                 options, part, [&](size_t index, const AttackedExample& attack) {
                   if (attack.outcome != AttackOutcome::Succeeded) return;
                   adversaries.push_back(adversary_json(index, texts[index], labels[index], attack));
                   context.result(adversaries.back());
                 });
  Json answer = report_json(report);
  answer["adversaries"] = adversaries;
  answer["candidates"] = candidates->name();
  answer["part_of_speech"] = candidates->part_of_speech_source();
  answer["similarity"] = similarity.name();
  answer["split"] = split.name;
  answer["kernels"] = runtime_kernels(model.architecture);
  answer["warnings"] = split.warnings;
  answer["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return answer;
}

}  // namespace espalier
