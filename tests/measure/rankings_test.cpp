// ELUE, EfficientQA, SustaiNLP.
#include <fstream>

#include "measure/benchmarks/efficientqa.h"
#include "measure/benchmarks/elue.h"
#include "measure/benchmarks/sustainlp.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

fs::path write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
  return file;
}

const std::vector<CostPoint>& exits() {
  static const std::vector<CostPoint> curve = {{2, 80}, {4, 86}, {8, 90}};
  return curve;
}

TEST(Elue, TheBaselineScoresZeroAgainstItself) { EXPECT_DOUBLE_EQ(elue_score(exits(), exits()), 0); }

TEST(Elue, AConstantAddsItself) {
  std::vector<CostPoint> points = {{3, 81}, {5, 90}, {7, 70}};
  const double before = elue_score(points, exits());
  for (CostPoint& point : points) point.score += 2.5;
  EXPECT_NEAR(elue_score(points, exits()), before + 2.5, 1e-12);
  std::swap(points[0], points[2]);
  EXPECT_NEAR(elue_score(points, exits()), before + 2.5, 1e-12);
}

TEST(Elue, HalfwayBetweenTwoExitsIsTheirMean) {
  EXPECT_DOUBLE_EQ(elue_score({{6, 90}}, exits()), 90 - 88);
  EXPECT_DOUBLE_EQ(curve_at({{8, 90}, {2, 80}, {4, 86}}, 3), 83);
  // Beyond the ends the curve stays.
  EXPECT_DOUBLE_EQ(curve_at(exits(), 1), 80);
  EXPECT_DOUBLE_EQ(curve_at(exits(), 100), 90);
  EXPECT_DOUBLE_EQ(curve_at(exits(), 4), 86);
  EXPECT_EQ(expect_error([] { curve_at({{2, 1}, {2, 3}}, 2); }).kind(), ErrorKind::InvalidInput);
}

TEST(Elue, TracksAreInclusive) {
  EXPECT_EQ(elue_track(40'000'000), 40);
  EXPECT_EQ(elue_track(40'000'001), 55);
  EXPECT_EQ(elue_track(55'000'000), 55);
  EXPECT_EQ(elue_track(70'000'000), 70);
  EXPECT_EQ(elue_track(110'000'000), 110);
  EXPECT_EQ(elue_track(110'000'001), std::nullopt);
}

TEST(Elue, EntriesAndBaselineAreFiles) {
  const TempDir folder;
  const ElueEntry baseline = read_elue_entry(
      write(folder.path() / "base.json",
            R"({"tasks":{"SST-2":[{"flops":2,"score":80},{"flops":4,"score":90}],"MRPC":[{"flops":2,"score":70}]}})"));
  const ElueEntry entry = read_elue_entry(write(
      folder.path() / "mine.json", R"({"name":"mine","parameters":41000000,"tasks":{"SST-2":[{"flops":3,"score":88}],)"
                                   R"("MRPC":[{"flops":9,"metrics":{"accuracy":80,"f1":86}}]}})"));
  const ElueResult result = elue_result(entry, baseline);
  EXPECT_DOUBLE_EQ(result.tasks.at("SST-2"), 3);
  EXPECT_DOUBLE_EQ(result.tasks.at("MRPC"), 13);
  EXPECT_FALSE(result.mean);
  EXPECT_EQ(result.missing.size(), 4u);
  EXPECT_EQ(elue_track(*entry.parameters), 55);
  for (const char* text : {R"({"tasks":{"CoLA":[{"flops":1,"score":1}]}})", R"({"tasks":{"SST-2":[]}})",
                           R"({"tasks":{"SST-2":[{"flops":0,"score":1}]}})", R"({"tasks":[]})"}) {
    EXPECT_EQ(expect_error([&] { read_elue_entry(write(folder.path() / "bad.json", text)); }).kind(),
              ErrorKind::InvalidInput)
        << text;
  }
  ElueEntry more = entry;
  more.tasks["IMDb"] = {{1, 1}};
  EXPECT_EQ(expect_error([&] { elue_result(more, baseline); }).kind(), ErrorKind::InvalidInput);
}

std::string names(const std::vector<QaSystem>& systems) {
  std::string all;
  for (const QaSystem& system : systems) all += system.name;
  return all;
}

