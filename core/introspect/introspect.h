#pragma once
// Looking inside a model with its gradients. Every function builds a network of its own, so calls do not disturb each
// other; all throw InvalidInput for tokens that the model cannot take.

#include <string>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "model/model.h"

namespace espalier {

// --- Attention ------------------------------------------------------------------------------------------------------

struct AttentionCapture {
  Encoding encoding;
  std::vector<std::string> tokens;
  std::vector<Tensor> layers;  // (heads, n, n) F32 each, rows sum to 1
  std::vector<float> logits;
};
// Token texts come from the model's own tokenizer files; without any they are the ids.
AttentionCapture capture_attention(const Model& model, const Encoding& encoding);

// --- Importance of heads (Michel 2019) and of feed-forward units (same gate gradient)
// ----------------------------------

enum class ImportanceAverage {
  PerExample,
  PerToken
};  // |.| of the sum over a sequence (paper), or of each token (release)

struct ImportanceOptions {
  ImportanceAverage average = ImportanceAverage::PerExample;
  bool normalize_layers = true;  // l2 norm of every layer's scores is 1 (release)
  int64_t max_examples = 1000;   // of the data set, in order
  int64_t batch_size = 32;
  std::string device = "cpu";
};

// scores[layer][head or unit]; seconds and examples used.
struct Importance {
  std::vector<std::vector<double>> scores;
  int64_t examples = 0;
  double seconds = 0;
};
// I_h = mean over x of |dL/dxi_h| with xi_h = 1 on each head's output; L the loss of one example (cross-entropy, or
// squared error). PerToken: context . dL/dcontext of every token, absolute, divided by tokens, in the last layer by
// examples. Throws InvalidInput when an example has no label that the model knows, Unsupported without a classification
// or regression head.
Importance head_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context);
Importance unit_importance(const Model& model, const EncodedDataset& data, const ImportanceOptions& options,
                           JobContext& context);

// --- Saliency -------------------------------------------------------------------------------------------------------

struct Saliency {
  Encoding encoding;
  std::vector<std::string> tokens;
  std::vector<double> scores;         // one a token: gradient x input of the explained logit, signed; specials included
  std::vector<double> probabilities;  // softmax of the logits
  int32_t explained_label = 0;
};
// Gradient of the logit of `label` (-1: the predicted one) with respect to the word embedding, times the embedding.
Saliency gradient_x_input(const Model& model, const Tokenizer& tokenizer, const Encoding& encoding, int32_t label = -1);

// Agreement with the lab's known words over a set: share of the top-k words by |score| (k = number of known words) that
// are known, its chance level, and the area under the ROC curve, averaged over examples. A word's score is the sum over
// its tokens. Examples without a known word or without another one are left out.
struct SaliencyScore {
  double precision_at_k = 0;
  double chance = 0;
  double auc = 0;
  int64_t examples = 0;
};
SaliencyScore score_saliency(const Model& model, const Tokenizer& tokenizer, const Dataset& lab_examples,
                             int64_t max_examples, JobContext& context);

}  // namespace espalier
