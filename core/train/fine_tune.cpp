// The training loop. Every random choice is a function of the seed and the step: the order of epoch e comes from a
// generator of its own, the dropout masks of step s from a seed of its own. So a run continues from a checkpoint to the
// same bits without any generator's state.

#include "train/fine_tune.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/rng.h"
#include "data/batching.h"
#include "network/network.h"
#include "network/torch_errors.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/fingerprint.h"
#include "train/loss.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

constexpr int64_t kEvaluationBatch = 64;
constexpr size_t kLossWindow = 50;  // steps that final_loss is the mean of

struct DataSummary {
  bool regression = false;
  int32_t num_labels = 0;
};

DataSummary summarize(const EncodedDataset& train, const EncodedDataset& dev, const TrainOptions& options) {
  if (train.examples.empty()) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is nothing to train on",
                                          .where = "",
                                          .got = "0 examples",
                                          .wanted = "at least one",
                                          .next = "check the train split of the task"});
  }
  DataSummary summary;
  int64_t unlabelled = 0;
  for (const EncodedDataset* data : {&train, &dev}) {
    for (const EncodedExample& example : data->examples) {
      summary.num_labels = std::max(summary.num_labels, example.label + 1);
      if (data == &train && example.label < 0) ++unlabelled;
    }
  }
  summary.regression = summary.num_labels == 0;
  const bool labels_needed = options.teacher == nullptr || options.distill_alpha < 1;
  if (!summary.regression && unlabelled > 0 && labels_needed) {
    throw Error(ErrorKind::InvalidInput,
                {.what = "some training examples have no label",
                 .where = "",
                 .got = std::to_string(unlabelled) + " of " + std::to_string(train.examples.size()),
                 .wanted = "a label on each",
                 .next = "remove them, or learn from a teacher alone (distill_alpha 1)"});
  }
  return summary;
}

// The model with a head that gives what the data holds.
Model with_fitting_head(const Model& model, const DataSummary& data, uint64_t seed) {
  const HeadSpec& head = model.architecture.head;
  const bool fits = data.regression ? head.kind == HeadKind::Regression && head.num_labels == 1
                                    : head.kind == HeadKind::Classification && head.num_labels >= data.num_labels;
  if (fits) return model;
  Task task;
  task.kind = data.regression ? TaskKind::Regression : TaskKind::Classification;
  for (int32_t label = 0; label < std::max(2, data.num_labels); ++label) task.labels.push_back(std::to_string(label));
  return with_task_head(model, task, seed);
}

class Trainer {
 public:
  Trainer(const Model& model, const EncodedDataset& train, const EncodedDataset& dev, const TrainOptions& options,
          JobContext& context)
      : data_(summarize(train, dev, options)),
        model_(with_fitting_head(model, data_, options.seed)),
        train_(train),
        dev_(dev),
        options_(options),
        context_(context),
        network_(model_, {.device = options.device, .float64 = false, .sparse_word_gradient = true}),
        optimizer_(network_.parameters(), [this](const std::string& name) { return decays(name); },
                   {options.adam_beta1, options.adam_beta2, options.adam_epsilon, options.weight_decay}) {
    if (options.dropout >= 0) network_.set_dropout(options.dropout, options.dropout);
    const auto count = static_cast<int64_t>(train.examples.size());
    batches_per_epoch_ = (count + options.batch_size - 1) / options.batch_size;
    total_steps_ = static_cast<int64_t>(std::ceil(options.epochs * static_cast<double>(batches_per_epoch_)));
    if (options.max_steps > 0) total_steps_ = std::min(total_steps_, options.max_steps);
    if (options.teacher != nullptr) prepare_teacher();
  }

  TrainResult run() {
    TrainReport report;
    report.resumed = resume();
    const Clock::time_point begin = Clock::now();
    Clock::time_point saved = begin;
    while (state_.step < total_steps_ && !stops_early()) {
      take_step();
      const bool evaluates = evaluates_after(state_.step);
      if (evaluates) evaluate_and_keep();
      const bool more = state_.step < total_steps_ && !stops_early();
      if (more && !options_.checkpoint_folder.empty() &&
          (evaluates || seconds_since(saved) >= options_.checkpoint_seconds)) {
        save();
        saved = Clock::now();
      }
    }
    report.stopped_early = state_.step < total_steps_;
    if (options_.keep_best) restore_best();
    context_.progress.report(1);

    report.steps = state_.step;
    report.epochs = static_cast<double>(state_.step) / static_cast<double>(batches_per_epoch_);
    report.seconds = seconds_since(begin);
    report.tokens_per_second = tokens_per_second();
    for (const double loss : state_.last_losses) {
      report.final_loss += loss / static_cast<double>(state_.last_losses.size());
    }
    report.best_dev_metric = state_.best_metric;
    report.best_step = state_.best_step;
    report.blas = torch_info(false).blas;
    Model trained = network_.to_model();
    if (!options_.checkpoint_folder.empty()) remove_checkpoint(options_.checkpoint_folder);
    return {std::move(trained), report};
  }

