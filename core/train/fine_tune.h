#pragma once
// Fine-tuning of a whole model on a task, with an optional teacher (Hinton 2015).

#include <filesystem>
#include <string>
#include <vector>

#include "base/job_context.h"
#include "data/task.h"
#include "model/model.h"
#include "recipe/setting.h"

namespace espalier {

// How the learning rate goes on behind the warm-up: linearly to 0 at the last step, or down with the inverse square
// root of the step (Vaswani 2017, arXiv 1706.03762, section 5.3; learning_rate is the peak).
enum class Schedule { Linear, InverseSqrt };
std::string_view to_string(Schedule schedule);  // "linear", "inverse_sqrt"
// The inverse; InvalidInput listing the schedules.
Schedule schedule_from(std::string_view name);

struct TrainOptions {
  double epochs = 3;      // may be fractional
  int64_t max_steps = 0;  // 0: as epochs say
  int64_t batch_size = 32;
  double learning_rate = 5e-5;
  double warmup_frac = 0.1;  // share of all steps with linearly rising rate
  int64_t warmup_steps = 0;  // so many steps in place of the share; 0: as warmup_frac says
  Schedule schedule = Schedule::Linear;
  double label_smoothing = 0;  // in [0, 1): probability spread over all classes, of cross-entropies
  double weight_decay = 0.01;  // decoupled (Loshchilov 2019); not on biases and norms unless decay_all
  bool decay_all = false;
  double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;
  double clip_norm = 1.0;             // global gradient norm; 0 = off
  double dropout = -1;                // -1: as the architecture says
  int64_t evaluations_per_epoch = 1;  // on the dev set, and at the end; 0 = never
  int64_t patience = 0;               // stop after so many evaluations without a better dev metric; 0 = never
  bool keep_best = true;              // give back the weights of the best evaluation
  uint64_t seed = 1;
  std::string device = "cpu";

  // Distillation: (1 - alpha) CE + alpha T^2 KL(teacher || student); regression: MSE to the teacher.
  const Model* teacher = nullptr;
  double distill_alpha = 0.5;
  double distill_temperature = 2.0;

  // Checkpoints: written at every evaluation and every `checkpoint_seconds`; a checkpoint there of the same options,
  // model and data is continued from, to the same bits as without the interruption. Removed at the end. Empty: none.
  std::filesystem::path checkpoint_folder;
  double checkpoint_seconds = 120;
};

class Objective;

struct TrainReport {
  int64_t steps = 0;
  double epochs = 0;
  double seconds = 0;
  double tokens_per_second = 0;  // real tokens, padding not counted
  double final_loss = 0;         // mean of the last 50 steps
  std::string dev_metric;        // what is measured on the dev set: "accuracy", "R^2", "span F1", "perplexity", ...
  double best_dev_metric = 0;    // 0 without evaluation
  int64_t best_step = 0;
  bool stopped_early = false;
  bool resumed = false;
  std::string blas;  // the library and kernel in use
};

Json to_json(const TrainReport& report);

struct TrainResult {
  Model model;
  TrainReport report;
};

// Trains every weight but the quantized ones towards the objective (objectives.h). A head that does not fit is replaced
// by a fresh one (with_task_head). The same seed gives the same bytes. Metrics: "loss" and "learning_rate" by step,
// "dev_metric" by step. Cancellation is looked for between layers. Throws InvalidInput for a teacher of another head or
// number of labels, and a loss that is no longer finite.
TrainResult fine_tune(const Model& model, const Objective& objective, const TrainOptions& options, JobContext& context);

// The same on classification (labels) or regression (scores of a dataset whose labels are all -1). InvalidInput for an
// empty or partly unlabelled dataset too.
TrainResult fine_tune(const Model& model, const EncodedDataset& train, const EncodedDataset& dev,
                      const TrainOptions& options, JobContext& context);

// The model with a fresh head (normal, std 0.02, from the seed) for the task unless it has a fitting one: with a pooler
// for classification and regression, with the word table as output layer where words are written. Encoders carry all
// heads but a translator's, causal stacks a language model's, models with a decoder a translator's; Unsupported naming
// what the model can learn else. InvalidInput for fewer than two labels.
Model with_task_head(const Model& model, const Task& task, uint64_t seed);

// A model of this architecture with fresh weights (normal, std 0.02; norms 1, biases 0; recurrent models: uniform, see
// recurrent_init.h).
Model fresh_model(const Architecture& architecture, uint64_t seed);

// The settings that every method with retraining shows ("epochs", "learning_rate", "batch_size", ...), with this
// default number of epochs (0: no retraining unless asked), and options from them.
std::vector<Setting> retrain_settings(double default_epochs);
TrainOptions train_options_from(const Settings& settings);

// For `doctor`: GFLOP/s of a float32 linear as training computes it, and the BLAS that libtorch has for the rest.
struct TorchInfo {
  std::string version;
  std::string blas;
  double linear_gflops = 0;
  bool cuda = false;
  std::string cuda_device;
};
TorchInfo torch_info(bool measure);

}  // namespace espalier
