#include <torch/torch.h>

#include "base/error.h"
#include "introspect/introspect.h"
#include "introspect/token_texts.h"
#include "network/network.h"
#include "network/torch_errors.h"

namespace espalier {

AttentionCapture capture_attention(const Model& model, const Encoding& encoding) {
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
    const NetworkBatch batch =
        make_network_batch({&encoding}, static_cast<TokenId>(model.architecture.embedding.pad_token_id), "cpu");
    ForwardOptions options;
    options.attentions = true;
    const ForwardResult result = network.forward(batch, options);

    AttentionCapture capture;
    capture.encoding = encoding;
    capture.tokens = token_texts(encoding, model.tokenizer_files.empty()
                                               ? nullptr
                                               : load_tokenizer(model.tokenizer_files, display_name(model)).get());
    for (const at::Tensor& layer : result.attentions) capture.layers.push_back(from_torch(layer.squeeze(0)));
    if (result.logits.defined()) {
      const at::Tensor flat = result.logits.contiguous();
      capture.logits.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
    }
    return capture;
  });
}

}  // namespace espalier
