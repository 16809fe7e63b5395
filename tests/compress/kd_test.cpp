#include <ATen/ATen.h>

#include "base/json.h"
#include "network/network.h"
#include "tests/compress/small_model.h"
#include "tests/support/support.h"
#include "train/fine_tune.h"
#include "train/loss.h"

namespace espalier::test {
namespace {

Step kd(Json settings) { return step_of("distill.kd", std::move(settings)); }

at::Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble).unsqueeze(0); }

at::Tensor gradient(const at::Tensor& student, const at::Tensor& teacher, double temperature) {
  const at::Tensor logits = student.clone().requires_grad_(true);
  distillation_loss(logits, teacher, temperature).backward();
  return logits.grad();
}

TEST(HintonLoss, GradientIsTTimesTheDifferenceOfProbabilities) {
  const at::Tensor student = row({1, -0.5, 0.3}), teacher = row({0.2, 0.8, -1});
  for (const double temperature : {0.5, 1.0, 2.0, 10.0}) {
    const at::Tensor wanted =
        temperature * (at::softmax(student / temperature, 1) - at::softmax(teacher / temperature, 1));
    EXPECT_LT((gradient(student, teacher, temperature) - wanted).abs().max().item<double>(), 1e-12) << temperature;
  }
}

TEST(HintonLoss, TendsToTheDifferenceOfCentredLogits) {
  const at::Tensor student = row({1, -0.5, 0.3}), teacher = row({0.2, 0.8, -1});
  EXPECT_TRUE(at::allclose(gradient(student, teacher, 100), row({0.17891, -0.52200, 0.34308}), 0, 1e-5));
  EXPECT_TRUE(at::allclose(gradient(student, teacher, 1e5), row({0.17778, -0.52222, 0.34444}), 0, 1e-5));
}

TEST(HintonLoss, ConstantsAndEqualModelsCount0) {
  const at::Tensor student = row({1, -0.5, 0.3}), teacher = row({0.2, 0.8, -1});
  EXPECT_NEAR(distillation_loss(student + 5, teacher - 3, 2).item<double>(),
              distillation_loss(student, teacher, 2).item<double>(), 1e-12);
  EXPECT_NEAR(distillation_loss(teacher, teacher, 2).item<double>(), 0, 1e-15);
}

TEST(Kd, AStudentThatIsTheTeacherHasNothingToLearn) {
  // No dropout in this model, so student and teacher see the same; weight decay is the only force left.
  Model model = small_model();
  model.architecture.hidden_dropout = model.architecture.attention_dropout = 0;
  Resources resources = small_resources();
  resources.teacher = &model;
  JobContext context;
  const MethodResult result =
      method("distill.kd")
          .apply(model, kd({{"num_layers", 4}, {"alpha", 1.0}, {"epochs", 0.2}, {"weight_decay", 0.0}}), resources, 1,
                 context);
  EXPECT_NEAR(result.report.at("train").at("final_loss").get<double>(), 0, 1e-6);
}

TEST(Kd, TheStudentStartsFromSpacedOrFirstLayers) {
  const MethodResult spaced = apply_step(small_model(), kd({{"num_layers", 2}, {"epochs", 0.0}}));
  EXPECT_EQ(spaced.report.at("initial_layers"), Json::parse("[0, 3]"));
  EXPECT_EQ(values_of(spaced.model, "encoder.1.ffn.in_proj.weight"),
            values_of(small_model(), "encoder.3.ffn.in_proj.weight"));
  EXPECT_EQ(values_of(spaced.model, "head.out.weight"), values_of(small_model(), "head.out.weight"));
  const MethodResult first = apply_step(small_model(), kd({{"num_layers", 2}, {"init", "first"}, {"epochs", 0.0}}));
  EXPECT_EQ(first.report.at("initial_layers"), Json::parse("[0, 1]"));
  Architecture deep = small_architecture();
  deep.layers.resize(12, deep.layers.front());
  const MethodResult half = apply_step(fresh_model(deep, 1), kd({{"epochs", 0.0}}));
  EXPECT_EQ(half.report.at("initial_layers"), Json::parse("[0, 2, 4, 7, 9, 11]")) << "DistilBERT's choice";
}

// Divergence from the teacher's probabilities on the training examples, through the engine.
double distance_to_teacher(const Model& student) {
  std::vector<Encoding> encodings;
  for (const EncodedExample& example : small_train().examples) encodings.push_back(example.encoding);
  const PackedBatch batch = pack(encodings);
  const auto logits = [&](const Model& model) { return to_torch(Engine(model).run(batch).logits); };
  return distillation_loss(logits(student), logits(small_model()), 1).item<double>();
}

TEST(Kd, TrainingBringsTheStudentCloserToTheTeacher) {
  Model model = small_model();
  model.architecture.hidden_dropout = model.architecture.attention_dropout = 0;
  Json settings = {{"num_layers", 1}, {"init", "first"}, {"alpha", 1.0}, {"learning_rate", 2e-3}, {"epochs", 0.0}};
  const double before = distance_to_teacher(apply_step(model, kd(settings)).model);
  settings["epochs"] = 10.0;
  const double after = distance_to_teacher(apply_step(model, kd(settings)).model);
  EXPECT_LT(after, 0.5 * before);
}

TEST(Kd, NeedsATeacherOfTheSameOutputs) {
  Resources resources = small_resources();
  resources.teacher = nullptr;
  const auto text = [&](const Json& settings) {
    std::string all;
    for (const Issue& issue : check_step(small_model(), kd(settings), &resources)) all += issue.message;
    return all;
  };
  EXPECT_NE(text({{"epochs", 1.0}}).find("teacher"), std::string::npos);
  EXPECT_EQ(text({{"epochs", 1.0}, {"alpha", 0.0}}), "");
  Model other = small_model();
  other.architecture.head.num_labels = 3;
  resources.teacher = &other;
  EXPECT_NE(text({{"epochs", 1.0}}).find("3 outputs"), std::string::npos);
  EXPECT_NE(issues_of(small_model(), kd({{"num_layers", 5}})).find("num_layers: "), std::string::npos);
}

}  // namespace
}  // namespace espalier::test
