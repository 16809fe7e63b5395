// The network against values written once by an independent implementation.

#include <torch/torch.h>

#include "formats/safetensors.h"
#include "network/network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

NetworkBatch batch_from(const TensorFile& inputs) {
  return {to_torch(inputs.tensors.at("input_ids")), to_torch(inputs.tensors.at("token_type_ids")),
          to_torch(inputs.tensors.at("attention_mask"))};
}

// Largest |a - b| over the first `dims` of the mask's tokens, against 1e-4 max(1, max |b|) there.
void expect_close(const at::Tensor& got, const at::Tensor& wanted, const at::Tensor& where, const std::string& name) {
  ASSERT_EQ(got.sizes(), wanted.sizes()) << name;
  const at::Tensor keep = where.to(at::kFloat).expand_as(wanted);
  const double difference = ((got - wanted).abs() * keep).max().item<double>();
  const double largest = (wanted.abs() * keep).max().item<double>();
  EXPECT_LE(difference, 1e-4 * std::max(1.0, largest)) << name;
}

class Oracle : public testing::TestWithParam<const char*> {};

TEST_P(Oracle, EveryHiddenStateAttentionAndLogitAgrees) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / GetParam();
  Network network(open_model(folder));
  int cases = 0;
  for (const std::string name : {"case_pad", "case_one", "case_long"}) {
    if (!fs::exists(folder / (name + ".inputs.safetensors")) && name == "case_long") continue;
    ++cases;
    const NetworkBatch batch = batch_from(read_safetensors(folder / (name + ".inputs.safetensors")));
    const TensorFile wanted = read_safetensors(folder / (name + ".outputs.safetensors"));
    ForwardOptions options;
    options.hidden_states = true;
    options.attentions = true;
    const at::NoGradGuard no_grad;
    const ForwardResult got = network.forward(batch, options);
    const ForwardResult plain = network.forward(batch);
    const at::Tensor tokens = batch.attention_mask.unsqueeze(-1);              // (B, S, 1)
    const at::Tensor pairs = batch.attention_mask.unsqueeze(1).unsqueeze(-1);  // (B, 1, S, 1): queries
    for (const auto& [key, tensor] : wanted.tensors) {
      const at::Tensor expected = to_torch(tensor);
      const std::string label = name + " " + key;
      if (key.starts_with("hidden_states.")) {
        expect_close(got.hidden_states.at(std::stoul(key.substr(14))), expected, tokens, label);
      } else if (key.starts_with("attentions.")) {
        expect_close(got.attentions.at(std::stoul(key.substr(11))), expected, pairs, label);
      } else if (key == "logits") {
        const at::Tensor where = expected.dim() == 3 ? tokens : at::ones_like(expected);
        expect_close(got.logits, expected, where, label);
        expect_close(plain.logits, expected, where, label + " without hidden states");
      } else {
        const int64_t column = key == "start_logits" ? 0 : 1;
        expect_close(got.logits.select(2, column), expected, batch.attention_mask, label);
      }
    }
  }
  EXPECT_GE(cases, 2);
}

INSTANTIATE_TEST_SUITE_P(Bert, Oracle,
                         testing::Values("bert-tiny-shape", "bert-tiny-mlm", "bert-tiny-qa", "bert-tiny-tokcls"));

}  // namespace
}  // namespace espalier
