#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/safetensors.h"
#include "introspect/introspect.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "job_kinds/sentence.h"

namespace espalier {
namespace {

std::vector<double> softmax(const std::vector<float>& logits) {
  std::vector<double> p;
  double sum = 0;
  const float top = logits.empty() ? 0 : *std::max_element(logits.begin(), logits.end());
  for (const float logit : logits) {
    p.push_back(std::exp(static_cast<double>(logit - top)));
    sum += p.back();
  }
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace

Json attention_job(const JobSpec& spec, JobContext& context) {
  if (spec.output_folder.empty()) {
    throw Error(ErrorKind::InvalidInput, "attention needs an output folder for its maps");
  }
  context.progress.set_stage("attention");
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Encoding encoding = encode_sentence(spec.settings, model, *tokenizer);
  const AttentionCapture capture = capture_attention(model, encoding);
  context.cancel.throw_if_cancelled();
  TensorFile content;
  for (size_t layer = 0; layer < capture.layers.size(); ++layer) {
    content.tensors["attentions." + std::to_string(layer)] = capture.layers[layer];
  }
  std::filesystem::create_directories(spec.output_folder);
  const std::filesystem::path file = spec.output_folder / "attention.safetensors";
  write_safetensors(file, content);
  Json answer = {{"tokens", capture.tokens},
                 {"offsets", offsets_json(encoding)},
                 {"type_ids", encoding.type_ids},
                 {"labels", label_names(model)},
                 {"file", file.string()}};
  if (model.architecture.head.kind == HeadKind::Classification) answer["probabilities"] = softmax(capture.logits);
  return answer;
}

}  // namespace espalier
