#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "introspect/introspect.h"
#include "introspect/token_texts.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {
namespace {

std::vector<Tensor> of_one_sequence(const std::vector<at::Tensor>& layers) {
  std::vector<Tensor> plain;
  for (const at::Tensor& layer : layers) plain.push_back(from_torch(layer.squeeze(0)));
  return plain;
}

at::Tensor ids_row(const Encoding& encoding) {
  const std::vector<int64_t> ids(encoding.ids.begin(), encoding.ids.end());
  return at::tensor(ids, at::kLong).unsqueeze(0);
}

}  // namespace

AttentionCapture capture_attention(const Model& model, const Encoding& encoding, const Encoding& target) {
  return with_torch_errors("attention capture", [&] {
    if (model.architecture.is_recurrent()) {
      throw Error(ErrorKind::Unsupported, {.what = "this model has no attention heads",
                                           .where = display_name(model),
                                           .got = "recurrent layers",
                                           .wanted = "a Transformer",
                                           .next = "choose another model"});
    }
    const at::NoGradGuard no_grad;
    Network network(model);
    NetworkBatch batch =
        make_network_batch({&encoding}, static_cast<TokenId>(model.architecture.embedding.pad_token_id), "cpu");
    if (model.architecture.has_decoder() && target.size() > 0) batch.decoder_input_ids = ids_row(target);
    ForwardOptions options;
    options.attentions = true;
    const ForwardResult result = network.forward(batch, options);

    AttentionCapture capture;
    capture.encoding = encoding;
    const auto tokenizer =
        model.tokenizer_files.empty() ? nullptr : load_tokenizer(model.tokenizer_files, display_name(model));
    capture.tokens = token_texts(encoding, tokenizer.get());
    capture.layers = of_one_sequence(result.attentions);
    if (model.architecture.has_decoder()) {
      capture.target = target;
      capture.target_tokens = token_texts(target, tokenizer.get());
      capture.decoder_layers = of_one_sequence(result.decoder_attentions);
      capture.cross_layers = of_one_sequence(result.cross_attentions);
    }
    if (result.logits.defined()) {
      const at::Tensor flat = result.logits.contiguous();
      capture.logits.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
    }
    return capture;
  });
}

}  // namespace espalier
