// The training loop. Every random choice is a function of the seed and the step: the order of epoch e comes from a
// generator of its own, the dropout masks of step s from a seed of its own. So a run continues from a checkpoint to the
// same bits without any generator's state.

#include "train/fine_tune.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/rng.h"
#include "base/runtime_environment.h"
#include "data/batching.h"
#include "network/network.h"
#include "network/torch_errors.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/fingerprint.h"
#include "train/objective.h"
#include "train/objectives.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

constexpr size_t kLossWindow = 50;  // steps that final_loss is the mean of

class Trainer {
 public:
  Trainer(const Model& model, const Objective& objective, const TrainOptions& options, JobContext& context)
      : objective_(objective),
        lengths_(objective.lengths()),
        metric_(objective.dev_metric()),
        model_(objective.with_head(model, options.seed)),
        options_(options),
        context_(context),
        network_(model_, {.placement = {.device = options.device}, .sparse_word_gradient = true}),
        optimizer_(network_.parameters(), [this](const std::string& name) { return decays(name); },
                   {options.adam_beta1, options.adam_beta2, options.adam_epsilon, options.weight_decay}) {
    if (options.dropout >= 0) network_.set_dropout(options.dropout, options.dropout);
    const Architecture& a = model_.architecture;
    frame_.device = options.device;
    frame_.pad_id = static_cast<TokenId>(a.embedding.pad_token_id);
    if (a.has_decoder()) frame_.decoder_pad_id = static_cast<TokenId>(a.decoder_embedding->pad_token_id);
    if (a.generation) frame_.decoder_start = static_cast<TokenId>(a.generation->decoder_start);
    const auto count = static_cast<int64_t>(lengths_.size());
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
    report.dev_metric = metric_.name;
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
    const double warmup = options_.warmup_steps > 0 ? static_cast<double>(options_.warmup_steps)
                                                    : std::floor(options_.warmup_frac * total);
    const auto now = static_cast<double>(step);
    if (now < warmup) return options_.learning_rate * (now + 1) / warmup;
    if (options_.schedule == Schedule::InverseSqrt) {
      return options_.learning_rate * std::sqrt(std::max(1.0, warmup) / (now + 1));
    }
    return options_.learning_rate * (total - now) / std::max(1.0, total - warmup);
  }

  double tokens_per_second() const {
    return state_.train_seconds > 0 ? static_cast<double>(state_.tokens) / state_.train_seconds : 0;
  }

  bool stops_early() const { return options_.patience > 0 && state_.evaluations_since_best >= options_.patience; }

  bool evaluates_after(int64_t step) const {
    if (options_.evaluations_per_epoch <= 0 || !objective_.has_dev()) return false;
    if (step == total_steps_) return true;
    // Step numbers at which another share of an epoch is full.
    const int64_t before = (step - 1) * options_.evaluations_per_epoch / batches_per_epoch_;
    return step * options_.evaluations_per_epoch / batches_per_epoch_ > before;
  }

  const std::vector<int32_t>& batch_of(int64_t step) {
    const int64_t epoch = step / batches_per_epoch_;
    if (epoch != planned_epoch_) {
      Rng rng = Rng(options_.seed).fork("epoch " + std::to_string(epoch));
      plan_ = plan_shuffled(lengths_, options_.batch_size, rng);
      planned_epoch_ = epoch;
    }
    return plan_.at(static_cast<size_t>(step % batches_per_epoch_));
  }

  void prepare_teacher() {
    teacher_.emplace(*options_.teacher, NetworkOptions{.placement = {.device = options_.device}});
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
    if (total_steps_ <= batches_per_epoch_ || !objective_.one_row_each()) return;
    context_.progress.set_stage("teacher");
    const at::NoGradGuard no_grad;
    at::Tensor all = at::empty({static_cast<int64_t>(lengths_.size()), taught.num_labels}, at::kFloat);
    for (const std::vector<int32_t>& examples : plan_by_length(lengths_, kEvaluationBatch)) {
      const TrainingBatch batch = objective_.batch(examples, frame_, Rng(options_.seed));
      const at::Tensor logits = forward(*teacher_, batch.inputs).to(at::kCPU);
      all.index_copy_(0, index_of(examples), logits);
    }
    teacher_logits_ = all;
  }

