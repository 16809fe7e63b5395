// Logits, hidden states, attentions and generated text against values written once by an independent implementation,
// for every family. Each model is tried as its folder is opened and as the bundle made of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "engine/engine.h"
#include "formats/safetensors.h"
#include "model/model.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-4;  // of max(1, largest reference value)

// Sequences of padded rows, padding at their end.
struct Side {
  PackedBatch batch;
  std::vector<int64_t> lengths;
  int64_t padded = 0;
};

struct Case {
  Side source;
  std::optional<Side> target;
  TensorFile outputs;
};

Side read_side(const TensorFile& inputs, const std::string& prefix) {
  Side side;
  const Tensor& ids = inputs.tensors.at(prefix + "input_ids");
  const Tensor& mask = inputs.tensors.at(prefix + "attention_mask");
  const auto types = inputs.tensors.find(prefix + "token_type_ids");
  side.padded = ids.size(1);
  side.batch.starts.push_back(0);
  for (int64_t b = 0; b < ids.size(0); ++b) {
    int64_t length = 0;
    for (int64_t i = 0; i < side.padded; ++i) {
      const int64_t at = b * side.padded + i;
      if (mask.value_at(at) == 0) continue;
      EXPECT_EQ(i, length) << "padding is expected at the end";
      ++length;
      side.batch.ids.push_back(static_cast<TokenId>(ids.value_at(at)));
      side.batch.type_ids.push_back(types == inputs.tensors.end() ? 0
                                                                  : static_cast<int32_t>(types->second.value_at(at)));
    }
    side.lengths.push_back(length);
    side.batch.starts.push_back(static_cast<int32_t>(side.batch.ids.size()));
  }
  return side;
}

Case read_case(const fs::path& folder, const std::string& name) {
  const TensorFile inputs = read_safetensors(folder / ("case_" + name + ".inputs.safetensors"));
  Case found{read_side(inputs, ""), {}, read_safetensors(folder / ("case_" + name + ".outputs.safetensors"))};
  if (inputs.tensors.contains("decoder_input_ids")) found.target = read_side(inputs, "decoder_");
  return found;
}

// Largest error, of max(1, largest reference value), of each kind of output.
struct Errors {
  double hidden = 0, attention = 0, logit = 0;
};

// Packed rows (T, width) against padded ones (B, S, width) where there are tokens; width may be one of a pair.
double error_of_rows(const Side& side, const Tensor& packed, int64_t column, const Tensor& padded) {
  const int64_t width = padded.dim() == 3 ? padded.size(2) : 1;
  double scale = 1, most = 0;
  for (size_t b = 0; b < side.lengths.size(); ++b) {
    for (int64_t i = 0; i < side.lengths[b]; ++i) {
      for (int64_t c = 0; c < width; ++c) {
        const double wanted = padded.value_at((static_cast<int64_t>(b) * side.padded + i) * width + c);
        const double got = packed.value_at((side.batch.starts[b] + i) * packed.size(1) + column + c);
        if (!std::isfinite(got)) return INFINITY;
        scale = std::max(scale, std::fabs(wanted));
        most = std::max(most, std::fabs(got - wanted));
      }
    }
  }
  return most / scale;
}

// Of (heads, n, m) of each sequence, n tokens of `queries` and m of `keys`, against (B, heads, N, M).
double error_of_attention(const Side& queries, const Side& keys, const std::vector<Tensor>& got, const Tensor& wanted) {
  const int64_t heads = wanted.size(1);
  double most = 0;
  for (size_t b = 0; b < queries.lengths.size(); ++b) {
    const int64_t n = queries.lengths[b], m = keys.lengths[b];
    if (got[b].shape() != Shape{heads, n, m}) return INFINITY;
    for (int64_t line = 0; line < heads * n; ++line) {
      const int64_t row = (static_cast<int64_t>(b) * heads + line / n) * queries.padded + line % n;
      for (int64_t j = 0; j < m; ++j) {
        const double difference = got[b].value_at(line * m + j) - wanted.value_at(row * keys.padded + j);
        if (!std::isfinite(difference)) return INFINITY;
        most = std::max(most, std::fabs(difference));
      }
    }
  }
  return most;
}

double error_of_logits(const Case& one, const EngineOutput& output) {
  const Side& side = one.target ? *one.target : one.source;
  const auto& outputs = one.outputs.tensors;
  if (outputs.contains("start_logits")) {
    return std::max(error_of_rows(side, output.logits, 0, outputs.at("start_logits")),
                    error_of_rows(side, output.logits, 1, outputs.at("end_logits")));
  }
  const Tensor& wanted = outputs.at("logits");
  if (wanted.dim() == 3) return error_of_rows(side, output.logits, 0, wanted);
  if (output.logits.shape() != wanted.shape()) return INFINITY;
  double scale = 1, most = 0;
  for (int64_t i = 0; i < wanted.numel(); ++i) {
    scale = std::max(scale, std::fabs(wanted.value_at(i)));
    most = std::max(most, std::fabs(output.logits.value_at(i) - wanted.value_at(i)));
  }
  return most / scale;
}

size_t number_of(const std::string& key) { return std::stoul(key.substr(key.rfind('.') + 1)); }

void compare(const Case& one, const EngineOutput& got, const std::string& key, const Tensor& wanted, Errors& errors) {
  const auto worst = [](double& so_far, double error) { so_far = std::max(so_far, error); };
  const bool cross = key.starts_with("cross_");
  const bool decoder = cross || key.starts_with("decoder_");
  const Side& side = decoder ? *one.target : one.source;
  if (key == "encoder_last_hidden_state") {
    worst(errors.hidden, error_of_rows(side, got.hidden_states.back(), 0, wanted));
  } else if (key.find("hidden_states.") != std::string::npos) {
    const auto& states = decoder ? got.decoder_hidden_states : got.hidden_states;
    worst(errors.hidden, error_of_rows(side, states.at(number_of(key)), 0, wanted));
  } else if (key.find("attentions.") != std::string::npos) {
    const auto& layers = cross ? got.cross_attentions : decoder ? got.decoder_attentions : got.attentions;
    worst(errors.attention, error_of_attention(side, cross ? one.source : side, layers.at(number_of(key)), wanted));
  }
}