 private:
  // Biases and norms stay undecayed (Devlin 2019) unless everything is to decay.
  bool decays(const std::string& parameter) const {
    if (options_.decay_all) return true;
    const std::string slot = parameter.substr(0, parameter.find('#'));
    return !slot.ends_with(".bias") && slot.find(".norm.") == std::string::npos;
  }

  double learning_rate(int64_t step) const {
    const auto total = static_cast<double>(total_steps_);
    const double warmup = std::floor(options_.warmup_frac * total);
    const auto now = static_cast<double>(step);
    if (now < warmup) return options_.learning_rate * (now + 1) / warmup;
    return options_.learning_rate * (total - now) / std::max(1.0, total - warmup);
  }

  double tokens_per_second() const {
    return state_.train_seconds > 0 ? static_cast<double>(state_.tokens) / state_.train_seconds : 0;
  }

  bool stops_early() const { return options_.patience > 0 && state_.evaluations_since_best >= options_.patience; }

  bool evaluates_after(int64_t step) const {
    if (options_.evaluations_per_epoch <= 0 || dev_.examples.empty()) return false;
    if (step == total_steps_) return true;
    // Step numbers at which another share of an epoch is full.
    const int64_t before = (step - 1) * options_.evaluations_per_epoch / batches_per_epoch_;
    return step * options_.evaluations_per_epoch / batches_per_epoch_ > before;
  }

  const std::vector<int32_t>& batch_of(int64_t step) {
    const int64_t epoch = step / batches_per_epoch_;
    if (epoch != planned_epoch_) {
      Rng rng = Rng(options_.seed).fork("epoch " + std::to_string(epoch));
      plan_ = plan_shuffled(train_, options_.batch_size, rng);
      planned_epoch_ = epoch;
    }
    return plan_.at(static_cast<size_t>(step % batches_per_epoch_));
  }

  NetworkBatch gather(const EncodedDataset& dataset, const std::vector<int32_t>& examples) const {
    std::vector<const Encoding*> encodings;
    encodings.reserve(examples.size());
    for (const int32_t i : examples) encodings.push_back(&dataset.examples[static_cast<size_t>(i)].encoding);
    return make_network_batch(encodings, static_cast<TokenId>(model_.architecture.embedding.pad_token_id),
                              options_.device);
  }

  LossTargets targets_of(const std::vector<int32_t>& examples, const NetworkBatch& batch) {
    const auto count = static_cast<int64_t>(examples.size());
    LossTargets targets;
    targets.regression = data_.regression;
    at::Tensor labels = at::empty({count}, at::kLong);
    at::Tensor scores = at::empty({count}, at::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      const EncodedExample& example = train_.examples[static_cast<size_t>(examples[static_cast<size_t>(i)])];
      labels.data_ptr<int64_t>()[i] = example.label;
      scores.data_ptr<float>()[i] = static_cast<float>(example.score);
    }
    const at::Device device(options_.device);
    targets.labels = labels.to(device);
    targets.scores = scores.to(device);
    if (teacher_) {
      targets.teacher_logits = teacher_logits(examples, batch);
      targets.distill_alpha = options_.distill_alpha;
      targets.distill_temperature = options_.distill_temperature;
    }
    return targets;
  }

  void prepare_teacher() {
    teacher_.emplace(*options_.teacher, NetworkOptions{.device = options_.device, .float64 = false});
    const HeadSpec& taught = model_.architecture.head;
    const HeadSpec& teaching = teacher_->architecture().head;
    if (teaching.kind != taught.kind || teaching.num_labels != taught.num_labels) {
      throw Error(
          ErrorKind::InvalidInput,
          {.what = "the teacher does not give what the student learns",
           .where = "",
           .got = std::string(to_string(teaching.kind)) + " with " + std::to_string(teaching.num_labels) + " outputs",
           .wanted = std::string(to_string(taught.kind)) + " with " + std::to_string(taught.num_labels),
           .next = "choose a teacher trained on the same task"});
    }
    // Asked once for every example when every example is seen; else batch by batch.
    if (total_steps_ <= batches_per_epoch_) return;
    context_.progress.set_stage("teacher");
    const at::NoGradGuard no_grad;
    at::Tensor all = at::empty({static_cast<int64_t>(train_.examples.size()), taught.num_labels}, at::kFloat);
    for (const std::vector<int32_t>& examples : plan_by_length(train_, kEvaluationBatch)) {
      const at::Tensor logits = forward(*teacher_, gather(train_, examples)).to(at::kCPU);
      all.index_copy_(0, index_of(examples), logits);
    }
    teacher_logits_ = all;
  }

