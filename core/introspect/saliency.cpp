// Which tokens decided, by six methods (introspect.h). Gradients are of one logit for the word embeddings, before
// position and norm.

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "introspect/introspect.h"
#include "introspect/token_texts.h"
#include "introspect/word_scores.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

constexpr int64_t kBatch = 32;  // copies of the sentence in one pass

constexpr std::array<std::pair<SaliencyMethod, std::string_view>, 6> kNames = {
    {{SaliencyMethod::Gradient, "gradient"},
     {SaliencyMethod::GradientXInput, "gradient_x_input"},
     {SaliencyMethod::IntegratedGradients, "integrated_gradients"},
     {SaliencyMethod::SmoothGrad, "smoothgrad"},
     {SaliencyMethod::Occlusion, "occlusion"},
     {SaliencyMethod::Rollout, "rollout"}}};

std::vector<double> to_vector(const at::Tensor& values) {
  const at::Tensor plain = values.detach().to(at::kCPU, at::kDouble).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

// One sentence in a network: passes over copies of it that differ in their ids or word embeddings.
class Sentence {
 public:
  Sentence(Network& network, const Tokenizer& tokenizer, const Encoding& encoding, const SaliencyOptions& options,
           const CancelToken& cancel)
      : network_(network), tokenizer_(tokenizer), encoding_(encoding), options_(options), cancel_(cancel) {
    batch_ = make_network_batch({&encoding}, static_cast<TokenId>(network.architecture().embedding.pad_token_id),
                                network.placement().device);
    words_ = network.word_embeddings(batch_.input_ids).detach();
    const at::NoGradGuard no_grad;
    logits_ = logits_of(batch_.input_ids, words_).squeeze(0);
    if (options.label >= logits_.size(0)) {
      throw Error(ErrorKind::InvalidInput, {.what = "the model has no such label",
                                            .where = "",
                                            .got = std::to_string(options.label),
                                            .wanted = "-1 to " + std::to_string(logits_.size(0) - 1),
                                            .next = ""});
    }
    label_ = options.label >= 0 ? options.label : static_cast<int32_t>(logits_.argmax().item<int64_t>());
  }

  Saliency explain() {
    Saliency saliency;
    saliency.encoding = encoding_;
    saliency.tokens = token_texts(encoding_, &tokenizer_);
    saliency.explained_label = label_;
    saliency.logits = to_vector(logits_.to(at::kDouble));
    saliency.probabilities = to_vector(at::softmax(logits_.to(at::kDouble), 0));
    switch (options_.method) {
      case SaliencyMethod::Gradient:
        saliency.scores = to_vector(gradients(words_).squeeze(0).norm(2, -1));
        break;
      case SaliencyMethod::GradientXInput:
        saliency.scores = to_vector((gradients(words_) * words_).sum(-1).squeeze(0));
        break;
      case SaliencyMethod::IntegratedGradients:
        integrate(saliency);
        break;
      case SaliencyMethod::SmoothGrad:
        saliency.scores = to_vector((smooth_gradient() * words_).sum(-1).squeeze(0));
        break;
      case SaliencyMethod::Occlusion:
        saliency.scores = occlude();
        break;
      case SaliencyMethod::Rollout:
        saliency.scores = roll_out();
    }
    return saliency;
  }

 private:
  // (copies, labels) of ids (copies, S) with the word embeddings (copies, S, d).
  at::Tensor logits_of(const at::Tensor& ids, const at::Tensor& words) {
    cancel_.throw_if_cancelled();
    const int64_t copies = ids.size(0);
    const NetworkBatch batch{ids, batch_.token_type_ids.expand({copies, -1}),
                             batch_.attention_mask.expand({copies, -1})};
    ForwardOptions forward;
    forward.word_embeddings = &words;
    forward.cancel = &cancel_;
    return network_.forward(batch, forward).logits;
  }

  // Gradient of the logit at each copy, of the shape of `words`.
  at::Tensor gradients(const at::Tensor& words) {
    const at::Tensor leaf = words.detach().requires_grad_(true);
    const at::Tensor logits = logits_of(batch_.input_ids.expand({words.size(0), -1}), leaf);
    return torch::autograd::grad({logits.select(1, label_).sum()}, {leaf})[0];
  }

  // Mean gradient over copies made by `copy(i)`, (1, S, d).
  template <typename Copy>
  at::Tensor mean_gradient(int64_t count, const Copy& copy) {
    at::Tensor sum = at::zeros_like(words_, at::kDouble);
    for (int64_t begin = 0; begin < count; begin += kBatch) {
      std::vector<at::Tensor> copies;
      for (int64_t i = begin; i < std::min(count, begin + kBatch); ++i) copies.push_back(copy(i));
      sum = sum + gradients(at::cat(copies)).to(at::kDouble).sum(0, true);
    }
    return sum / static_cast<double>(count);
  }

  // Sundararajan 2017, arXiv 1703.01365: midpoints of equal steps on the straight line from a sentence whose text
  // tokens are padding.
  void integrate(Saliency& saliency) {
    at::Tensor ids = batch_.input_ids.clone();
    for (size_t i = 0; i < encoding_.size(); ++i) {
      if (!encoding_.special[i]) ids[0][static_cast<int64_t>(i)] = network_.architecture().embedding.pad_token_id;
    }
    const at::Tensor start = network_.word_embeddings(ids).detach();
    const at::Tensor way = words_ - start;
    const at::Tensor mean = mean_gradient(options_.steps, [&](int64_t i) {
      return start + way * ((static_cast<double>(i) + 0.5) / static_cast<double>(options_.steps));
    });
    saliency.scores = to_vector((mean * way).sum(-1).squeeze(0));
    const at::NoGradGuard no_grad;
    const double before = logits_of(batch_.input_ids, start)[0][label_].item<double>();
    saliency.explained_change = logits_[label_].item<double>() - before;
    double sum = 0;
    for (const double score : saliency.scores) sum += score;
    saliency.completeness_error = std::abs(sum - *saliency.explained_change);
  }

  // Smilkov 2017, arXiv 1706.03825.
  at::Tensor smooth_gradient() {
    Rng rng = Rng(options_.seed).fork("smoothgrad");
    const double deviation = options_.noise * (words_.max() - words_.min()).item<double>();
    return mean_gradient(options_.samples, [&](int64_t) {
      at::Tensor noise = at::empty(words_.sizes());
      float* values = noise.data_ptr<float>();
      for (int64_t i = 0; i < noise.numel(); ++i) values[i] = static_cast<float>(deviation * rng.normal());
      return words_ + noise.to(words_.device());
    });
  }

  // Zeiler and Fergus 2014, on text Li 2016, arXiv 1612.08220: what the logit loses without the token.
  std::vector<double> occlude() {
    const at::NoGradGuard no_grad;
    const TokenId mask = tokenizer_.mask_id() >= 0 ? tokenizer_.mask_id() : tokenizer_.pad_id();
    const auto length = static_cast<int64_t>(encoding_.size());
    const double whole = logits_[label_].item<double>();
    std::vector<double> scores;
    for (int64_t begin = 0; begin < length; begin += kBatch) {
      const int64_t count = std::min(kBatch, length - begin);
      at::Tensor ids = batch_.input_ids.expand({count, -1}).clone();
      for (int64_t i = 0; i < count; ++i) ids[i][begin + i] = mask;
      const at::Tensor logits = logits_of(ids, network_.word_embeddings(ids)).select(1, label_);
      for (const double logit : to_vector(logits)) scores.push_back(whole - logit);
    }
    return scores;
  }

  // Abnar and Zuidema 2020, arXiv 2005.00928: heads averaged, half of every layer the residual connection; what the
  // first token's last representation, which the head reads, is mixed from.
  std::vector<double> roll_out() {
    const at::NoGradGuard no_grad;
    ForwardOptions forward;
    forward.attentions = true;
    forward.cancel = &cancel_;
    const ForwardResult result = network_.forward(batch_, forward);
    const at::Tensor itself = at::eye(static_cast<int64_t>(encoding_.size()), words_.options());
    at::Tensor flow = itself;
    for (const at::Tensor& layer : result.attentions) {
      if (layer.size(1) == 0) continue;  // no head is left
      flow = at::matmul(0.5 * layer.squeeze(0).mean(0) + 0.5 * itself, flow);
    }
    return to_vector(flow[0]);
  }

  Network& network_;
  const Tokenizer& tokenizer_;
  const Encoding& encoding_;
  const SaliencyOptions& options_;
  const CancelToken& cancel_;
  NetworkBatch batch_;
  at::Tensor words_;   // (1, S, d)
  at::Tensor logits_;  // (labels)
  int32_t label_ = 0;
};

void check(const Architecture& architecture, const SaliencyOptions& options) {
  const HeadKind kind = architecture.head.kind;
  if (kind != HeadKind::Classification && kind != HeadKind::Regression) {
    throw Error(ErrorKind::Unsupported, {.what = "saliency explains the prediction of a text",
                                         .where = "",
                                         .got = "a model with the head " + std::string(to_string(kind)),
                                         .wanted = "a classification or regression head",
                                         .next = "fine-tune the model on a task first"});
  }
  if (options.steps > 0 && options.samples > 0 && options.noise >= 0) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "saliency needs some steps and samples",
               .where = {},
               .got = std::to_string(options.steps) + " steps, " + std::to_string(options.samples) + " samples",
               .wanted = "at least 1 of each, and noise of at least 0",
               .next = {}});
}

}  // namespace