EngineOutput run(const Engine& engine, const Case& one, const EngineRequest& request) {
  return one.target ? engine.run(one.source.batch, one.target->batch, request) : engine.run(one.source.batch, request);
}

Errors errors_of(const Engine& engine, const fs::path& folder) {
  Errors errors;
  for (const std::string name : {"pad", "one", "long"}) {
    if (!fs::exists(folder / ("case_" + name + ".inputs.safetensors"))) {
      EXPECT_EQ(name, "long") << "the oracle lacks a case";
      continue;
    }
    const Case one = read_case(folder, name);
    const EngineOutput output = run(engine, one, {.hidden_states = true, .attentions = true});
    for (const auto& [key, wanted] : one.outputs.tensors) compare(one, output, key, wanted, errors);
    errors.logit = std::max(errors.logit, error_of_logits(one, output));
    // Asked for logits alone, the engine leaves out what they do not need.
    errors.logit = std::max(errors.logit, error_of_logits(one, run(engine, one, {})));
  }
  return errors;
}

struct OracleRun {
  std::string model;
  KernelSet kernels;
  int threads;
};

class Oracle : public testing::TestWithParam<OracleRun> {};

TEST_P(Oracle, AgreesAtEveryHiddenStateAttentionAndLogit) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle/models" / GetParam().model;
  const Model model = open_model(folder);
  const test::TempDir scratch;
  save_bundle(model, scratch.path() / "bundle");
  const Model reopened = open_model(scratch.path() / "bundle");
  for (const Model* tried : {&model, &reopened}) {
    const Errors errors = errors_of(Engine(*tried, {GetParam().threads, GetParam().kernels}), folder);
    std::printf("| %-16s | engine  | %.1e | %.1e | %.1e |\n", GetParam().model.c_str(), errors.hidden, errors.attention,
                errors.logit);
    EXPECT_LE(errors.hidden, kTolerance);
    EXPECT_LE(errors.attention, kTolerance);
    EXPECT_LE(errors.logit, kTolerance);
  }
}

std::vector<OracleRun> oracle_runs() {
  std::vector<OracleRun> runs;
  for (const std::string model :
       {"bert-tiny-shape", "bert-tiny-mlm", "bert-tiny-tokcls", "bert-tiny-qa", "roberta-tiny", "distilbert-tiny",
        "electra-tiny", "albert-tiny", "mobilebert-tiny", "gpt2-tiny", "bart-tiny", "marian-tiny", "t5-tiny"}) {
    for (const KernelSet set : {KernelSet::Best, KernelSet::Vector, KernelSet::Avx2, KernelSet::Reference}) {
      for (const int threads : {1, 2}) runs.push_back({model, set, threads});
    }
  }
  return runs;
}

std::string name_of(const testing::TestParamInfo<OracleRun>& run) {
  const char* const sets[] = {"Best", "Vector", "Avx2", "Reference"};
  std::string name = run.param.model + sets[static_cast<int>(run.param.kernels)] + std::to_string(run.param.threads);
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, Oracle, testing::ValuesIn(oracle_runs()), name_of);

class Generation : public testing::TestWithParam<const char*> {};

TEST_P(Generation, GreedyAndBeamSearchWriteTheSameTokens) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle/models" / GetParam();
  const Model model = open_model(folder);
  const Engine engine(model);
  const TensorFile wanted = read_safetensors(folder / "generate.safetensors");
  const Tensor& prompts = wanted.tensors.at("input_ids");
  constexpr int64_t kNewTokens = 16;
  PackedBatch batch;
  for (int64_t i = 0; i <= prompts.numel(); ++i) {
    if (i % prompts.size(1) == 0) batch.starts.push_back(static_cast<int32_t>(i));
    if (i < prompts.numel()) batch.ids.push_back(static_cast<TokenId>(prompts.value_at(i)));
  }
  batch.type_ids.assign(batch.ids.size(), 0);
  for (const auto& [name, beams] : std::map<std::string, int64_t>{{"greedy", 1}, {"beam4", 4}}) {
    const Tensor& expected = wanted.tensors.at(name);
    ASSERT_TRUE(model.architecture.generation.has_value());
    GenerationSpec spec = *model.architecture.generation;
    spec.beams = beams;
    spec.max_length = (model.architecture.has_decoder() ? 1 : prompts.size(1)) + kNewTokens;
    const int64_t pad = spec.pad >= 0 ? spec.pad : (spec.eos.empty() ? 0 : spec.eos.front());
    const auto written = engine.generate(batch, spec);
    ASSERT_EQ(static_cast<int64_t>(written.size()), expected.size(0));
    for (size_t row = 0; row < written.size(); ++row) {
      std::vector<TokenId> padded = written[row];
      padded.resize(static_cast<size_t>(expected.size(1)), static_cast<TokenId>(pad));
      for (int64_t i = 0; i < expected.size(1); ++i) {
        EXPECT_EQ(padded[static_cast<size_t>(i)], expected.value_at(static_cast<int64_t>(row) * expected.size(1) + i))
            << name << ", sequence " << row << ", token " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Generation, testing::Values("gpt2-tiny", "bart-tiny", "marian-tiny", "t5-tiny"),
                         [](const testing::TestParamInfo<const char*>& one) {
                           std::string name = one.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace espalier
