#pragma once
// The job functions, one a file; builtin_job_kinds() lists them.

#include "jobs/job.h"

namespace espalier {

Json run_recipe_job(const JobSpec& spec, JobContext& context);
Json train_job(const JobSpec& spec, JobContext& context);
Json evaluate_job(const JobSpec& spec, JobContext& context);
Json attack_job(const JobSpec& spec, JobContext& context);
Json head_importance_job(const JobSpec& spec, JobContext& context);
Json unit_importance_job(const JobSpec& spec, JobContext& context);
Json attention_job(const JobSpec& spec, JobContext& context);
Json saliency_job(const JobSpec& spec, JobContext& context);
Json saliency_score_job(const JobSpec& spec, JobContext& context);
Json methods_job(const JobSpec& spec, JobContext& context);
Json check_job(const JobSpec& spec, JobContext& context);
Json examples_job(const JobSpec& spec, JobContext& context);
Json export_job(const JobSpec& spec, JobContext& context);

// Where messages about a job's settings say that the fault is.
inline constexpr std::string_view kSettingsOf = "settings of the job";

}  // namespace espalier