std::string_view to_string(SaliencyMethod method) {
  return std::ranges::find(kNames, method, &std::pair<SaliencyMethod, std::string_view>::first)->second;
}

std::vector<SaliencyMethod> saliency_methods() {
  std::vector<SaliencyMethod> methods;
  for (const auto& [method, name] : kNames) methods.push_back(method);
  return methods;
}

SaliencyMethod saliency_method_from(std::string_view name) {
  std::string known;
  for (const auto& [method, own] : kNames) {
    if (own == name) return method;
    known += (known.empty() ? "" : ", ") + std::string(own);
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such method of saliency",
                                        .where = {},
                                        .got = std::string(name),
                                        .wanted = known,
                                        .next = {}});
}

Saliency explain_tokens(const Model& model, const Tokenizer& tokenizer, const Encoding& encoding,
                        const SaliencyOptions& options, const CancelToken& cancel) {
  return with_torch_errors("saliency", [&] {
    check(model.architecture, options);
    Network network(model);
    return Sentence(network, tokenizer, encoding, options, cancel).explain();
  });
}

SaliencyScore score_saliency(const Model& model, const Tokenizer& tokenizer, const Dataset& lab_examples,
                             int64_t max_examples, const SaliencyOptions& options, JobContext& context) {
  return with_torch_errors("saliency score", [&] {
    check(model.architecture, options);
    const auto begin = std::chrono::steady_clock::now();
    Network network(model);
    const auto count =
        std::min<size_t>(lab_examples.examples.size(), static_cast<size_t>(std::max<int64_t>(max_examples, 0)));
    std::vector<double> precisions, aucs, errors;
    SaliencyScore total;
    const EncodeOptions encode_options{.max_length = model.architecture.embedding.max_positions};
    for (size_t i = 0; i < count; ++i) {
      context.cancel.throw_if_cancelled();
      context.progress.report(static_cast<double>(i) / static_cast<double>(count));
      const Example& example = lab_examples.examples[i];
      const Encoding encoding = tokenizer.encode(example.text, encode_options);
      const Saliency saliency = Sentence(network, tokenizer, encoding, options, context.cancel).explain();
      const std::optional<WordAgreement> agreement = agreement_of(score_words(example, encoding, saliency.scores));
      if (!agreement) continue;
      precisions.push_back(agreement->precision_at_k);
      aucs.push_back(agreement->auc);
      total.chance += agreement->chance;
      if (saliency.completeness_error) errors.push_back(*saliency.completeness_error);
    }
    total.examples = static_cast<int64_t>(aucs.size());
    total.precision_at_k = bootstrap_mean(precisions);
    total.auc = bootstrap_mean(aucs);
    if (total.examples > 0) total.chance /= static_cast<double>(total.examples);
    if (!errors.empty()) total.completeness_error = bootstrap_mean(errors);
    total.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return total;
  });
}

}  // namespace espalier
