// Gradient x input (Shrikumar 2017, arXiv 1704.02685; Denil 2014): the first-order effect of each token's embedding on
// a logit.

#include <torch/torch.h>

#include "base/error.h"
#include "introspect/introspect.h"
#include "introspect/token_texts.h"
#include "introspect/word_scores.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

Saliency explain(Network& network, const Tokenizer& tokenizer, const Encoding& encoding, int32_t label) {
  const Architecture& architecture = network.architecture();
  const HeadKind kind = architecture.head.kind;
  if (kind != HeadKind::Classification && kind != HeadKind::Regression) {
    throw Error(ErrorKind::Unsupported, {.what = "saliency explains the prediction of a text",
                                         .where = "",
                                         .got = "a model with the head " + std::string(to_string(kind)),
                                         .wanted = "a classification or regression head",
                                         .next = "fine-tune the model on a task first"});
  }
  const NetworkBatch batch =
      make_network_batch({&encoding}, static_cast<TokenId>(architecture.embedding.pad_token_id), network.device());
  const at::Tensor words = network.word_embeddings(batch.input_ids).detach().requires_grad_(true);
  ForwardOptions options;
  options.word_embeddings = &words;
  const at::Tensor logits = network.forward(batch, options).logits.squeeze(0);  // (labels)
  if (label >= logits.size(0)) {
    throw Error(ErrorKind::InvalidInput, {.what = "the model has no such label",
                                          .where = "",
                                          .got = std::to_string(label),
                                          .wanted = "-1 to " + std::to_string(logits.size(0) - 1),
                                          .next = ""});
  }
  Saliency saliency;
  saliency.encoding = encoding;
  saliency.tokens = token_texts(encoding, &tokenizer);
  saliency.explained_label = label >= 0 ? label : static_cast<int32_t>(logits.argmax().item<int64_t>());
  const at::Tensor gradient = torch::autograd::grad({logits.select(0, saliency.explained_label)}, {words})[0];
  const at::Tensor scores = (gradient * words.detach()).sum(-1).squeeze(0).to(at::kCPU, at::kDouble).contiguous();
  saliency.scores.assign(scores.data_ptr<double>(), scores.data_ptr<double>() + scores.numel());
  const at::Tensor shares = at::softmax(logits.detach().to(at::kCPU, at::kDouble), 0).contiguous();
  saliency.probabilities.assign(shares.data_ptr<double>(), shares.data_ptr<double>() + shares.numel());
  return saliency;
}

}  // namespace

Saliency gradient_x_input(const Model& model, const Tokenizer& tokenizer, const Encoding& encoding, int32_t label) {
  return with_torch_errors("saliency", [&] {
    Network network(model);
    return explain(network, tokenizer, encoding, label);
  });
}

SaliencyScore score_saliency(const Model& model, const Tokenizer& tokenizer, const Dataset& lab_examples,
                             int64_t max_examples, JobContext& context) {
  return with_torch_errors("saliency score", [&] {
    Network network(model);
    const auto count =
        std::min<size_t>(lab_examples.examples.size(), static_cast<size_t>(std::max<int64_t>(max_examples, 0)));
    SaliencyScore total;
    for (size_t i = 0; i < count; ++i) {
      context.cancel.throw_if_cancelled();
      const Example& example = lab_examples.examples[i];
      const EncodeOptions encode_options{.max_length = model.architecture.embedding.max_positions};
      const Encoding encoding = tokenizer.encode(example.text, encode_options);
      const Saliency saliency = explain(network, tokenizer, encoding, -1);
      const std::vector<WordScore> words = score_words(example, encoding, saliency.scores);
      context.progress.report(static_cast<double>(i + 1) / static_cast<double>(count));
      const std::optional<WordAgreement> agreement = agreement_of(words);
      if (!agreement) continue;
      total.precision_at_k += agreement->precision_at_k;
      total.chance += agreement->chance;
      total.auc += agreement->auc;
      ++total.examples;
    }
    if (total.examples > 0) {
      const auto examples = static_cast<double>(total.examples);
      total.precision_at_k /= examples;
      total.chance /= examples;
      total.auc /= examples;
    }
    return total;
  });
}

}  // namespace espalier
