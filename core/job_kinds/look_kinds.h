#pragma once
// The job functions that look inside a model; builtin_job_kinds() lists them with those of kinds.h.

#include "job_kinds/kinds.h"

namespace espalier {

Json importance_job(const JobSpec& spec, JobContext& context);
// Keeps what it opened last from one job to the next; one runner's jobs come one at a time.
JobFunction make_what_if_job();
Json flips_job(const JobSpec& spec, JobContext& context);
Json attention_average_job(const JobSpec& spec, JobContext& context);
Json weights_job(const JobSpec& spec, JobContext& context);
Json activations_job(const JobSpec& spec, JobContext& context);

}  // namespace espalier
