// The training loop on a small task made in code.

#include "train/fine_tune.h"
#include "base/json.h"

#include <atomic>

#include "tests/support/support.h"
#include "tests/train/train_support.h"

namespace espalier {
namespace {

using test::majority_task;
using test::same_weights;
using test::tiny_architecture;

TrainOptions quick_options() {
  TrainOptions options;
  options.epochs = 2;
  options.batch_size = 16;
  options.learning_rate = 1e-3;
  options.seed = 3;
  return options;
}

// Enough to learn the small task.
TrainOptions learning_options() {
  TrainOptions options = quick_options();
  options.epochs = 6;
  options.batch_size = 32;
  options.learning_rate = 3e-3;
  options.dropout = 0;
  return options;
}

Model tiny_model(HeadKind head = HeadKind::Classification, int64_t num_labels = 2) {
  return fresh_model(tiny_architecture(head, num_labels), 5);
}

TrainResult train(const Model& model, const TrainOptions& options, JobContext context = {}, int64_t count = 160) {
  return fine_tune(model, majority_task(count, 1), majority_task(60, 2), options, context);
}

TEST(FineTune, LearnsTheMajority) {
  TrainOptions options = learning_options();
  std::vector<double> losses;
  std::vector<double> rates;
  JobContext context;
  context.metric = [&](const std::string& series, double /*x*/, double y) {
    if (series == "loss") losses.push_back(y);
    if (series == "learning_rate") rates.push_back(y);
  };
  const EncodedDataset dev = majority_task(200, 2);
  const TrainResult result = fine_tune(tiny_model(), majority_task(1200, 1), dev, options, context);
  EXPECT_GT(losses.front(), 0.5);
  EXPECT_LT(result.report.final_loss, 0.3);
  EXPECT_GT(result.report.best_dev_metric, 0.9);
  EXPECT_LT(test::majority_share(dev), 0.6);
  EXPECT_EQ(result.report.steps, 6 * 38);
  EXPECT_GT(result.report.tokens_per_second, 0);
  EXPECT_FALSE(result.report.blas.empty());
  // Up for a tenth of the steps, then down to the last share.
  const auto peak = std::max_element(rates.begin(), rates.end());
  EXPECT_DOUBLE_EQ(*peak, options.learning_rate);
  EXPECT_NEAR(static_cast<double>(peak - rates.begin()) / static_cast<double>(rates.size()), 0.1, 0.02);
  EXPECT_TRUE(std::is_sorted(rates.begin(), peak));
  EXPECT_TRUE(std::is_sorted(peak, rates.end(), std::greater<>()));
  EXPECT_LT(rates.back(), 0.01 * options.learning_rate);
}

TEST(FineTune, LearnsAScore) {
  TrainOptions options = learning_options();
  JobContext context;
  const TrainResult result = fine_tune(tiny_model(), test::without_labels(majority_task(800, 1)),
                                       test::without_labels(majority_task(200, 2)), options, context);
  EXPECT_EQ(result.model.architecture.head.kind, HeadKind::Regression);
  EXPECT_GT(result.report.best_dev_metric, 0.7);
}

TEST(FineTune, SameSeedSameBytes) {
  const TrainOptions options = quick_options();
  const Model model = tiny_model();
  const TrainResult first = train(model, options);
  EXPECT_TRUE(same_weights(first.model, train(model, options).model));
  EXPECT_FALSE(same_weights(first.model, model));
  TrainOptions other = options;
  other.seed = 4;
  EXPECT_FALSE(same_weights(first.model, train(model, other).model));
}

TEST(FineTune, ContinuesToTheSameBits) {
  const test::TempDir folder;
  TrainOptions options = quick_options();
  options.evaluations_per_epoch = 2;
  const Model teacher = fresh_model(tiny_architecture(HeadKind::Classification, 2), 9);
  options.teacher = &teacher;
  const Model model = tiny_model();
  const TrainResult whole = train(model, options);

  options.checkpoint_folder = folder.path() / "checkpoint";
  options.checkpoint_seconds = 0;
  for (const int64_t stop_after : {3, 11, 17}) {
    JobContext context;
    context.metric = [&](const std::string& series, double step, double /*y*/) {
      if (series == "loss" && step >= static_cast<double>(stop_after)) context.cancel.cancel();
    };
    EXPECT_THROW(train(model, options, context), Cancelled);
  }
  const TrainResult continued = train(model, options);
  EXPECT_TRUE(continued.report.resumed);
  EXPECT_TRUE(same_weights(continued.model, whole.model));
  EXPECT_EQ(continued.report.best_step, whole.report.best_step);
  EXPECT_EQ(continued.report.final_loss, whole.report.final_loss);
  EXPECT_EQ(continued.report.steps, whole.report.steps);
  EXPECT_TRUE(std::filesystem::is_empty(options.checkpoint_folder));
}

TEST(FineTune, ACheckpointOfOtherOptionsIsNotContinued) {
  const test::TempDir folder;
  TrainOptions options = quick_options();
  options.checkpoint_folder = folder.path();
  options.checkpoint_seconds = 0;
  JobContext context;
  context.metric = [&](const std::string&, double step, double) {
    if (step >= 5) context.cancel.cancel();
  };
  EXPECT_THROW(train(tiny_model(), options, context), Cancelled);
  options.learning_rate *= 2;
  EXPECT_FALSE(train(tiny_model(), options).report.resumed);
}

TEST(FineTune, BestWeightsAreGivenBack) {
  TrainOptions options = quick_options();
  options.epochs = 6;
  options.learning_rate = 0.02;  // too large: it gets worse again
  options.evaluations_per_epoch = 5;
  std::vector<std::pair<double, double>> metrics;
  JobContext context;
  context.metric = [&](const std::string& series, double x, double y) {
    if (series == "dev_metric") metrics.emplace_back(x, y);
  };
  const TrainResult result = train(tiny_model(), options, context);
  const auto best = std::max_element(metrics.begin(), metrics.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_EQ(metrics.size(), 30U);
  EXPECT_EQ(result.report.best_dev_metric, best->second);
  EXPECT_EQ(static_cast<double>(result.report.best_step), best->first);
  // Evaluated again without a step, the weights give the same metric.
  TrainOptions none = options;
  none.learning_rate = 0;
  none.max_steps = 1;
  EXPECT_EQ(train(result.model, none).report.best_dev_metric, best->second);
}

TEST(FineTune, StopsWhenNothingImproves) {
  TrainOptions options = quick_options();
  options.epochs = 50;
  options.learning_rate = 0;
  options.patience = 2;
  const TrainResult result = train(tiny_model(), options);
  EXPECT_TRUE(result.report.stopped_early);
  EXPECT_EQ(result.report.steps, 30);  // the first evaluation and two more
}

TEST(FineTune, AFractionOfAnEpochAndAStepLimit) {
  TrainOptions options = quick_options();
  options.epochs = 0.35;
  EXPECT_EQ(train(tiny_model(), options).report.steps, 4);  // of ten a whole one has
  options.epochs = 3;
  options.max_steps = 7;
  EXPECT_EQ(train(tiny_model(), options).report.steps, 7);
  options.epochs = 0;
  options.max_steps = 0;
  EXPECT_TRUE(same_weights(train(tiny_model(), options).model, tiny_model()));
}

TEST(FineTune, AStudentOfATeacherAloneNeedsNoLabels) {
  TrainOptions options = learning_options();
  const EncodedDataset dev = majority_task(200, 2);
  JobContext context;
  const TrainResult taught = fine_tune(tiny_model(), majority_task(1200, 1), dev, options, context);
  EncodedDataset unlabelled = majority_task(1200, 1);
  for (EncodedExample& example : unlabelled.examples) example.label = -1;
  options.teacher = &taught.model;
  EXPECT_EQ(test::expect_error([&] { fine_tune(tiny_model(), unlabelled, dev, options, context); }).kind(),
            ErrorKind::InvalidInput);
  options.distill_alpha = 1;
  const TrainResult student = fine_tune(tiny_model(), unlabelled, dev, options, context);
  EXPECT_GT(student.report.best_dev_metric, 0.85);
}

TEST(FineTune, MasksStayAndCodesDoNotMove) {
  Model model = tiny_model();
  const std::string masked = "encoder.0.ffn.in_proj.weight";
  const std::string coded = "encoder.1.ffn.in_proj.weight";
  std::vector<bool> keep(64 * 32);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i % 2 == 0;
  model.weights.replace(masked, make_masked(materialize(model.weight(masked)), keep));
  model.weights.replace(coded,
                        quantize_symmetric(materialize(model.weight(coded)), 8, true, ActivationRange::PerToken));
  const Model trained = train(model, quick_options()).model;
  ASSERT_NE(trained.weight(masked).as<Masked>(), nullptr);
  EXPECT_EQ(keep_flags(*trained.weight(masked).as<Masked>()), keep);
  EXPECT_EQ(sparsity_of(trained.weight(masked)), 0.5);
  EXPECT_FALSE(bit_equal(trained.weight(masked), model.weight(masked)));
  EXPECT_TRUE(bit_equal(trained.weight(coded), model.weight(coded)));
}

TEST(FineTune, RefusesWhatCannotBeTrained) {
  JobContext context;
  const TrainOptions options = quick_options();
  const auto kind_of = [&](const EncodedDataset& data, const TrainOptions& with) {
    return test::expect_error([&] { fine_tune(tiny_model(), data, majority_task(5, 2), with, context); }).kind();
  };
  EXPECT_EQ(kind_of({}, options), ErrorKind::InvalidInput);
  EncodedDataset partly = majority_task(20, 1);
  partly.examples[3].label = -1;
  EXPECT_EQ(kind_of(partly, options), ErrorKind::InvalidInput);
  const Model three = tiny_model(HeadKind::Classification, 3);
  TrainOptions taught = options;
  taught.teacher = &three;
  EXPECT_EQ(kind_of(majority_task(20, 1), taught), ErrorKind::InvalidInput);
  TrainOptions wild = options;
  wild.learning_rate = 1e30;
  wild.warmup_frac = 0;
  EXPECT_EQ(kind_of(majority_task(80, 1), wild), ErrorKind::InvalidInput);
}

TEST(FreshModel, FollowsTheSeedAndTheShape) {
  const Architecture a = tiny_architecture(HeadKind::MaskedLm, 200);
  const Model model = fresh_model(a, 5);
  validate(model, "fresh");
  EXPECT_TRUE(same_weights(model, fresh_model(a, 5)));
  EXPECT_FALSE(same_weights(model, fresh_model(a, 6)));
  EXPECT_EQ(model.weights.handle("head.out.weight"), model.weights.handle("embeddings.word.weight"));
  const Tensor words = materialize(model.weight("embeddings.word.weight"));
  double squares = 0;
  for (const float value : words.values<float>()) squares += static_cast<double>(value) * value;
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(words.numel())), 0.02, 0.001);
  EXPECT_EQ(materialize(model.weight("encoder.0.ffn.norm.weight")).value_at(0), 1.0);
}

TEST(TaskHead, IsReplacedOnlyWhenItDoesNotFit) {
  Task task;
  task.labels = {"no", "yes"};
  const Model fitting = tiny_model();
  EXPECT_TRUE(same_weights(with_task_head(fitting, task, 1), fitting));
  EXPECT_EQ(with_task_head(fitting, task, 1).architecture.head.labels, task.labels);
  for (const Model& model : {tiny_model(HeadKind::Classification, 3), tiny_model(HeadKind::None, 0),
                             tiny_model(HeadKind::MaskedLm, 200), tiny_model(HeadKind::Regression, 1)}) {
    const Model headed = with_task_head(model, task, 1);
    validate(headed, "headed");
    EXPECT_EQ(headed.architecture.head.num_labels, 2);
    EXPECT_TRUE(headed.architecture.has_pooler);
    EXPECT_TRUE(bit_equal(headed.weight("encoder.3.ffn.in_proj.weight"), model.weight("encoder.3.ffn.in_proj.weight")));
  }
  task.labels = {"only"};
  EXPECT_EQ(test::expect_error([&] { with_task_head(fitting, task, 1); }).kind(), ErrorKind::InvalidInput);
}

TEST(RetrainSettings, ReadBackAsOptions) {
  const std::vector<Setting> schema = retrain_settings(1.5);
  const TrainOptions defaults = train_options_from(Settings(schema, Json::object()));
  EXPECT_EQ(defaults.epochs, 1.5);
  EXPECT_EQ(defaults.learning_rate, TrainOptions().learning_rate);
  const TrainOptions chosen =
      train_options_from(Settings(schema, {{"epochs", 0.25}, {"batch_size", 8}, {"learning_rate", 1e-3}}));
  EXPECT_EQ(chosen.epochs, 0.25);
  EXPECT_EQ(chosen.batch_size, 8);
  EXPECT_EQ(chosen.learning_rate, 1e-3);
}

TEST(TorchInfo, NamesTheLibraryThatComputes) {
  const TorchInfo info = torch_info(true);
  EXPECT_FALSE(info.blas.empty());
  EXPECT_FALSE(info.version.empty());
  EXPECT_GT(info.linear_gflops, 0.1);
}

}  // namespace
}  // namespace espalier
