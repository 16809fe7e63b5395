#include "job_kinds/job_kinds.h"

#include "job_kinds/look_kinds.h"

namespace espalier {

JobKinds builtin_job_kinds() {
  JobKinds kinds;
  kinds.add("run_recipe", run_recipe_job);
  kinds.add("train", train_job);
  kinds.add("evaluate", evaluate_job);
  kinds.add("attack", attack_job);
  kinds.add("flips", flips_job);
  kinds.add("head_importance", head_importance_job);
  kinds.add("unit_importance", unit_importance_job);
  kinds.add("importance", importance_job);
  kinds.add("whatif", make_what_if_job());
  kinds.add("attention", attention_job);
  kinds.add("attention_average", attention_average_job);
  kinds.add("weights", weights_job);
  kinds.add("activations", activations_job);
  kinds.add("saliency", saliency_job);
  kinds.add("saliency_score", saliency_score_job);
  kinds.add("methods", methods_job);
  kinds.add("check", check_job);
  kinds.add("examples", examples_job);
  kinds.add("export", export_job);
  return kinds;
}

}  // namespace espalier