  at::Tensor teacher_rows(const std::vector<int32_t>& examples, const TrainingBatch& batch) {
    const at::NoGradGuard no_grad;
    if (!teacher_logits_.defined()) return objective_.rows(forward(*teacher_, batch.inputs), batch);
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
    const std::string step_name = std::to_string(state_.step);
    TrainingBatch batch = objective_.batch(examples, frame_, Rng(options_.seed).fork("batch " + step_name));
    batch.targets.label_smoothing = options_.label_smoothing;
    if (teacher_) {
      batch.targets.teacher_logits = teacher_rows(examples, batch);
      batch.targets.distill_alpha = options_.distill_alpha;
      batch.targets.distill_temperature = options_.distill_temperature;
    }
    network_.train(true);
    network_.seed_dropout(Rng(options_.seed).fork("dropout " + step_name).next());
    const at::Tensor loss = task_loss(objective_.rows(forward(network_, batch.inputs), batch), batch.targets);
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
    state_.tokens += batch.tokens;
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

  double dev_metric() {
    const at::NoGradGuard no_grad;
    network_.train(false);
    return objective_.measure_dev([this](const NetworkBatch& batch) { return forward(network_, batch).to(at::kCPU); },
                                  frame_);
  }

  bool is_better(double metric) const {
    if (!state_.evaluated) return true;
    return metric_.higher_is_better ? metric > state_.best_metric : metric < state_.best_metric;
  }

  void evaluate_and_keep() {
    const double metric = dev_metric();
    context_.metric("dev_metric", static_cast<double>(state_.step), metric);
    context_.log("step " + std::to_string(state_.step) + " of " + std::to_string(total_steps_) + ": " + metric_.name +
                 " " + std::to_string(metric) + ", " + std::to_string(std::lround(tokens_per_second())) + " tokens/s");
    if (!is_better(metric)) {
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
    if (fingerprint_.empty()) fingerprint_ = training_fingerprint(model_, objective_, options_);
    return fingerprint_;
  }

  const Objective& objective_;
  const std::vector<int64_t> lengths_;  // of the training examples
  const DevMetric metric_;
  Model model_;
  const TrainOptions& options_;
  JobContext& context_;
  Network network_;
  AdamW optimizer_;
  std::optional<Network> teacher_;
  at::Tensor teacher_logits_;  // (examples, labels), when all are known beforehand

  BatchFrame frame_;
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

TrainResult fine_tune(const Model& model, const Objective& objective, const TrainOptions& options,
                      JobContext& context) {
  if (options.batch_size < 1 || options.learning_rate < 0 || options.epochs < 0 || options.warmup_steps < 0) {
    throw Error(ErrorKind::InvalidInput,
                "batch size, learning rate, epochs and warm-up of training must not be negative");
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    throw Error(ErrorKind::InvalidInput, {.what = "label smoothing is out of range",
                                          .where = "label_smoothing",
                                          .got = std::to_string(options.label_smoothing),
                                          .wanted = "at least 0 and below 1",
                                          .next = {}});
  }
  const KeepLargeBlocks keep;
  return with_torch_errors("fine-tuning", [&] { return Trainer(model, objective, options, context).run(); });
}

TrainResult fine_tune(const Model& model, const EncodedDataset& train, const EncodedDataset& dev,
                      const TrainOptions& options, JobContext& context) {
  const bool labels_needed = options.teacher == nullptr || options.distill_alpha < 1;
  return fine_tune(model, *make_text_objective(train, dev, labels_needed), options, context);
}

}  // namespace espalier
