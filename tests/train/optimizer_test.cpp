// The optimizer and the losses: against the oracle's three steps, and against closed forms.

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include "formats/safetensors.h"
#include "network/network.h"
#include "tests/support/support.h"
#include "train/adamw.h"
#include "train/loss.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

// The name that the independent implementation gives to a slot.
std::string checkpoint_name(std::string slot) {
  const std::vector<std::pair<std::string, std::string>> replacements = {
      {"embeddings.word", "bert.embeddings.word_embeddings"},
      {"embeddings.position", "bert.embeddings.position_embeddings"},
      {"embeddings.type", "bert.embeddings.token_type_embeddings"},
      {"embeddings.norm", "bert.embeddings.LayerNorm"},
      {"encoder.", "bert.encoder.layer."},
      {"attention.q_proj", "attention.self.query"},
      {"attention.k_proj", "attention.self.key"},
      {"attention.v_proj", "attention.self.value"},
      {"attention.out_proj", "attention.output.dense"},
      {"attention.norm", "attention.output.LayerNorm"},
      {"ffn.in_proj", "intermediate.dense"},
      {"ffn.out_proj", "output.dense"},
      {"ffn.norm", "output.LayerNorm"},
      {"pooler.", "bert.pooler."},
      {"head.out", "classifier"}};
  for (const auto& [from, to] : replacements) {
    if (const size_t at = slot.find(from); at != std::string::npos) slot.replace(at, from.size(), to);
  }
  return slot;
}

double relative_difference(const at::Tensor& got, const at::Tensor& wanted) {
  return (got - wanted).abs().max().item<double>() / std::max(1e-3, wanted.abs().max().item<double>());
}

TEST(Training, ThreeStepsAgreeWithTheOracle) {
  ESPALIER_REQUIRE_SHARED();
  const fs::path folder = test::shared_dir() / "oracle" / "models" / "bert-tiny-shape";
  const TensorFile oracle = read_safetensors(folder / "train.safetensors");
  const TensorFile inputs = read_safetensors(folder / "case_pad.inputs.safetensors");
  const NetworkBatch batch{to_torch(inputs.tensors.at("input_ids")), to_torch(inputs.tensors.at("token_type_ids")),
                           to_torch(inputs.tensors.at("attention_mask"))};
  const Model start = open_model(folder);
  Network network(start);
  LossTargets targets;
  targets.labels = to_torch(oracle.tensors.at("labels"));
  AdamW optimizer(network.parameters(), [](const std::string&) { return true; }, {});
  constexpr double kRate = 1e-3;

  const at::Tensor losses = to_torch(oracle.tensors.at("losses"));
  for (int64_t step = 0; step < 3; ++step) {
    const at::Tensor loss = task_loss(network.forward(batch).logits, targets);
    EXPECT_NEAR(loss.item<double>(), losses[step].item<double>(), 1e-4);
    loss.backward();
    if (step == 0) {
      for (const auto& [slot, parameter] : network.parameters()) {
        const at::Tensor wanted = to_torch(oracle.tensors.at("grad." + checkpoint_name(slot)));
        EXPECT_LE(relative_difference(parameter.grad(), wanted), 1e-4) << slot;
      }
    }
    optimizer.step(kRate);
  }
  size_t compared = 0;
  for (const auto& [slot, parameter] : network.parameters()) {
    const at::Tensor wanted = to_torch(oracle.tensors.at("after3." + checkpoint_name(slot)));
    const at::Tensor got = parameter.detach();
    const at::Tensor begin = to_torch(start.weight(slot).as<Dense>()->values);
    // Adam's first steps follow the sign of the gradient, so where a gradient is noise around zero the step is too: the
    // bias of keys has no effect on attention, all its gradient is rounding. It can only be held to the size of a step.
    if (slot.ends_with("k_proj.bias")) {
      EXPECT_LE((got - begin).abs().max().item<double>(), 3 * kRate * 1.01) << slot;
      continue;
    }
    EXPECT_LE((got - wanted).abs().max().item<double>(), 1e-4 * std::max(1.0, wanted.abs().max().item<double>()))
        << slot;
    // Against the way that the parameter went.
    EXPECT_LE((got - wanted).norm().item<double>() / (wanted - begin).norm().item<double>(), 1e-3) << slot;
    ++compared;
  }
  EXPECT_EQ(compared, 41U - 2U);
}

TEST(AdamW, FloatLoopAndTensorOperationsAgree) {
  const at::Tensor start = at::linspace(-1, 1, 70000, at::kDouble).view({700, 100});
  at::Tensor fine = start.clone().requires_grad_(true);
  at::Tensor fast = start.to(at::kFloat).requires_grad_(true);
  AdamW fine_optimizer({{"w", fine}}, [](const std::string&) { return true; }, {});
  AdamW fast_optimizer({{"w", fast}}, [](const std::string&) { return true; }, {});
  for (int step = 1; step <= 5; ++step) {
    fine.mutable_grad() = at::sin(start * step * 7);
    fast.mutable_grad() = at::sin(start * step * 7).to(at::kFloat);
    EXPECT_NEAR(fast_optimizer.gradient_norm() / fine_optimizer.gradient_norm(), 1, 1e-6);
    fine_optimizer.step(1e-2, 0.5);
    fast_optimizer.step(1e-2, 0.5);
  }
  EXPECT_LE((fine.detach() - fast.detach()).abs().max().item<double>(), 1e-6);
}

