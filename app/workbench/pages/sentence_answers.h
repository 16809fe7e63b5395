#pragma once
// What the worker's answers about a sentence say.

#include <optional>

#include "base/json_fwd.h"
#include "model/architecture.h"
#include "widgets/charts/attention_data.h"
#include "widgets/charts/saliency_rows.h"
#include "widgets/models/sentence_model.h"

namespace espalier {

// What a classifier says of the sentence; empty for other models.
struct LabelChances {
  QStringList labels;
  std::vector<double> probabilities;  // one a label
  std::vector<double> logits;         // one a label; empty where the worker does not tell

  bool isEmpty() const { return probabilities.empty(); }
  int best() const;  // -1 when empty
  QString nameOf(int label) const;
  // "positive 97.3 %".
  QString verdict() const;
};
LabelChances readChances(const Json& answer);

// A "saliency" job's answer.
struct SaliencyAnswer {
  std::vector<SaliencyToken> tokens;
  std::vector<double> scores;
  int explained = -1;  // label
  LabelChances chances;
  // Integrated gradients: by how much the scores do not add up to the rise of the logit.
  std::optional<double> completenessError;
};
// Words that the data set knows to decide are marked. Throws Format.
SaliencyAnswer readSaliency(const Json& answer, const Sentence& sentence);

// An "attention" job's answer: tokens and offsets from it, weights from the file that it names. Throws Format, Io.
AttentionPtr readAttention(const Json& answer, const Architecture& architecture);

// How much of each token reaches the first one, all layers together: the product over layers of (A + I) / 2, A the mean
// of the layer's heads (attention rollout, Abnar and Zuidema 2020, eq. 1). One value a token, adding up to 1.
std::vector<double> attentionRollout(const AttentionData& attention);

}  // namespace espalier
