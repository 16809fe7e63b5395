#include "data/task.h"

#include <fstream>

#include "data/layout.h"
#include "tests/support/support.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class Tasks : public testing::Test {
 protected:
  // Writes a file and gives the folder it is in.
  fs::path write(const std::string& name, const std::string& text) {
    const fs::path file = temp_.path() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  fs::path root() const { return temp_.path(); }

 private:
  test::TempDir temp_;
};

Dataset load(const Task& task, const std::string& split) { return task.load(split, {}); }

struct GlueCase {
  std::string folder, file, text;  // three rows
  std::string metric;
  std::vector<std::string> labels;
  std::string first_text, first_pair;
  int32_t first_label;
  size_t examples;
};

class GlueLayouts : public testing::TestWithParam<GlueCase> {};

TEST_P(GlueLayouts, AreKnownByHeaderAndFolder) {
  const GlueCase& c = GetParam();
  test::TempDir temp;
  fs::create_directories(temp.path() / c.folder);
  std::ofstream(temp.path() / c.folder / c.file, std::ios::binary) << c.text;
  const Task task = open_task((temp.path() / c.folder).string());
  EXPECT_EQ(task.name, c.folder);
  EXPECT_EQ(task.metric, c.metric);
  EXPECT_EQ(task.labels, c.labels);
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), c.examples) << task.description;
  EXPECT_EQ(data.examples[0].text, c.first_text);
  EXPECT_EQ(data.examples[0].pair, c.first_pair);
  EXPECT_EQ(data.examples[0].has_pair, !c.first_pair.empty());
  EXPECT_EQ(data.examples[0].label, c.first_label);
  EXPECT_EQ(data.skipped.count + static_cast<int64_t>(c.examples), 3);
}

INSTANTIATE_TEST_SUITE_P(
    All, GlueLayouts,
    testing::Values(
        GlueCase{"CoLA",
                 "dev.tsv",
                 "gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tThe rode.\nb\t1\t\t\"Q\" he said.\n",
                 "matthews",
                 {"0", "1"},
                 "The sailors rode.",
                 "",
                 1,
                 3},
        GlueCase{"SST-2",
                 "dev.tsv",
                 "sentence\tlabel\n it 's fine . \t1\nbad\t0\ngood\t1\n",
                 "accuracy",
                 {"0", "1"},
                 "it 's fine .",
                 "",
                 1,
                 3},
        GlueCase{"MRPC",
                 "dev.tsv",
                 "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t5\t6\tHe \" said\tShe\n0\t7\t8\tA\tB\n"
                 "1\t1\t1\tC\tD\n",
                 "f1",
                 {"0", "1"},
                 "He \" said",
                 "She",
                 1,
                 3},
        GlueCase{"QQP",
                 "dev.tsv",
                 "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tHow?\t0\n4\t5\t6\tshort\n"
                 "7\t8\t9\tA?\tB?\t1\n",
                 "f1",
                 {"0", "1"},
                 "Why?",
                 "How?",
                 0,
                 2},
        GlueCase{"MNLI",
                 "dev_matched.tsv",
                 "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
                 "sentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n"
                 "0\t1\t2\tg\t(\t(\t(\t(\tA dog.\tA cat.\tneutral\tneutral\tneutral\n"
                 "1\t1\t2\tg\t(\t(\t(\t(\tX\tY\tneutral\tentailment\tentailment\n"
                 "2\t1\t2\tg\t(\t(\t(\t(\tX\tY\tneutral\tneutral\t-\n",
                 "accuracy",
                 {"contradiction", "entailment", "neutral"},
                 "A dog.",
                 "A cat.",
                 2,
                 2},
        GlueCase{"QNLI",
                 "dev.tsv",
                 "index\tquestion\tsentence\tlabel\n0\tWho?\tHe did.\tentailment\n1\tA\tB\tnot_entailment\n"
                 "2\tC\tD\tentailment\n",
                 "accuracy",
                 {"entailment", "not_entailment"},
                 "Who?",
                 "He did.",
                 0,
                 3},
        GlueCase{"RTE",
                 "dev.tsv",
                 "index\tsentence1\tsentence2\tlabel\n0\tOne.\tTwo.\tnot_entailment\n1\tA\tB\tentailment\n"
                 "2\tC\tD\tmaybe\n",
                 "accuracy",
                 {"entailment", "not_entailment"},
                 "One.",
                 "Two.",
                 1,
                 2},
        GlueCase{"WNLI",
                 "dev.tsv",
                 "index\tsentence1\tsentence2\tlabel\n0\tIt.\tThat.\t1\n1\tA\tB\t0\n2\tC\tD\t0\n",
                 "accuracy",
                 {"0", "1"},
                 "It.",
                 "That.",
                 1,
                 3}),
    [](const auto& param) {
      std::string name = param.param.folder;
      std::erase(name, '-');
      return name;
    });

