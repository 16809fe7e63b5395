#include "app/workbench/pages/sentence_answers.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "widgets/models/display_text.h"

namespace espalier {

namespace {

constexpr char kSaliency[] = "saliency";

// Whether a word goes on from one character to the next: letters and digits do, but each Han character stands alone.
bool wordGoesOn(char32_t before, char32_t after) {
  const auto joins = [](char32_t c) {
    return (QChar::isLetterOrNumber(c) || QChar::isMark(c)) && QChar::script(c) != QChar::Script_Han;
  };
  return joins(before) && joins(after);
}

}  // namespace

int LabelChances::best() const {
  if (probabilities.empty()) return -1;
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

QString LabelChances::nameOf(int label) const {
  return label >= 0 && label < labels.size() ? labels[label] : QObject::tr("label %1").arg(label);
}

QString LabelChances::verdict() const {
  const int label = best();
  if (label < 0) return {};
  return QStringLiteral("%1 %2").arg(nameOf(label), percentText(probabilities[static_cast<size_t>(label)]));
}

LabelChances readChances(const Json& answer) {
  LabelChances chances;
  for (const std::string& label : json_get_or<std::vector<std::string>>(answer, "labels", {}, "answer")) {
    chances.labels << QString::fromStdString(label);
  }
  chances.probabilities = json_get_or<std::vector<double>>(answer, "probabilities", {}, "answer");
  chances.logits = json_get_or<std::vector<double>>(answer, "logits", {}, "answer");
  return chances;
}

SaliencyAnswer readSaliency(const Json& answer, const Sentence& sentence) {
  const auto tokens = json_get<std::vector<std::string>>(answer, "tokens", kSaliency);
  SaliencyAnswer saliency;
  saliency.scores = json_get<std::vector<double>>(answer, "scores", kSaliency);
  const auto offsets = json_get<std::vector<Json>>(answer, "offsets", kSaliency);
  if (saliency.scores.size() != tokens.size() || offsets.size() != tokens.size()) {
    throw Error(ErrorKind::Format, "the saliency has another length than the sentence");
  }
  saliency.chances = readChances(answer);
  saliency.explained = static_cast<int>(json_get_or<int64_t>(answer, "explained_label", -1, kSaliency));
  if (answer.contains("completeness_error")) {
    saliency.completenessError = json_get<double>(answer, "completeness_error", kSaliency);
  }
  // Offsets count code points of the text that the token is of; a special token in the middle ends the first text.
  QList<uint> text = sentence.text.toUcs4();
  bool secondText = false;
  int last = -1;  // where the token before ended
  for (size_t i = 0; i < tokens.size(); ++i) {
    SaliencyToken token;
    token.text = QString::fromStdString(tokens[i]);
    // A special token stands for no text.
    token.special = offsets[i].is_null();
    if (token.special) {
      if (i > 0 && !secondText) {
        secondText = true;
        text = sentence.pair.toUcs4();
      }
      last = -1;
    } else {
      const auto [from, to] = offsets[i].get<std::pair<int, int>>();
      const int size = static_cast<int>(text.size());
      if (from >= 0 && from < to && to <= size) {
        token.shown =
            QString::fromUcs4(reinterpret_cast<const char32_t*>(text.constData()) + from, to - from).trimmed();
        token.continuesWord = last == from && from > 0 && wordGoesOn(text[from - 1], text[from]);
      }
      token.continuesWord |= token.text.startsWith(QLatin1String("##"));
      last = to;
      for (const auto& [begin, end] : sentence.evidence) token.known |= !secondText && from < end && begin < to;
    }
    saliency.tokens.push_back(std::move(token));
  }
  return saliency;
}

AttentionPtr readAttention(const Json& answer, const Architecture& architecture) {
  auto data = std::make_shared<AttentionData>();
  for (const std::string& token : json_get<std::vector<std::string>>(answer, "tokens", "attention")) {
    data->tokens << QString::fromStdString(token);
  }
  for (const Json& span : json_get<Json>(answer, "offsets", "attention")) {
    // A special token stands for no text.
    data->special.push_back(span.is_null());
  }
  data->special.resize(static_cast<size_t>(data->tokens.size()), false);
  const TensorFile file = read_safetensors(json_get<std::string>(answer, "file", "attention"));
  for (size_t layer = 0; layer < architecture.layers.size(); ++layer) {
    const std::string name = "attentions." + std::to_string(layer);
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) {
      throw Error(ErrorKind::Format, {.what = "the attention of a layer is missing",
                                      .where = name,
                                      .got = "",
                                      .wanted = "one tensor a layer",
                                      .next = "try again"});
    }
    const Tensor& tensor = found->second;
    if (tensor.dim() != 3 || tensor.size(1) != data->size() || tensor.size(2) != data->size()) {
      throw Error(ErrorKind::Format,
                  {.what = "the attention has another shape than the sentence",
                   .where = name,
                   .got = to_string(tensor.shape()),
                   .wanted = "(heads, " + std::to_string(data->size()) + ", " + std::to_string(data->size()) + ")",
                   .next = "try again"});
    }
    data->layers.push_back(tensor.to_float32());
    data->heads.push_back(architecture.layers[layer].attention.heads);
    for (const HeadIndex head : data->heads.back()) data->headColumns = std::max(data->headColumns, head.value + 1);
  }
  return data;
}

std::vector<double> attentionRollout(const AttentionData& attention) {
  const auto n = static_cast<size_t>(attention.size());
  std::vector<double> reached(n, 0);
  if (n == 0) return reached;
  // From the top: a row vector times one layer after another costs n^2 a layer, not n^3.
  reached[0] = 1;
  for (size_t layer = attention.layers.size(); layer-- > 0;) {
    const Tensor& weights = attention.layers[layer];
    const auto heads = static_cast<size_t>(weights.size(0));
    const std::span<const float> values = weights.values<float>();
    std::vector<double> next(n, 0);
    for (size_t from = 0; from < n; ++from) {
      if (reached[from] == 0) continue;
      // A layer without heads passes on what it gets.
      next[from] += reached[from] * (heads == 0 ? 1 : 0.5);
      for (size_t head = 0; head < heads; ++head) {
        const float* row = values.data() + (head * n + from) * n;
        const double share = 0.5 * reached[from] / static_cast<double>(heads);
        for (size_t to = 0; to < n; ++to) next[to] += share * row[to];
      }
    }
    reached = std::move(next);
  }
  return reached;
}

}  // namespace espalier