  at::Tensor teacher_logits(const std::vector<int32_t>& examples, const NetworkBatch& batch) {
    const at::NoGradGuard no_grad;
    if (!teacher_logits_.defined()) return forward(*teacher_, batch);
    return teacher_logits_.index_select(0, index_of(examples)).to(at::Device(options_.device));
  }

  static at::Tensor index_of(const std::vector<int32_t>& examples) {
    at::Tensor index = at::empty({static_cast<int64_t>(examples.size())}, at::kLong);
    std::copy(examples.begin(), examples.end(), index.data_ptr<int64_t>());
    return index;
  }

  at::Tensor forward(Network& network, const NetworkBatch& batch) const {
    ForwardOptions options;
    options.cancel = &context_.cancel;
    return network.forward(batch, options).logits;
  }

  void take_step() {
    const Clock::time_point begin = Clock::now();
    context_.cancel.throw_if_cancelled();
    context_.progress.set_stage(stage());
    const std::vector<int32_t>& examples = batch_of(state_.step);
    const NetworkBatch batch = gather(train_, examples);
    const LossTargets targets = targets_of(examples, batch);
    network_.train(true);
    network_.seed_dropout(Rng(options_.seed).fork("dropout " + std::to_string(state_.step)).next());
    const at::Tensor loss = task_loss(forward(network_, batch), targets);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      throw Error(ErrorKind::InvalidInput, {.what = "training diverged: the loss is no longer a finite number",
                                            .where = "step " + std::to_string(state_.step + 1),
                                            .got = std::to_string(value),
                                            .wanted = "a finite loss",
                                            .next = "lower the learning rate"});
    }
    loss.backward();
    context_.cancel.throw_if_cancelled();
    const double rate = learning_rate(state_.step);
    double gradient_scale = 1;
    if (options_.clip_norm > 0) {
      const double norm = optimizer_.gradient_norm();
      if (norm > options_.clip_norm) gradient_scale = options_.clip_norm / norm;
    }
    optimizer_.step(rate, gradient_scale);