TEST_F(Tasks, StsBIsARegression) {
  const fs::path file = write("STS-B/dev.tsv",
                              "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
                              "0\tg\tf\ty\t1\tn\tn\tA man.\tA person.\t3.75\n"
                              "1\tg\tf\ty\t1\tn\tn\tA man.\tA tree.\tnone\n");
  const Task task = open_task(file.parent_path().string());
  EXPECT_EQ(task.kind, TaskKind::Regression);
  EXPECT_EQ(task.metric, "pearson");
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), 1u);
  EXPECT_DOUBLE_EQ(data.examples[0].score, 3.75);
  EXPECT_EQ(data.examples[0].label, -1);
  EXPECT_EQ(data.skipped.count, 1);
}

TEST_F(Tasks, TestSplitsWithoutLabelsLoad) {
  write("SST-2/train.tsv", "sentence\tlabel\ngood\t1\n");
  write("SST-2/test.tsv", "index\tsentence\n0\tmaybe good\n");
  const Dataset data = load(open_task((root() / "SST-2").string()), "test");
  ASSERT_EQ(data.examples.size(), 1u);
  EXPECT_EQ(data.examples[0].text, "maybe good");
  EXPECT_EQ(data.examples[0].label, -1);
}

TEST_F(Tasks, CsvQuotingFollowsTheRules) {
  const fs::path file =
      write("reviews.csv", "label,text\r\nneg,\"bad, very \"\"bad\"\"\nreally\"\r\npos,fine\r\n\r\npos,a,b\r\n");
  const Task task = open_task(file.string());
  EXPECT_EQ(task.labels, (std::vector<std::string>{"neg", "pos"}));
  EXPECT_EQ(task.splits, (std::vector<std::string>{"dev"}));
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].text, "bad, very \"bad\"\nreally");
  EXPECT_EQ(data.examples[0].label, 0);
  EXPECT_EQ(data.skipped.count, 1);
  EXPECT_EQ(data.skipped.first_reasons, (std::vector<std::string>{"line 6: 3 fields, wanted 2"}));
}

TEST_F(Tasks, AnOpenQuoteIsCounted) {
  const fs::path file = write("x.csv", "text,label\ngood,1\n\"never closed,0\n");
  const Dataset data = load(open_task(file.string()), "dev");
  EXPECT_EQ(data.examples.size(), 1u);
  EXPECT_EQ(data.skipped.first_reasons, (std::vector<std::string>{"line 3: a quote is not closed"}));
}

TEST_F(Tasks, JsonLinesByName) {
  write("mine/train.jsonl",
        "{\"premise\": \"A\", \"hypothesis\": \"B\", \"label\": 10}\n{\"premise\": \"C\", "
        "\"hypothesis\": \"D\", \"label\": 9}\nnot json\n[1]\n");
  const Task task = open_task((root() / "mine").string());
  EXPECT_EQ(task.labels, (std::vector<std::string>{"9", "10"}));  // by number, not by bytes
  const Dataset data = load(task, "train");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].text, "A");
  EXPECT_EQ(data.examples[0].pair, "B");
  EXPECT_EQ(data.examples[0].label, 1);
  EXPECT_EQ(data.skipped.first_reasons, (std::vector<std::string>{"line 3: no JSON", "line 4: no JSON object"}));
}

TEST_F(Tasks, ColumnsCanBeChosen) {
  const fs::path file =
      write("odd.tsv", "first\tsecond\tthird\tfourth\nx\tyes\tlong text here\tother\nx\tno\tmore\tz\n");
  EXPECT_EQ(test::expect_error([&] { open_task(file.string()); }).kind(), ErrorKind::InvalidInput);
  const Task task =
      open_task(file.string(), {.text_column = "third", .pair_column = {}, .label_column = "second", .labels = {}});
  EXPECT_EQ(task.labels, (std::vector<std::string>{"no", "yes"}));
  EXPECT_NE(task.description.find("as chosen"), std::string::npos);
  EXPECT_EQ(load(task, "dev").examples[0].text, "long text here");
  const Error error = test::expect_error(
      [&] { open_task(file.string(), {.text_column = "fifth", .pair_column = {}, .label_column = {}, .labels = {}}); });
  EXPECT_NE(std::string(error.what()).find("first, second, third, fourth"), std::string::npos) << error.what();
}

