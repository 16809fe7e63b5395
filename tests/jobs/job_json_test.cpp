#include <cmath>
#include <limits>

#include "jobs/job.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

TEST(JobJson, SpecsComeBackAsTheyWere) {
  const JobSpec spec = {"train", {{"epochs", 3}}, "/tmp/out", 7};
  const JobSpec back = job_spec_from_json(to_json(spec), "test");
  EXPECT_EQ(back.kind, "train");
  EXPECT_EQ(back.settings, spec.settings);
  EXPECT_EQ(back.output_folder, spec.output_folder);
  EXPECT_EQ(back.seed, 7u);
}

TEST(JobJson, EventsComeBackAsTheyWere) {
  JobEvent event;
  event.job = 3;
  event.kind = JobEventKind::Progress;
  event.progress = {0.25, "fine-tune 1/2", 1900, "tokens", 12.5, 4};
  JobEvent back = job_event_from_json(to_json(event), "test");
  EXPECT_EQ(back.job, 3u);
  EXPECT_EQ(back.progress.fraction, 0.25);
  EXPECT_EQ(back.progress.stage, "fine-tune 1/2");
  EXPECT_EQ(back.progress.rate, 1900);
  EXPECT_EQ(back.progress.unit, "tokens");
  EXPECT_EQ(back.progress.seconds_left, 12.5);

  event.kind = JobEventKind::Failed;
  event.error = {ErrorKind::Format, "bad header", "offset 8"};
  back = job_event_from_json(to_json(event), "test");
  EXPECT_EQ(back.error.kind, ErrorKind::Format);
  EXPECT_EQ(back.error.message, "bad header");
  EXPECT_EQ(back.error.detail, "offset 8");
}

TEST(JobJson, ADivergedLossTravels) {
  JobEvent event;
  event.kind = JobEventKind::Metric;
  event.series = "loss";
  event.y = std::numeric_limits<double>::infinity();
  const JobEvent back = job_event_from_json(Json::parse(to_json(event).dump()), "test");
  EXPECT_TRUE(std::isnan(back.y));
}

TEST(JobJson, UnknownEventsAreRefused) {
  EXPECT_EQ(expect_error([] {
              job_event_from_json({{"job", 1}, {"event", "dance"}}, "test");
            }).kind(),
            ErrorKind::Format);
  EXPECT_EQ(expect_error([] { job_event_from_json({{"event", "log"}}, "test"); }).kind(), ErrorKind::Format);
}

}  // namespace
}  // namespace espalier::test