    ++state_.step;
    for (const int32_t i : examples) {
      state_.tokens += static_cast<int64_t>(train_.examples[static_cast<size_t>(i)].encoding.size());
    }
    if (state_.last_losses.size() == kLossWindow) state_.last_losses.erase(state_.last_losses.begin());
    state_.last_losses.push_back(value);
    state_.train_seconds += seconds_since(begin);
    report_step(value, rate);
  }

  std::string stage() const {
    const int64_t epoch = state_.step / batches_per_epoch_ + 1;
    const int64_t epochs = (total_steps_ + batches_per_epoch_ - 1) / batches_per_epoch_;
    return "fine-tune " + std::to_string(epoch) + "/" + std::to_string(epochs);
  }

  void report_step(double loss, double rate) {
    context_.progress.report(static_cast<double>(state_.step) / static_cast<double>(total_steps_), tokens_per_second(),
                             "tokens");
    // A curve of a few hundred points, however long the run.
    constexpr int64_t kCurvePoints = 400;
    const int64_t stride = std::max<int64_t>(1, total_steps_ / kCurvePoints);
    curve_sum_ += loss;
    ++curve_count_;
    if (state_.step % stride != 0 && state_.step != total_steps_) return;
    const auto x = static_cast<double>(state_.step);
    context_.metric("loss", x, curve_sum_ / static_cast<double>(curve_count_));
    context_.metric("learning_rate", x, rate);
    curve_sum_ = 0;
    curve_count_ = 0;
  }

  // Accuracy, or R^2 for regression, on the dev set.
  double dev_metric() {
    const at::NoGradGuard no_grad;
    network_.train(false);
    double hits = 0;
    double squared_error = 0;
    double sum = 0;
    double sum_of_squares = 0;
    for (const std::vector<int32_t>& examples : plan_by_length(dev_, kEvaluationBatch)) {
      const at::Tensor logits = forward(network_, gather(dev_, examples)).to(at::kCPU);
      const at::Tensor predicted = data_.regression ? logits.squeeze(-1).contiguous() : logits.argmax(-1);
      for (size_t i = 0; i < examples.size(); ++i) {
        const EncodedExample& example = dev_.examples[static_cast<size_t>(examples[i])];
        if (data_.regression) {
          const double error = predicted.data_ptr<float>()[i] - example.score;
          squared_error += error * error;
          sum += example.score;
          sum_of_squares += example.score * example.score;
        } else {
          hits += predicted.data_ptr<int64_t>()[i] == example.label ? 1 : 0;
        }
      }
    }
    const auto count = static_cast<double>(dev_.examples.size());
    if (!data_.regression) return hits / count;
    const double variance = sum_of_squares - sum * sum / count;
    return variance > 0 ? 1 - squared_error / variance : -squared_error;
  }

  void evaluate_and_keep() {
    const double metric = dev_metric();
    context_.metric("dev_metric", static_cast<double>(state_.step), metric);
    context_.log("step " + std::to_string(state_.step) + " of " + std::to_string(total_steps_) + ": dev metric " +
                 std::to_string(metric) + ", " + std::to_string(std::lround(tokens_per_second())) + " tokens/s");
    if (state_.evaluated && metric <= state_.best_metric) {
      ++state_.evaluations_since_best;
      return;
    }
    state_.evaluated = true;
    state_.best_metric = metric;
    state_.best_step = state_.step;
    state_.evaluations_since_best = 0;
    if (!options_.keep_best) return;
    for (const auto& [name, entry] : optimizer_.entries()) state_.best[name] = from_torch(entry.parameter);
  }

  static void put(const at::Tensor& into, const std::map<std::string, Tensor>& from, const std::string& name) {
    const at::NoGradGuard no_grad;
    at::Tensor target = into;
    target.copy_(to_torch(from.at(name)));
  }

  void restore_best() {
    if (!state_.evaluated || state_.best_step == state_.step) return;
    for (const auto& [name, entry] : optimizer_.entries()) put(entry.parameter, state_.best, name);
  }

  void save() {
    TrainState whole = state_;
    for (const auto& [name, entry] : optimizer_.entries()) {
      whole.parameters[name] = from_torch(entry.parameter);
      whole.first_moments[name] = from_torch(entry.first_moment);
      whole.second_moments[name] = from_torch(entry.second_moment);
    }
    save_checkpoint(options_.checkpoint_folder, whole, fingerprint(), context_.cancel);
  }

  bool resume() {
    if (options_.checkpoint_folder.empty()) return false;
    std::optional<TrainState> found = load_checkpoint(options_.checkpoint_folder, fingerprint());
    if (!found) return false;
    for (const auto& [name, entry] : optimizer_.entries()) {
      put(entry.parameter, found->parameters, name);
      put(entry.first_moment, found->first_moments, name);
      put(entry.second_moment, found->second_moments, name);
    }
    optimizer_.restored(found->step);
    // Owned copies: the file is about to be replaced.
    for (auto& [name, tensor] : found->best) tensor = from_torch(to_torch(tensor));
    state_ = std::move(*found);
    state_.parameters.clear();
    state_.first_moments.clear();
    state_.second_moments.clear();
    context_.log("continued from step " + std::to_string(state_.step));
    return true;
  }

  const std::string& fingerprint() {
    if (fingerprint_.empty()) fingerprint_ = training_fingerprint(model_, train_, dev_, options_);
    return fingerprint_;
  }

  DataSummary data_;
  Model model_;
  const EncodedDataset& train_;
  const EncodedDataset& dev_;
  const TrainOptions& options_;
  JobContext& context_;
  Network network_;
  AdamW optimizer_;
  std::optional<Network> teacher_;
  at::Tensor teacher_logits_;  // (examples, labels), when all are known beforehand

  int64_t batches_per_epoch_ = 0;
  int64_t total_steps_ = 0;
  BatchPlan plan_;
  int64_t planned_epoch_ = -1;
  TrainState state_;
  std::string fingerprint_;
  double curve_sum_ = 0;
  int64_t curve_count_ = 0;
};

}  // namespace

TrainResult fine_tune(const Model& model, const EncodedDataset& train, const EncodedDataset& dev,
                      const TrainOptions& options, JobContext& context) {
  if (options.batch_size < 1 || options.learning_rate < 0 || options.epochs < 0) {
    throw Error(ErrorKind::InvalidInput, "batch size, learning rate and epochs of training must not be negative");
  }
  return with_torch_errors("fine-tuning", [&] { return Trainer(model, train, dev, options, context).run(); });
}

}  // namespace espalier
