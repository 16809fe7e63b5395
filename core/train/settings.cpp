#include "base/error.h"
#include "base/json.h"
#include "train/fine_tune.h"

namespace espalier {

std::string_view to_string(Schedule schedule) { return schedule == Schedule::Linear ? "linear" : "inverse_sqrt"; }

Schedule schedule_from(std::string_view name) {
  for (const Schedule schedule : {Schedule::Linear, Schedule::InverseSqrt}) {
    if (to_string(schedule) == name) return schedule;
  }
  throw Error(ErrorKind::InvalidInput, {.what = "unknown schedule of the learning rate",
                                        .where = "schedule",
                                        .got = std::string(name),
                                        .wanted = "linear or inverse_sqrt",
                                        .next = {}});
}

std::vector<Setting> retrain_settings(double default_epochs) {
  const TrainOptions defaults;
  std::vector<Setting> settings;
  const auto add = [&](Setting setting) { settings.push_back(std::move(setting)); };
  add({.key = "epochs",
       .type = SettingType::Real,
       .default_value = default_epochs,
       .label = "Epochs of retraining",
       .help =
           "How often the training examples are gone through afterwards to win accuracy back. 0 leaves the weights as "
           "they are; a fraction stops early.",
       .unit = "epochs",
       .minimum = 0,
       .maximum = 100,
       .step = 0.5,
       .level = SettingLevel::Basic});
  add({.key = "learning_rate",
       .type = SettingType::Real,
       .default_value = defaults.learning_rate,
       .label = "Learning rate",
       .help = "The peak step size of AdamW; it rises linearly at first and then falls linearly to zero.",
       .minimum = 1e-7,
       .maximum = 0.1,
       .step = 1e-5,
       .level = SettingLevel::Basic});
  add({.key = "batch_size",
       .type = SettingType::Integer,
       .default_value = defaults.batch_size,
       .label = "Batch size",
       .help = "Examples that one step looks at together.",
       .unit = "examples",
       .minimum = 1,
       .maximum = 1024,
       .step = 8,
       .level = SettingLevel::Advanced});
  add({.key = "max_steps",
       .type = SettingType::Integer,
       .default_value = 0,
       .label = "Steps at most",
       .help = "Ends retraining after so many steps, whatever the epochs say. 0 sets no limit.",
       .unit = "steps",
       .minimum = 0,
       .maximum = 10000000,
       .step = 100,
       .level = SettingLevel::Advanced});
  add({.key = "warmup_frac",
       .type = SettingType::Real,
       .default_value = defaults.warmup_frac,
       .label = "Warm-up",
       .help = "The share of all steps in which the learning rate rises.",
       .minimum = 0,
       .maximum = 1,
       .step = 0.05,
       .level = SettingLevel::Advanced});
  add({.key = "weight_decay",
       .type = SettingType::Real,
       .default_value = defaults.weight_decay,
       .label = "Weight decay",
       .help = "How strongly weights are pulled to zero, apart from the gradient; biases and norms are left out.",
       .minimum = 0,
       .maximum = 1,
       .step = 0.01,
       .level = SettingLevel::Advanced});
  add({.key = "evaluations_per_epoch",
       .type = SettingType::Integer,
       .default_value = defaults.evaluations_per_epoch,
       .label = "Evaluations an epoch",
       .help =
           "How often the development set is looked at while training; the best weights seen are kept. 0 never looks.",
       .minimum = 0,
       .maximum = 100,
       .step = 1,
       .level = SettingLevel::Advanced});
  add({.key = "patience",
       .type = SettingType::Integer,
       .default_value = defaults.patience,
       .label = "Patience",
       .help = "Stops after so many evaluations in a row without a better result. 0 never stops early.",
       .unit = "evaluations",
       .minimum = 0,
       .maximum = 100,
       .step = 1,
       .level = SettingLevel::Advanced});
  return settings;
}

TrainOptions train_options_from(const Settings& settings) {
  TrainOptions options;
  options.epochs = settings.real("epochs");
  options.learning_rate = settings.real("learning_rate");
  options.batch_size = settings.integer("batch_size");
  options.max_steps = settings.integer("max_steps");
  options.warmup_frac = settings.real("warmup_frac");
  options.weight_decay = settings.real("weight_decay");
  options.evaluations_per_epoch = settings.integer("evaluations_per_epoch");
  options.patience = settings.integer("patience");
  return options;
}

Json to_json(const TrainReport& report) {
  return {{"steps", report.steps},
          {"epochs", report.epochs},
          {"seconds", report.seconds},
          {"tokens_per_second", report.tokens_per_second},
          {"final_loss", report.final_loss},
          {"best_dev_metric", report.best_dev_metric},
          {"dev_metric", report.dev_metric},
          {"best_step", report.best_step},
          {"stopped_early", report.stopped_early},
          {"resumed", report.resumed},
          {"blas", report.blas}};
}

}  // namespace espalier
