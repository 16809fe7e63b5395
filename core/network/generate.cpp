#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "engine/search.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

at::Tensor rows_of(const std::vector<std::vector<TokenId>>& sequences, const std::string& device) {
  std::vector<int64_t> ids;
  for (const std::vector<TokenId>& one : sequences) ids.insert(ids.end(), one.begin(), one.end());
  const auto rows = static_cast<int64_t>(sequences.size());
  return at::tensor(ids, at::kLong).view({rows, static_cast<int64_t>(sequences.front().size())}).to(at::Device(device));
}

NetworkBatch unpadded(const at::Tensor& ids) { return {ids, at::zeros_like(ids), at::ones_like(ids)}; }

// Of logits (B, T, vocab), those of each sequence's last token.
std::vector<float> last_row(const at::Tensor& logits) {
  const at::Tensor plain = logits.select(1, logits.size(1) - 1).to(at::kCPU, at::kFloat).contiguous();
  return {plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel()};
}

class Recomputation : public NextToken {
 public:
  Recomputation(Network& network, std::vector<TokenId> source) : network_(network), source_(std::move(source)) {}

  std::vector<float> start(std::span<const TokenId> prompt) override {
    written_ = {{prompt.begin(), prompt.end()}};
    return logits();
  }

  std::vector<float> next(std::span<const int32_t> parents, std::span<const TokenId> tokens) override {
    std::vector<std::vector<TokenId>> longer;
    for (size_t i = 0; i < parents.size(); ++i) {
      longer.push_back(written_[static_cast<size_t>(parents[i])]);
      longer.back().push_back(tokens[i]);
    }
    written_ = std::move(longer);
    return logits();
  }

 private:
  std::vector<float> logits() {
    const at::NoGradGuard no_grad;
    const at::Tensor written = rows_of(written_, network_.placement().device);
    NetworkBatch batch =
        unpadded(source_.empty() ? written : rows_of({written_.size(), source_}, network_.placement().device));
    if (!source_.empty()) batch.decoder_input_ids = written;
    return last_row(network_.forward(batch).logits);
  }

  Network& network_;
  std::vector<TokenId> source_;  // empty for a model that continues its own input
  std::vector<std::vector<TokenId>> written_;
};

// A recurrent model goes on from its states: each token costs one step, and the source is read once.
class RecurrentContinuation : public NextToken {
 public:
  RecurrentContinuation(Network& network, const std::vector<TokenId>& source) : network_(network), source_(source) {}

  std::vector<float> start(std::span<const TokenId> prompt) override {
    return logits({{prompt.begin(), prompt.end()}}, nullptr);
  }

  std::vector<float> next(std::span<const int32_t> parents, std::span<const TokenId> tokens) override {
    const at::Device device(network_.placement().device);
    const at::Tensor rows = at::tensor(std::vector<int64_t>(parents.begin(), parents.end()), at::kLong).to(device);
    const auto picked = [&](at::Tensor& tensor) {
      if (tensor.defined()) tensor = tensor.index_select(0, rows);
    };
    for (at::Tensor& one : state_.states) picked(one);
    for (at::Tensor* one : {&state_.fed, &state_.memory, &state_.memory_mask}) picked(*one);
    std::vector<std::vector<TokenId>> written;
    for (const TokenId token : tokens) written.push_back({token});
    return logits(written, &state_);
  }

 private:
  std::vector<float> logits(const std::vector<std::vector<TokenId>>& tokens, const RecurrentState* state) {
    const at::NoGradGuard no_grad;
    const at::Tensor written = rows_of(tokens, network_.placement().device);
    NetworkBatch batch = unpadded(source_.empty() ? written : rows_of({source_}, network_.placement().device));
    if (!source_.empty()) batch.decoder_input_ids = written;
    ForwardOptions options;
    options.recurrent_state = state;
    const ForwardResult result = network_.forward(batch, options);
    state_ = result.recurrent_state;
    return last_row(result.logits);
  }

  Network& network_;
  std::vector<TokenId> source_;  // empty for a model that continues its own input
  RecurrentState state_;
};

}  // namespace

std::vector<TokenId> Network::generate(const std::vector<TokenId>& ids, const GenerationSpec& spec,
                                       const CancelToken& cancel) {
  return with_torch_errors("generation", [&] {
    const Architecture& a = architecture();
    check_generation(a, spec);
    const bool decoder = a.has_decoder();
    const std::vector<TokenId> prompt = decoder ? std::vector<TokenId>{static_cast<TokenId>(spec.decoder_start)} : ids;
    const EmbeddingSpec& embedding = embedding_spec(a, decoder ? Stack::Decoder : Stack::Encoder);
    const std::vector<TokenId> source = decoder ? ids : std::vector<TokenId>();
    const GenerationSpec bounded = within_positions(spec, embedding, std::ssize(prompt));
    if (a.is_recurrent()) {
      RecurrentContinuation model(*this, source);
      return search(model, prompt, bounded, cancel);
    }
    Recomputation model(*this, source);
    return search(model, prompt, bounded, cancel);
  });
}

}  // namespace espalier
