#include "introspect/introspect.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/sentence.h"

namespace espalier {

Json saliency_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("saliency");
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Encoding encoding = encode_sentence(spec.settings, model, *tokenizer);
  const auto label = json_get_or(spec.settings, "label", int32_t{-1}, kSettingsOf);
  const Saliency saliency = gradient_x_input(model, *tokenizer, encoding, label);
  return {{"tokens", saliency.tokens},
          {"offsets", offsets_json(encoding)},
          {"type_ids", encoding.type_ids},
          {"scores", saliency.scores},
          {"probabilities", saliency.probabilities},
          {"labels", label_names(model)},
          {"explained_label", saliency.explained_label},
          {"method", "gradient_x_input"}};
}

Json saliency_score_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("saliency against the known words");
  const Model model = open_job_model(json_get_or(spec.settings, "model", std::string("lab"), kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Task task = open_task("lab");
  const std::string split = evaluation_split(task, json_get_or(spec.settings, "split", std::string(), kSettingsOf));
  const Dataset dataset = task.load(split, context.cancel);
  const auto max_examples = json_get_or(spec.settings, "max_examples", int64_t{200}, kSettingsOf);
  const SaliencyScore score = score_saliency(model, *tokenizer, dataset, max_examples, context);
  return {{"precision_at_k", score.precision_at_k},
          {"chance", score.chance},
          {"auc", score.auc},
          {"examples", score.examples},
          {"split", split}};
}

}  // namespace espalier