TEST_F(Tasks, FilesWithoutAHeaderAreGuessedAndSaid) {
  const fs::path file = write("plain.tsv", "it was quite good\tpos\nit was rather bad\tneg\n");
  const Task task = open_task(file.string());
  EXPECT_NE(task.description.find("guessed without a header"), std::string::npos) << task.description;
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].text, "it was quite good");
  EXPECT_EQ(data.examples[0].label, 1);
}

TEST_F(Tasks, ModelLabelsFixTheOrder) {
  const fs::path file = write("a.tsv", "text\tlabel\nx\tcat\ny\tdog\n");
  TaskOptions options;
  options.labels = {"dog", "cat"};
  EXPECT_EQ(load(open_task(file.string(), options), "dev").examples[0].label, 1);
  // A model's names stand for the numbers of the data.
  write("SST-2/dev.tsv", "sentence\tlabel\nx\t1\n");
  options.labels = {"negative", "positive"};
  const Task task = open_task((root() / "SST-2").string(), options);
  EXPECT_EQ(task.labels, options.labels);
  EXPECT_EQ(load(task, "dev").examples[0].label, 1);
}

TEST_F(Tasks, MalformedBytesBecomeReplacementCharacters) {
  const fs::path file = write("a.tsv", "text\tlabel\nab\xFF\x63\tcat\n");
  EXPECT_EQ(load(open_task(file.string()), "dev").examples[0].text, "ab\xEF\xBF\xBD\x63");
}

TEST_F(Tasks, FaultsAreSaid) {
  EXPECT_EQ(test::expect_error([&] { open_task("/no/such/place"); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { open_task(""); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { open_task(root().string()); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { open_task(write("a.png", "x").string()); }).kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(test::expect_error([&] { open_task(write("a.csv", "").string()); }).kind(), ErrorKind::InvalidInput);
  write("t/train.tsv", "text\tlabel\nx\ty\n");
  const Task task = open_task((root() / "t").string());
  const Error error = test::expect_error([&] { load(task, "test"); });
  EXPECT_NE(std::string(error.what()).find("train"), std::string::npos) << error.what();
}

TEST_F(Tasks, CancelStopsLoading) {
  const fs::path file = write("a.tsv", "text\tlabel\nx\ty\n");
  const Task task = open_task(file.string());
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(task.load("dev", cancel), Cancelled);
}

TEST_F(Tasks, EncodingCountsWhatWasCut) {
  const auto tokenizer = load_tokenizer(
      {{"vocab.txt", std::make_shared<const std::string>("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n")}}, "test");
  Dataset data;
  data.examples.resize(2);
  data.examples[0].text = "a b";
  data.examples[0].label = 1;
  data.examples[1].text = "a b a b a b";
  const EncodedDataset encoded = encode(data, *tokenizer, 6, {});
  EXPECT_EQ(encoded.examples[0].encoding.size(), 4u);
  EXPECT_EQ(encoded.examples[0].label, 1);
  EXPECT_EQ(encoded.examples[1].encoding.size(), 6u);
  EXPECT_EQ(encoded.truncated, 1);
}

struct RealTask {
  std::string folder;
  size_t labels;
  std::vector<std::pair<std::string, size_t>> counts;
};

TEST(RealTasks, CountsAndLabels) {
  ESPALIER_REQUIRE_SHARED();
  const std::vector<RealTask> tasks = {{"sst2", 2, {{"train", 67349}, {"dev", 872}}},
                                       {"mrpc", 2, {{"train", 3667}, {"dev", 408}}},
                                       {"rte", 2, {{"train", 2490}, {"dev", 277}}},
                                       {"snips", 7, {{"train", 13784}, {"dev", 700}}}};
  for (const RealTask& expected : tasks) {
    SCOPED_TRACE(expected.folder);
    const Task task = open_task((test::shared_dir() / "data" / expected.folder).string());
    EXPECT_EQ(task.labels.size(), expected.labels);
    for (const auto& [split, count] : expected.counts) {
      const Dataset data = load(task, split);
      EXPECT_EQ(data.examples.size(), count) << split;
      EXPECT_EQ(data.skipped.count, 0) << (data.skipped.first_reasons.empty() ? "" : data.skipped.first_reasons[0]);
      for (const Example& example : data.examples) ASSERT_GE(example.label, 0);
    }
  }
}

}  // namespace
}  // namespace espalier
