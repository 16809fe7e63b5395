#pragma once
// The job functions that look inside a model; builtin_job_kinds() lists them with those of kinds.h.

#include "job_kinds/kinds.h"

namespace espalier {

Json importance_job(const JobSpec& spec, JobContext& context);
Json flips_job(const JobSpec& spec, JobContext& context);
Json attention_average_job(const JobSpec& spec, JobContext& context);
Json weights_job(const JobSpec& spec, JobContext& context);
Json activations_job(const JobSpec& spec, JobContext& context);

}  // namespace espalier
