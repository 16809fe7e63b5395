#include "base/error.h"
#include "introspect/introspect.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/sentence.h"

namespace espalier {
namespace {

SaliencyOptions options_of(const JobSpec& spec, const std::string& method) {
  SaliencyOptions options;
  options.method = saliency_method_from(method);
  options.label = json_get_or(spec.settings, "label", options.label, kSettingsOf);
  options.steps = json_get_or(spec.settings, "steps", options.steps, kSettingsOf);
  options.samples = json_get_or(spec.settings, "samples", options.samples, kSettingsOf);
  options.noise = json_get_or(spec.settings, "noise", options.noise, kSettingsOf);
  options.seed = spec.seed;
  return options;
}

}  // namespace

Json saliency_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("saliency");
  const auto method =
      json_get_or(spec.settings, "method", std::string(to_string(SaliencyMethod::GradientXInput)), kSettingsOf);
  const SaliencyOptions options = options_of(spec, method);
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Encoding encoding = encode_sentence(spec.settings, model, *tokenizer);
  const Saliency saliency = explain_tokens(model, *tokenizer, encoding, options, context.cancel);
  Json answer = {{"tokens", saliency.tokens},
                 {"offsets", offsets_json(encoding)},
                 {"type_ids", encoding.type_ids},
                 {"scores", saliency.scores},
                 {"logits", saliency.logits},
                 {"probabilities", saliency.probabilities},
                 {"labels", label_names(model)},
                 {"explained_label", saliency.explained_label},
                 {"method", method}};
  if (saliency.explained_change) answer["explained_change"] = *saliency.explained_change;
  if (saliency.completeness_error) answer["completeness_error"] = *saliency.completeness_error;
  return answer;
}

Json saliency_score_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("opening the lab");
  std::vector<std::string> methods = json_get_or(spec.settings, "methods", std::vector<std::string>(), kSettingsOf);
  if (methods.empty()) {
    for (const SaliencyMethod method : saliency_methods()) methods.emplace_back(to_string(method));
  }
  std::vector<SaliencyOptions> options;
  for (const std::string& method : methods) options.push_back(options_of(spec, method));
  const Model model = open_job_model(json_get_or(spec.settings, "model", std::string("lab"), kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Task task = open_task("lab");
  const std::string split = evaluation_split(task, json_get_or(spec.settings, "split", std::string(), kSettingsOf));
  const Dataset dataset = task.load(split, context.cancel);
  const auto max_examples = json_get_or(spec.settings, "max_examples", int64_t{200}, kSettingsOf);
  const int64_t count = max_examples > 0 ? max_examples : static_cast<int64_t>(dataset.examples.size());
  Json answer = {{"methods", Json::array()}, {"split", split}};
  for (size_t i = 0; i < methods.size(); ++i) {
    context.progress.set_stage(methods[i] + " against the known words");
    const auto part = 1 / static_cast<double>(methods.size());
    JobContext scoring = context.slice(static_cast<double>(i) * part, static_cast<double>(i + 1) * part);
    const SaliencyScore score = score_saliency(model, *tokenizer, dataset, count, options[i], scoring);
    Json entry = {{"method", methods[i]}, {"seconds", score.seconds}};
    add_interval(entry, "precision_at_k", score.precision_at_k);
    add_interval(entry, "auc", score.auc);
    if (score.completeness_error) add_interval(entry, "completeness_error", *score.completeness_error);
    answer["methods"].push_back(entry);
    answer["chance"] = score.chance;
    answer["examples"] = score.examples;
  }
  return answer;
}

}  // namespace espalier
