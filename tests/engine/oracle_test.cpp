// Logits, hidden states and attentions against values written once by an independent implementation.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/engine.h"
#include "formats/safetensors.h"
#include "model/model.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

constexpr double kTolerance = 1e-4;  // of max(1, largest reference value)

struct Case {
  PackedBatch batch;
  std::vector<int64_t> lengths;  // tokens of each padded row, padding at its end
  int64_t padded = 0;
  TensorFile outputs;
};

Case read_case(const std::filesystem::path& folder, const std::string& name) {
  const TensorFile inputs = read_safetensors(folder / ("case_" + name + ".inputs.safetensors"));
  Case found;
  found.outputs = read_safetensors(folder / ("case_" + name + ".outputs.safetensors"));
  const Tensor& ids = inputs.tensors.at("input_ids");
  const Tensor& types = inputs.tensors.at("token_type_ids");
  const Tensor& mask = inputs.tensors.at("attention_mask");
  found.padded = ids.size(1);
  found.batch.starts.push_back(0);
  for (int64_t b = 0; b < ids.size(0); ++b) {
    int64_t length = 0;
    for (int64_t i = 0; i < found.padded; ++i) {
      const auto at = static_cast<size_t>(b * found.padded + i);
      if (mask.values<int64_t>()[at] == 0) continue;
      EXPECT_EQ(i, length) << "padding is expected at the end";
      ++length;
      found.batch.ids.push_back(static_cast<TokenId>(ids.values<int64_t>()[at]));
      found.batch.type_ids.push_back(static_cast<int32_t>(types.values<int64_t>()[at]));
    }
    found.lengths.push_back(length);
    found.batch.starts.push_back(static_cast<int32_t>(found.batch.ids.size()));
  }
  return found;
}

// Compares packed rows (T, width) with padded ones (B, S, width) where there are tokens; width may be one of a pair.
void expect_rows(const Case& one, const Tensor& packed, int64_t column, const Tensor& padded, const std::string& what) {
  const int64_t width = padded.dim() == 3 ? padded.size(2) : 1;
  double scale = 1;
  double most = 0;
  for (size_t b = 0; b < one.lengths.size(); ++b) {
    for (int64_t i = 0; i < one.lengths[b]; ++i) {
      for (int64_t c = 0; c < width; ++c) {
        const double wanted = padded.value_at((static_cast<int64_t>(b) * one.padded + i) * width + c);
        const double got = packed.value_at((one.batch.starts[b] + i) * packed.size(1) + column + c);
        scale = std::max(scale, std::fabs(wanted));
        most = std::max(most, std::fabs(got - wanted));
      }
    }
  }
  EXPECT_LE(most, kTolerance * scale) << what;
}

void expect_attention(const Case& one, const std::vector<Tensor>& got, const Tensor& wanted, const std::string& what) {
  const int64_t heads = wanted.size(1);
  double most = 0;
  for (size_t b = 0; b < one.lengths.size(); ++b) {
    const int64_t n = one.lengths[b];
    ASSERT_EQ(got[b].shape(), (Shape{heads, n, n}));
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          const int64_t at = ((static_cast<int64_t>(b) * heads + h) * one.padded + i) * one.padded + j;
          most = std::max(most, std::fabs(got[b].value_at((h * n + i) * n + j) - wanted.value_at(at)));
        }
      }
    }
  }
  EXPECT_LE(most, kTolerance) << what;
}

void expect_logits(const Case& one, const EngineOutput& output, HeadKind head) {
  if (head == HeadKind::QuestionAnswering) {
    expect_rows(one, output.logits, 0, one.outputs.tensors.at("start_logits"), "start logits");
    expect_rows(one, output.logits, 1, one.outputs.tensors.at("end_logits"), "end logits");
    return;
  }
  const Tensor& wanted = one.outputs.tensors.at("logits");
  if (wanted.dim() == 3) return expect_rows(one, output.logits, 0, wanted, "logits");
  ASSERT_EQ(output.logits.shape(), wanted.shape());
  for (int64_t i = 0; i < wanted.numel(); ++i) EXPECT_NEAR(output.logits.value_at(i), wanted.value_at(i), kTolerance);
}

struct OracleRun {
  std::string model;
  KernelSet kernels;
  int threads;
};

class Oracle : public testing::TestWithParam<OracleRun> {};

TEST_P(Oracle, AgreesAtEveryHiddenStateAttentionAndLogit) {
  ESPALIER_REQUIRE_SHARED();
  const std::filesystem::path folder = test::shared_dir() / "oracle/models" / GetParam().model;
  const Model model = open_model(folder);
  const Engine engine(model, {GetParam().threads, GetParam().kernels});
  for (const std::string name : {"pad", "one", "long"}) {
    SCOPED_TRACE(name);
    if (!std::filesystem::exists(folder / ("case_" + name + ".inputs.safetensors"))) {
      ASSERT_EQ(name, "long") << "the oracle lacks a case";
      continue;
    }
    const Case one = read_case(folder, name);
    const EngineOutput output = engine.run(one.batch, {.hidden_states = true, .attentions = true});
    ASSERT_EQ(output.hidden_states.size(), model.architecture.layers.size() + 1);
    for (size_t l = 0; l < output.hidden_states.size(); ++l) {
      const std::string key = "hidden_states." + std::to_string(l);
      expect_rows(one, output.hidden_states[l], 0, one.outputs.tensors.at(key), key);
    }
    for (size_t l = 0; l < output.attentions.size(); ++l) {
      const std::string key = "attentions." + std::to_string(l);
      const auto wanted = one.outputs.tensors.find(key);
      if (wanted != one.outputs.tensors.end()) expect_attention(one, output.attentions[l], wanted->second, key);
    }
    expect_logits(one, output, model.architecture.head.kind);
    // Asked for logits alone, the engine leaves out what they do not need.
    expect_logits(one, engine.run(one.batch), model.architecture.head.kind);
  }
}

std::vector<OracleRun> oracle_runs() {
  std::vector<OracleRun> runs;
  for (const std::string model : {"bert-tiny-shape", "bert-tiny-mlm", "bert-tiny-tokcls", "bert-tiny-qa"}) {
    for (const KernelSet set : {KernelSet::Best, KernelSet::Avx2, KernelSet::Reference}) {
      for (const int threads : {1, 2}) runs.push_back({model, set, threads});
    }
  }
  return runs;
}

std::string name_of(const testing::TestParamInfo<OracleRun>& run) {
  const char* const sets[] = {"Best", "Avx2", "Reference"};
  std::string name = run.param.model + sets[static_cast<int>(run.param.kernels)] + std::to_string(run.param.threads);
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, Oracle, testing::ValuesIn(oracle_runs()), name_of);

}  // namespace
}  // namespace espalier
