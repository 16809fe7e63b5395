#include "measure/energy.h"

#include <fstream>

#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text << "\n";
}

// Two packages with a core domain and memory, and the platform domain that holds them all again.
class Counters {
 public:
  Counters() {
    domain("intel-rapl:0", "package-0", 1000000);
    domain("intel-rapl:0:0", "core", 5);
    domain("intel-rapl:0:1", "dram", 2000000);
    domain("intel-rapl:1", "package-1", 0);
    domain("intel-rapl:2", "psys", 7);
    fs::create_directories(root() / "dtpm");
  }
  void set(const std::string& name, int64_t microjoules) {
    write(root() / name / "energy_uj", std::to_string(microjoules));
  }
  const fs::path& root() const { return folder_.path(); }

 private:
  void domain(const std::string& folder, const std::string& name, int64_t microjoules) {
    write(root() / folder / "name", name);
    write(root() / folder / "max_energy_range_uj", "10000000");
    set(folder, microjoules);
  }
  TempDir folder_;
};

TEST(Rapl, AddsPackagesAndMemoryOnly) {
  Counters files;
  RaplCounters counters(files.root());
  ASSERT_TRUE(counters.readable());
  EXPECT_EQ(counters.description(), "package-0, dram, package-1");
  files.set("intel-rapl:0", 1500000);
  files.set("intel-rapl:0:0", 400000);
  files.set("intel-rapl:0:1", 2250000);
  files.set("intel-rapl:2", 9000000);
  EXPECT_DOUBLE_EQ(counters.joules_since_last(), 0.75);
  EXPECT_DOUBLE_EQ(counters.joules_since_last(), 0);
}

TEST(Rapl, ACounterThatWrappedIsCountedOn) {
  Counters files;
  files.set("intel-rapl:1", 9000000);
  RaplCounters counters(files.root());
  files.set("intel-rapl:1", 500000);
  EXPECT_DOUBLE_EQ(counters.joules_since_last(), 1.5);
}

TEST(Rapl, WithoutCountersNothingIsReadable) {
  const TempDir empty;
  EXPECT_FALSE(RaplCounters(empty.path()).readable());
  EXPECT_FALSE(RaplCounters(empty.path() / "none").readable());
}

Latency latency_of(double p50_ms, int threads) {
  Latency latency;
  latency.p50_ms = p50_ms;
  latency.options.threads = threads;
  return latency;
}

TEST(Energy, AnEstimateIsTheShareOfThePowerTimesTheTime) {
  // 60 W, 2 of 8 cores, 10 ms.
  const Energy energy = estimate_energy(latency_of(10, 2), {60, 8});
  EXPECT_NEAR(energy.joules, 0.15, 1e-12);
  EXPECT_EQ(energy.source, EnergySource::Estimated);
  EXPECT_NE(energy.basis.find("60 W"), std::string::npos) << energy.basis;
  // More threads than cores are busy on all of them.
  EXPECT_NEAR(estimate_energy(latency_of(10, 99), {60, 8}).joules, 0.6, 1e-12);
  const Energy unknown = estimate_energy(latency_of(10, 1), {0, 1});
  EXPECT_NEAR(unknown.joules, 0.85, 1e-12);
  EXPECT_NE(unknown.basis.find("assumed"), std::string::npos) << unknown.basis;
}

TEST(Energy, SaysWhichItWas) {
  const Model model = tiny_model();
  const Engine engine(model, {.threads = 1});
  const Latency latency = latency_of(10, 1);
  const TempDir empty;
  RaplCounters none(empty.path());
  EXPECT_EQ(measure_energy(engine, model, latency, none, {50, 2}).source, EnergySource::Estimated);
  Counters files;
  RaplCounters counters(files.root());
  const Energy energy = measure_energy(engine, model, latency, counters, {50, 2});
  EXPECT_EQ(energy.source, EnergySource::Rapl);
  EXPECT_EQ(energy.joules, 0);  // these counters stand still
  EXPECT_EQ(to_string(energy.source), "rapl");
}

}  // namespace
}  // namespace espalier::test