TEST(EfficientQa, CutOffsAreInclusive) {
  const std::vector<QaSystem> systems = {{"a", 6'000'000'000, 0.5}, {"b", 6'000'000'001, 0.9}, {"c", 500'000'000, 0.3},
                                         {"d", 500'000'001, 0.4},   {"e", 100, 0.25},          {"f", 50, 0.2499}};
  EXPECT_EQ(names(rank_qa(QaTrack::Unrestricted, systems)), "badcef");
  EXPECT_EQ(names(rank_qa(QaTrack::Below6Gb, systems)), "adcef");
  EXPECT_EQ(names(rank_qa(QaTrack::Below500Mb, systems)), "cef");
  EXPECT_EQ(names(rank_qa(QaTrack::Smallest25, systems)), "ecdab");
}

TEST(EfficientQa, TiesAreBrokenByTheOtherFigure) {
  const std::vector<QaSystem> systems = {{"a", 100, 0.3}, {"b", 100, 0.4}, {"c", 90, 0.4}};
  EXPECT_EQ(names(rank_qa(QaTrack::Smallest25, systems)), "cba");
  EXPECT_EQ(names(rank_qa(QaTrack::Below6Gb, systems)), "cba");
  EXPECT_EQ(names(rank_qa(QaTrack::Below6Gb, {{"z", 1, 0.5}, {"y", 1, 0.5}})), "yz");
}

TEST(EfficientQa, TheByteCounterSeesEveryFile) {
  const TempDir folder;
  write(folder.path() / "system/model.bin", std::string(1000, 'x'));
  write(folder.path() / "system/code/deep/run.sh", std::string(20, 'x'));
  write(folder.path() / "system/.hidden/corpus", std::string(3, 'x'));
  EXPECT_EQ(system_bytes(folder.path() / "system"), 1023);
  EXPECT_EQ(expect_error([&] { system_bytes(folder.path() / "none"); }).kind(), ErrorKind::Io);
}

TEST(EfficientQa, ASystemFromItsFiles) {
  const TempDir folder;
  write(folder.path() / "system/weights", std::string(500, 'x'));
  write(folder.path() / "said.jsonl",
        "{\"question\":\"q1\",\"prediction\":\"the Nile\"}\n{\"question\":\"q2\",\"prediction\":\"1999\"}\n");
  const fs::path gold =
      write(folder.path() / "gold.jsonl",
            "{\"question\":\"q1\",\"answer\":[\"Amazon\",\"Nile\"]}\n{\"question\":\"q2\",\"answer\":[\"2000\"]}\n");
  const fs::path file =
      write(folder.path() / "entry.json", R"({"name":"s","folder":"system","predictions":"said.jsonl"})");
  const QaSystem system = read_qa_system(file, gold);
  EXPECT_EQ(system.bytes, 500);
  EXPECT_EQ(system.accuracy, 0.5);
  EXPECT_EQ(expect_error([&] { read_qa_system(file, {}); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(expect_error([&] {
              read_qa_system(write(folder.path() / "bad.json", R"({"bytes":5,"accuracy":53.3})"), {});
            }).kind(),
            ErrorKind::InvalidInput);
}

TEST(SustaiNlp, EnergyRanksAboveTheFloor) {
  const auto order = [](std::vector<EnergyEntry> entries) {
    std::string all;
    for (const RankedEntry& one : rank_by_energy(std::move(entries), 70)) {
      all += std::to_string(one.rank) + one.entry.name;
    }
    return all;
  };
  EXPECT_EQ(order({{"a", 70, 3}, {"b", 69.999, 1}, {"c", 90, 2}}), "1c2a");
  // More score above the floor changes nothing.
  EXPECT_EQ(order({{"a", 99, 3}, {"b", 69.999, 1}, {"c", 70, 2}}), "1c2a");
  EXPECT_EQ(order({{"a", 71, 2}, {"b", 71, 2}, {"c", 71, 5}}), "1a1b3c");
  EXPECT_EQ(order({}), "");
}

TEST(SustaiNlp, JoulesAndKilowattHoursAgree) {
  const TempDir folder;
  const EnergyEntry joules = read_energy_entry(write(folder.path() / "a.json", R"({"score":71,"energy_j":7200000})"));
  const EnergyEntry kwh = read_energy_entry(write(folder.path() / "b.json", R"({"score":71,"energy_kwh":2})"));
  EXPECT_DOUBLE_EQ(joules.energy_kwh, kwh.energy_kwh);
  EXPECT_EQ(joules.name, "a");
  EXPECT_EQ(
      expect_error([&] { read_energy_entry(write(folder.path() / "c.json", R"({"score":1,"energy_j":0})")); }).kind(),
      ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
