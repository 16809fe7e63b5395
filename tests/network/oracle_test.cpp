// The network against values written once by an independent implementation, for every family. Each model is tried as
// its folder is opened and as the bundle made of it.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "formats/safetensors.h"
#include "network/network.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-4;  // of max(1, largest reference value)

at::Tensor input(const TensorFile& inputs, const std::string& name) {
  const auto found = inputs.tensors.find(name);
  return found == inputs.tensors.end() ? at::Tensor() : to_torch(found->second);
}

NetworkBatch batch_from(const TensorFile& inputs) {
  NetworkBatch batch{input(inputs, "input_ids"), input(inputs, "token_type_ids"), input(inputs, "attention_mask")};
  if (!batch.token_type_ids.defined()) batch.token_type_ids = at::zeros_like(batch.input_ids);
  batch.decoder_input_ids = input(inputs, "decoder_input_ids");
  batch.decoder_attention_mask = input(inputs, "decoder_attention_mask");
  return batch;
}

// Largest error, of max(1, largest reference value), of each kind of output.
struct Errors {
  double hidden = 0, attention = 0, logit = 0;
};

// Of |got - wanted| where the mask, shaped to fit, is 1.
double error_of(const at::Tensor& got, const at::Tensor& wanted, const at::Tensor& where) {
  if (!got.defined() || got.sizes() != wanted.sizes()) return INFINITY;
  const at::Tensor keep = where.to(at::kFloat).expand_as(wanted);
  const double difference = ((got - wanted).abs() * keep).max().item<double>();
  const double largest = (wanted.abs() * keep).max().item<double>();
  return std::isfinite(difference) ? difference / std::max(1.0, largest) : INFINITY;
}

size_t number_of(const std::string& key) { return std::stoul(key.substr(key.rfind('.') + 1)); }

void compare(const NetworkBatch& batch, const ForwardResult& got, const ForwardResult& plain, const std::string& key,
             const at::Tensor& wanted, Errors& errors) {
  const bool decoder = key.starts_with("decoder_") || key.starts_with("cross_") ||
                       (key == "logits" && batch.decoder_input_ids.defined());
  const at::Tensor& mask = decoder ? batch.decoder_attention_mask : batch.attention_mask;  // (B, S)
  const at::Tensor tokens = mask.unsqueeze(-1);                                            // (B, S, 1)
  const at::Tensor queries = mask.unsqueeze(1).unsqueeze(-1);                              // (B, 1, S, 1)
  const auto worst = [](double& so_far, double error) { so_far = std::max(so_far, error); };
  if (key == "encoder_last_hidden_state") {
    worst(errors.hidden, error_of(got.hidden_states.back(), wanted, tokens));
  } else if (key.find("hidden_states.") != std::string::npos) {
    const auto& states = decoder ? got.decoder_hidden_states : got.hidden_states;
    worst(errors.hidden, error_of(states.at(number_of(key)), wanted, tokens));
  } else if (key.find("attentions.") != std::string::npos) {
    const auto& layers = key.starts_with("cross_") ? got.cross_attentions
                         : decoder                 ? got.decoder_attentions
                                                   : got.attentions;
    worst(errors.attention, error_of(layers.at(number_of(key)), wanted, queries));
  } else if (key == "logits") {
    const at::Tensor where = wanted.dim() == 3 ? tokens : at::ones_like(wanted);
    worst(errors.logit, error_of(got.logits, wanted, where));
    worst(errors.logit, error_of(plain.logits, wanted, where));  // asked for logits alone
  } else {
    worst(errors.logit, error_of(got.logits.select(2, key == "start_logits" ? 0 : 1), wanted, mask));
  }
}

Errors errors_of(const Model& model, const fs::path& folder) {
  Network network(model);
  Errors errors;
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
    for (const auto& [key, tensor] : wanted.tensors) compare(batch, got, plain, key, to_torch(tensor), errors);
  }
  EXPECT_GE(cases, 2);
  return errors;
}

class Oracle : public testing::TestWithParam<const char*> {};

TEST_P(Oracle, EveryHiddenStateAttentionAndLogitAgrees) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / GetParam();
  const Model model = open_model(folder);
  const test::TempDir scratch;
  save_bundle(model, scratch.path() / "bundle");
  const Model reopened = open_model(scratch.path() / "bundle");
  EXPECT_EQ(reopened.architecture, model.architecture);
  for (const Model* tried : {&model, &reopened}) {
    const Errors errors = errors_of(*tried, folder);
    std::printf("| %-16s | network | %.1e | %.1e | %.1e |\n", GetParam(), errors.hidden, errors.attention,
                errors.logit);
    EXPECT_LE(errors.hidden, kTolerance);
    EXPECT_LE(errors.attention, kTolerance);
    EXPECT_LE(errors.logit, kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Oracle,
                         testing::Values("bert-tiny-shape", "bert-tiny-mlm", "bert-tiny-qa", "bert-tiny-tokcls",
                                         "roberta-tiny", "distilbert-tiny", "electra-tiny", "albert-tiny",
                                         "mobilebert-tiny", "gpt2-tiny", "bart-tiny", "marian-tiny", "t5-tiny"),
                         [](const testing::TestParamInfo<const char*>& one) {
                           std::string name = one.param;
                           std::erase(name, '-');
                           return name;
                         });

class Generation : public testing::TestWithParam<const char*> {};

TEST_P(Generation, GreedyAndBeamSearchWriteTheSameTokens) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / GetParam();
  const Model model = open_model(folder);
  Network network(model);
  const TensorFile wanted = read_safetensors(folder / "generate.safetensors");
  const Tensor& prompts = wanted.tensors.at("input_ids");
  constexpr int64_t kNewTokens = 16;
  for (const auto& [name, beams] : std::map<std::string, int64_t>{{"greedy", 1}, {"beam4", 4}}) {
    const Tensor& expected = wanted.tensors.at(name);
    ASSERT_TRUE(model.architecture.generation.has_value());
    GenerationSpec spec = *model.architecture.generation;
    spec.beams = beams;
    spec.max_length = (model.architecture.has_decoder() ? 1 : prompts.size(1)) + kNewTokens;
    for (int64_t row = 0; row < prompts.size(0); ++row) {
      const auto ids = prompts.values<int64_t>().subspan(static_cast<size_t>(row * prompts.size(1)),
                                                         static_cast<size_t>(prompts.size(1)));
      std::vector<TokenId> written = network.generate({ids.begin(), ids.end()}, spec);
      const int64_t pad = spec.pad >= 0 ? spec.pad : (spec.eos.empty() ? 0 : spec.eos.front());
      written.resize(static_cast<size_t>(expected.size(1)), static_cast<TokenId>(pad));
      const auto expected_ids = expected.values<int64_t>().subspan(static_cast<size_t>(row * expected.size(1)),
                                                                   static_cast<size_t>(expected.size(1)));
      EXPECT_EQ(written, std::vector<TokenId>(expected_ids.begin(), expected_ids.end())) << name << " " << row;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Generation, testing::Values("gpt2-tiny", "bart-tiny", "marian-tiny", "t5-tiny"),
                         [](const testing::TestParamInfo<const char*>& one) {
                           std::string name = one.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace espalier