TEST(AdamW, ASparseGradientTakesTheStepOfTheDenseOne) {
  const at::Tensor start = at::linspace(-1, 1, 5000).view({50, 100});
  at::Tensor dense = start.clone().requires_grad_(true);
  at::Tensor sparse = start.clone().requires_grad_(true);
  const auto all = [](const std::string&) { return true; };
  AdamW dense_optimizer({{"w", dense}}, all, {});
  AdamW sparse_optimizer({{"w", sparse}}, all, {});
  for (int64_t step = 1; step <= 6; ++step) {
    // Rows come twice in a batch, come back later, or never come.
    const at::Tensor ids = at::tensor(std::vector<int64_t>{3, 7, 3, 20 + step, 20 + step % 2});
    const at::Tensor factor = at::sin(at::arange(500).view({5, 100}) + step);
    (at::embedding(dense, ids) * factor).sum().backward();
    (at::embedding(sparse, ids, -1, false, true) * factor).sum().backward();
    ASSERT_TRUE(sparse.grad().is_sparse());
    EXPECT_NEAR(dense_optimizer.gradient_norm(), sparse_optimizer.gradient_norm(), 1e-5);
    dense_optimizer.step(1e-2, 0.5);
    sparse_optimizer.step(1e-2, 0.5);
    if (step == 3) sparse_optimizer.restored(3);
  }
  EXPECT_TRUE(at::equal(dense.detach(), sparse.detach()));
  const AdamWEntry& entry = sparse_optimizer.entries().at("w");
  EXPECT_TRUE(at::equal(dense_optimizer.entries().at("w").second_moment, entry.second_moment));
}

TEST(AdamW, FirstStepIsTheRateTimesTheSign) {
  at::Tensor w = at::tensor({1.0F, -2.0F}).requires_grad_(true);
  AdamW optimizer({{"w", w}}, [](const std::string&) { return true; }, {.weight_decay = 0.1});
  w.mutable_grad() = at::tensor({0.3F, -5.0F});
  optimizer.step(0.01);
  EXPECT_NEAR(w[0].item<double>(), 1.0 * (1 - 0.001) - 0.01, 1e-6);
  EXPECT_NEAR(w[1].item<double>(), -2.0 * (1 - 0.001) + 0.01, 1e-6);
  EXPECT_FALSE(w.grad().defined());
}

TEST(Distillation, GradientIsTemperatureTimesTheDifferenceOfShares) {
  const at::Tensor teacher = at::tensor({0.2, 0.8, -1.0}, at::kDouble).unsqueeze(0);
  const at::Tensor student = at::tensor({1.0, -0.5, 0.3}, at::kDouble).unsqueeze(0).requires_grad_(true);
  const auto gradient = [&](double temperature) {
    return torch::autograd::grad({distillation_loss(student, teacher, temperature)}, {student})[0].squeeze(0);
  };
  for (const double temperature : {1.0, 2.0, 5.0}) {
    const at::Tensor wanted =
        (at::softmax(student / temperature, -1) - at::softmax(teacher / temperature, -1)).squeeze(0) * temperature;
    EXPECT_LE((gradient(temperature) - wanted).abs().max().item<double>(), 1e-12);
  }
  const at::Tensor at_100 = gradient(100);
  EXPECT_NEAR(at_100[0].item<double>(), 0.17891, 1e-5);
  EXPECT_NEAR(at_100[1].item<double>(), -0.52200, 1e-5);
  EXPECT_NEAR(at_100[2].item<double>(), 0.34308, 1e-5);
}

TEST(Distillation, ConstantsDoNotMatterAndAgreementIsFree) {
  const at::Tensor z = at::tensor({0.2, 0.8, -1.0}, at::kDouble).unsqueeze(0);
  EXPECT_NEAR(distillation_loss(z, z + 3, 2).item<double>(), 0, 1e-12);
  EXPECT_GT(distillation_loss(z, z * 2, 2).item<double>(), 0.01);
}

TEST(Loss, AlphaMixesLabelsAndTeacher) {
  LossTargets targets;
  targets.labels = at::tensor({1, 0}, at::kLong);
  targets.teacher_logits = at::tensor({0.0, 1.0, 2.0, -1.0}, at::kDouble).view({2, 2});
  targets.distill_temperature = 2;
  const at::Tensor logits = at::tensor({0.3, 0.1, -0.2, 0.6}, at::kDouble).view({2, 2});
  const double labels_only = at::cross_entropy_loss(logits, targets.labels).item<double>();
  const double teacher_only = distillation_loss(logits, targets.teacher_logits, 2).item<double>();
  for (const double alpha : {0.0, 0.25, 1.0}) {
    targets.distill_alpha = alpha;
    EXPECT_NEAR(task_loss(logits, targets).item<double>(), (1 - alpha) * labels_only + alpha * teacher_only, 1e-12);
  }
}

}  // namespace
}  // namespace espalier
