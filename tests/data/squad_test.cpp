#include "data/squad.h"

#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using Squad = test::DataFolder;
using test::load;

// The second answer's offset is wrong; "\u00DCber" makes code points and bytes differ.
const char* const kDocument =
    "{\"version\": \"v2.0\", \"data\": [{\"title\": \"T\", \"paragraphs\": [{\"context\": \"\u00DCber Tom: he ran "
    "home.\", "
    "\"qas\": [{\"id\": \"q1\", \"question\": \"Who ran?\", \"answers\": [{\"text\": \"Tom\", \"answer_start\": 5}, "
    "{\"text\": \"Tom\", \"answer_start\": 6}], \"is_impossible\": false}, {\"id\": \"q2\", \"question\": \"Why?\", "
    "\"answers\": [], \"plausible_answers\": [{\"text\": \"home\", \"answer_start\": 17}], \"is_impossible\": true}, "
    "{\"id\": \"q3\", \"question\": \"Where?\", \"answers\": [{\"text\": \"home\", \"answer_start\": 0}]}, 7]}]}]}";

TEST_F(Squad, DocumentsAreReadAndOffsetsChecked) {
  write("squad/dev-v2.0.json", kDocument);
  const Task task = open("squad");
  EXPECT_EQ(task.kind, TaskKind::QuestionAnswering);
  EXPECT_EQ(task.benchmark, "SQuAD 2.0");
  EXPECT_EQ(task.metrics, (std::vector<std::string>{"f1", "exact"}));
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), 2u);
  const Example& first = data.examples[0];
  EXPECT_EQ(first.id, "q1");
  EXPECT_EQ(first.text, "Who ran?");
  EXPECT_EQ(first.pair, "\u00DCber Tom: he ran home.");
  ASSERT_EQ(first.answers.size(), 1u);
  EXPECT_EQ(first.answers[0].begin, 5);
  EXPECT_EQ(first.pair.substr(6, 3), first.answers[0].text);  // one byte more than code points
  EXPECT_TRUE(data.examples[1].impossible);
  EXPECT_TRUE(data.examples[1].answers.empty());
  EXPECT_EQ(data.skipped.first_reasons,
            (std::vector<std::string>{"question 3 (q3): \"home\" does not stand at 0 of its context",
                                      "question 4: no JSON object"}));
}

TEST_F(Squad, VersionOneHasNoImpossibleQuestions) {
  const auto file =
      write("train-v1.1.json",
            "{\"data\": [{\"paragraphs\": [{\"context\": \"a b\", \"qas\": [{\"id\": \"1\", \"question\": "
            "\"?\", \"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}]}]}], \"version\": \"1.1\"}");
  const Task task = open_task(file.string());
  EXPECT_EQ(task.benchmark, "SQuAD 1.1");
  EXPECT_EQ(task.splits, (std::vector<std::string>{"train"}));
  EXPECT_EQ(load(task, "train").examples.size(), 1u);
}

TEST_F(Squad, TheFlatFormIsTheSame) {
  write("flat/train.jsonl",
        "{\"id\": \"1\", \"title\": \"t\", \"context\": \"a b\", \"question\": \"?\", \"answers\": {\"text\": [\"b\"], "
        "\"answer_start\": [2]}}\n{\"id\": \"2\", \"title\": \"t\", \"context\": \"a b\", \"question\": \"?\", "
        "\"answers\": {\"text\": [], \"answer_start\": []}}\n{\"id\": \"3\"}\n[]\n");
  const Task task = open("flat");
  EXPECT_EQ(task.benchmark, "SQuAD 2.0");
  const Dataset data = load(task, "train");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].answers[0].begin, 2);
  EXPECT_TRUE(data.examples[1].impossible);
  EXPECT_EQ(data.skipped.count, 2);
}

TEST_F(Squad, DamagedDocumentsAreErrors) {
  write("cut/dev.json", std::string(kDocument).substr(0, 250));
  const Task task = open("cut");
  EXPECT_EQ(test::expect_error([&] { load(task, "dev"); }).kind(), ErrorKind::Format);
}

}  // namespace
}  // namespace espalier
