#pragma once
// Looking inside a model with its gradients. Every function builds a network of its own, so calls do not disturb each
// other; all throw InvalidInput for tokens that the model cannot take.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "measure/interval.h"
#include "model/model.h"

namespace espalier {

// --- Attention ------------------------------------------------------------------------------------------------------

struct AttentionCapture {
  Encoding encoding;
  std::vector<std::string> tokens;
  std::vector<Tensor> layers;  // (heads, n, n) F32 each, rows sum to 1
  std::vector<float> logits;
  // Of a model with a decoder: what it read, its self-attention (heads, t, t), its attention to the source (heads, t,
  // n).
  Encoding target;
  std::vector<std::string> target_tokens;
  std::vector<Tensor> decoder_layers, cross_layers;
};
// Token texts come from the model's own tokenizer files; without any they are the ids. `target`: what a decoder reads,
// start token first; InvalidInput when a model with a decoder gets none.
AttentionCapture capture_attention(const Model& model, const Encoding& encoding, const Encoding& target = {});

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

// x: the word embedding of a token, f: the explained logit.
enum class SaliencyMethod {
  Gradient,             // l2 norm of df/dx (Simonyan 2013, arXiv 1312.6034); never negative
  GradientXInput,       // df/dx . x (Shrikumar 2017, arXiv 1704.02685): the first-order effect of the token
  IntegratedGradients,  // mean df/dx on the way from padding to x, . (x - padding) (Sundararajan 2017, arXiv
                        // 1703.01365)
  SmoothGrad,           // mean df/dx under noise, . x (Smilkov 2017, arXiv 1706.03825)
  Occlusion,            // f(text) - f(text with the token masked) (Li 2016, arXiv 1612.08220)
  Rollout,              // share of the token in the first one through all layers (Abnar 2020, arXiv 2005.00928)
};
std::string_view to_string(SaliencyMethod method);  // "gradient", "gradient_x_input", "integrated_gradients", ...
std::vector<SaliencyMethod> saliency_methods();
// The inverse; InvalidInput listing the names.
SaliencyMethod saliency_method_from(std::string_view name);

struct SaliencyOptions {
  SaliencyMethod method = SaliencyMethod::GradientXInput;
  int32_t label = -1;    // whose logit is explained; -1: the predicted one
  int64_t steps = 64;    // integrated gradients
  int64_t samples = 32;  // SmoothGrad
  double noise = 0.1;    // SmoothGrad: deviation over the range of the sentence's embeddings
  uint64_t seed = 1;     // of the noise
};

struct Saliency {
  Encoding encoding;
  std::vector<std::string> tokens;
  std::vector<double> scores;         // one a token, specials included; signed but for Gradient and Rollout
  std::vector<double> logits;         // one a label
  std::vector<double> probabilities;  // their softmax
  int32_t explained_label = 0;
  // Integrated gradients: the logit's rise from padding to the text, which the scores should add up to, and by how much
  // they do not.
  std::optional<double> explained_change, completeness_error;
};
Saliency explain_tokens(const Model& model, const Tokenizer& tokenizer, const Encoding& encoding,
                        const SaliencyOptions& options = {}, const CancelToken& cancel = {});

// Agreement with the lab's known words over a set: share of the top-k words by |score| (k = number of known words) that
// are known, its chance level, and the area under the ROC curve, averaged over examples, with bootstrap intervals. A
// word's score is the sum over its tokens. Examples without a known word or without another one are left out.
struct SaliencyScore {
  Interval precision_at_k, auc;
  double chance = 0;
  std::optional<Interval> completeness_error;  // integrated gradients: mean, in units of the logit
  int64_t examples = 0;
  double seconds = 0;
};
SaliencyScore score_saliency(const Model& model, const Tokenizer& tokenizer, const Dataset& lab_examples,
                             int64_t max_examples, const SaliencyOptions& options, JobContext& context);

}  // namespace espalier
