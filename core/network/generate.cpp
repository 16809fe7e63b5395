#include <torch/torch.h>

#include "engine/search.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

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
  static at::Tensor rows_of(const std::vector<std::vector<TokenId>>& sequences) {
    std::vector<int64_t> ids;
    for (const std::vector<TokenId>& one : sequences) ids.insert(ids.end(), one.begin(), one.end());
    const auto rows = static_cast<int64_t>(sequences.size());
    return at::tensor(ids, at::kLong).view({rows, static_cast<int64_t>(sequences.front().size())});
  }

  std::vector<float> logits() {
    const at::NoGradGuard no_grad;
    const at::Tensor written = rows_of(written_);
    NetworkBatch batch;
    batch.input_ids = source_.empty() ? written : rows_of({written_.size(), source_});
    batch.token_type_ids = at::zeros_like(batch.input_ids);
    batch.attention_mask = at::ones_like(batch.input_ids);
    if (!source_.empty()) batch.decoder_input_ids = written;
    const at::Device device(network_.device());
    for (at::Tensor* tensor : {&batch.input_ids, &batch.token_type_ids, &batch.attention_mask}) {
      *tensor = tensor->to(device);
    }
    if (batch.decoder_input_ids.defined()) batch.decoder_input_ids = batch.decoder_input_ids.to(device);
    const at::Tensor last = network_.forward(batch).logits.select(1, written.size(1) - 1);
    const at::Tensor plain = last.to(at::kCPU, at::kFloat).contiguous();
    return {plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel()};
  }

  Network& network_;
  std::vector<TokenId> source_;  // empty for a model that continues its own input
  std::vector<std::vector<TokenId>> written_;
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
    Recomputation model(*this, decoder ? ids : std::vector<TokenId>());
    return search(model, prompt, within_positions(spec, embedding, std::ssize(prompt)), cancel);
  });
}

}  // namespace espalier
