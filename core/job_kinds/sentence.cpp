#include "job_kinds/sentence.h"

#include "base/error.h"
#include "job_kinds/kinds.h"

namespace espalier {

Encoding encode_sentence(const Json& settings, const Model& model, const Tokenizer& tokenizer) {
  const auto text = json_get<std::string>(settings, "text", kSettingsOf);
  const auto pair = json_get_or(settings, "pair", std::string(), kSettingsOf);
  if (text.empty() && pair.empty()) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "there is no text to look at", .where = {}, .got = {}, .wanted = "a sentence", .next = {}});
  }
  EncodeOptions options;
  options.max_length = model.architecture.embedding.max_positions;
  return pair.empty() ? tokenizer.encode(text, options) : tokenizer.encode_pair(text, pair, options);
}

Json offsets_json(const Encoding& encoding) {
  Json offsets = Json::array();
  for (size_t i = 0; i < encoding.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    offsets.push_back(encoding.special[i] ? Json(nullptr) : Json::array({begin, end}));
  }
  return offsets;
}

std::vector<std::string> label_names(const Model& model) {
  const HeadSpec& head = model.architecture.head;
  if (!head.labels.empty()) return head.labels;
  std::vector<std::string> names;
  for (int64_t i = 0; i < head.num_labels; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace espalier
