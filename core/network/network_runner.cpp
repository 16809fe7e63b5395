#include "network/network_runner.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <mutex>

#include "network/network.h"

namespace espalier {
namespace {

class NetworkRunner : public Runner {
 public:
  NetworkRunner(const Model& model, const Placement& placement) : network_(model, {.placement = placement}) {}

  const Architecture& architecture() const override { return network_.architecture(); }

  Tensor logits(const std::vector<const Encoding*>& sequences, const CancelToken& cancel) const override {
    const std::scoped_lock lock(mutex_);
    const at::NoGradGuard no_grad;
    ForwardOptions options;
    options.cancel = &cancel;
    const auto pad = static_cast<TokenId>(architecture().embedding.pad_token_id);
    at::Tensor padded =
        network_.forward(make_network_batch(sequences, pad, network_.placement().device), options).logits;
    if (!padded.defined()) return {};
    padded = padded.to(at::kCPU, at::kFloat);
    if (padded.dim() == 2) return from_torch(padded);
    std::vector<at::Tensor> rows;
    for (size_t i = 0; i < sequences.size(); ++i) {
      rows.push_back(padded[static_cast<int64_t>(i)].narrow(0, 0, std::ssize(sequences[i]->ids)));
    }
    return from_torch(at::cat(rows));
  }

  std::vector<std::vector<TokenId>> generate(const std::vector<const Encoding*>& sequences, const GenerationSpec& spec,
                                             const CancelToken& cancel) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<std::vector<TokenId>> written;
    for (const Encoding* sequence : sequences) {
      cancel.throw_if_cancelled();
      written.push_back(network_.generate(sequence->ids, spec, cancel));
    }
    return written;
  }

 private:
  mutable std::mutex mutex_;  // a network is not thread-safe
  mutable Network network_;
};

}  // namespace

std::unique_ptr<Runner> make_network_runner(const Model& model, const Placement& placement) {
  return std::make_unique<NetworkRunner>(model, placement);
}

}  // namespace espalier
