#include "data/summary.h"
#include "base/json.h"

#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using Summaries = test::DataFolder;

TEST_F(Summaries, TablesShowTheirColumnsEvenWhenTheyCannotBeTold) {
  const auto file = write("odd.tsv", "first\tsecond\tthird\tfourth\nx\tyes\tlong text here\to\nx\tno\tmore\tz\n");
  EXPECT_THROW(open_task(file.string()), Error);
  const TablePreview unknown = preview_table(file, {}, 10);
  EXPECT_FALSE(unknown.complete);
  EXPECT_EQ(unknown.columns.size(), 4u);
  EXPECT_EQ(unknown.rows.size(), 3u);
  const TablePreview chosen = preview_table(file, {.text_column = "third", .label_column = "second"}, 1);
  EXPECT_TRUE(chosen.complete);
  EXPECT_EQ(chosen.rows, (std::vector<std::vector<std::string>>{{"x", "yes", "long text here", "o"}}));
  EXPECT_EQ(chosen.columns[2].name, "third");
  EXPECT_EQ(chosen.columns[2].role, "text");
  EXPECT_EQ(chosen.columns[1].role, "label");
  EXPECT_EQ(chosen.columns[0].distinct, 1);
  EXPECT_DOUBLE_EQ(chosen.columns[1].mean_length, 2.5);
  EXPECT_EQ(chosen.columns[0].values, (std::vector<std::string>{"x"}));
  EXPECT_NE(chosen.explanation.find("as chosen"), std::string::npos);
  EXPECT_THROW(preview_table(file, {.text_column = "fifth"}, 1), Error);
}

TEST_F(Summaries, AHeaderWithoutKnownNamesIsSeen) {
  const auto file = write("h.tsv", "phrase\tverdict\nso good\tyes\nso bad\tno\nfine\tyes\npoor\tno\n");
  const Task task = open_task(file.string());
  EXPECT_EQ(task.labels, (std::vector<std::string>{"no", "yes"})) << task.description;
  EXPECT_EQ(test::load(task, "dev").examples.size(), 4u);
}

TEST_F(Summaries, CountLabelsAndFaults) {
  write("t/train.csv", "text,label\ngood,pos\nbad,neg\nworse,neg\nx,y,z\n");
  write("t/test.csv", "text,label\nfine,pos\n?,what\n");
  const Task task = open("t");
  const TaskSummary summary = summarize(task, 2, {});
  ASSERT_EQ(summary.splits.size(), 2u);
  EXPECT_EQ(summary.splits[0].examples, 3);
  EXPECT_EQ(summary.splits[0].label_counts, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(summary.splits[0].skipped.count, 1);
  EXPECT_EQ(summary.splits[1].skipped.count, 1);
  EXPECT_DOUBLE_EQ(summary.splits[0].mean_code_points, 4);
  EXPECT_EQ(summary.first.size(), 2u);
  const Json json = to_json(task, summary);
  EXPECT_EQ(json["splits"][0]["labels"]["neg"], 2);
  EXPECT_EQ(json["examples"][0]["label"], "pos");
  EXPECT_EQ(json["kind"], "classification");
  EXPECT_EQ(table_of(root() / "t")->filename(), "train.csv");
}

TEST_F(Summaries, EveryKindOfExampleHasItsMembers) {
  write("ner/train.conll", "Tom B-PER\nran O\n");
  const Task ner = open("ner");
  const TaskSummary words = summarize(ner, 1, {});
  EXPECT_EQ(to_json(words.first[0], ner)["tags"], Json({"B-PER", "O"}));
  EXPECT_EQ(words.splits[0].label_counts, (std::vector<int64_t>{1, 1}));
  write("qa/train.jsonl",
        "{\"id\": \"1\", \"context\": \"a b\", \"question\": \"?\", \"answers\": {\"text\": [\"b\"], \"answer_start\": "
        "[2]}}\n");
  const Task qa = open("qa");
  const TaskSummary questions = summarize(qa, 1, {});
  EXPECT_EQ(to_json(questions.first[0], qa)["answers"][0]["begin"], 2);
  EXPECT_EQ(questions.splits[0].impossible, 0);
}

}  // namespace
}  // namespace espalier
