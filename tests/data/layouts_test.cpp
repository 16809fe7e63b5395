// Folders and files that are no tables: classes as folders, intents, parallel text, running text, tagged words.

#include "base/json.h"
#include "data/dataset_card.h"
#include "data/plain_text.h"
#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using ClassFolders = test::DataFolder;
using Intents = test::DataFolder;
using ParallelText = test::DataFolder;
using PlainText = test::DataFolder;
using TaggedWords = test::DataFolder;
using Cards = test::DataFolder;
using test::load;
using Strings = std::vector<std::string>;

TEST_F(ClassFolders, AreLabels) {
  write("imdb/train/pos/0_9.txt", "Good.<br />Fine");
  write("imdb/train/neg/0_1.txt", "Bad\xE9");
  write("imdb/train/neg/1_2.txt", "Worse");
  write("imdb/train/unsup/0_0.txt", "?");
  write("imdb/test/pos/0_7.txt", "Nice");
  write("imdb/test/neg/readme.md", "not a text");
  write("imdb/README", "x");
  const Task task = open("imdb");
  EXPECT_EQ(task.labels, (Strings{"neg", "pos"}));
  EXPECT_EQ(task.splits, (Strings{"train", "test"}));
  EXPECT_NE(task.description.find("unsup"), std::string::npos);
  const Dataset train = load(task, "train");
  ASSERT_EQ(train.examples.size(), 3u);
  EXPECT_EQ(train.examples[0].text, "Bad\u00E9");
  EXPECT_EQ(train.examples[0].label, 0);
  EXPECT_EQ(train.examples[2].id, "pos/0_9.txt");
  EXPECT_EQ(train.examples[2].label, 1);
  EXPECT_EQ(train.recoded, 1);
  EXPECT_EQ(load(task, "test").examples.size(), 1u);
  EXPECT_EQ(task.files("train").size(), 3u);
}

TEST_F(ClassFolders, AloneAreOneSplit) {
  write("mail/ham/a.txt", "x");
  write("mail/spam/b.txt", "y");
  const Task task = open("mail");
  EXPECT_EQ(task.splits, (Strings{"train"}));
  EXPECT_EQ(load(task, "dev").examples.size(), 2u);
}

TEST_F(Intents, OutOfScopeJoinsItsSplit) {
  write("clinc/data_full.json",
        "{\n \"oos_val\": [[\"hm\", \"oos\"]],\n \"val\": [[\"hi\", \"greet\"]],\n \"train\": [[\"hello\", \"greet\"], "
        "[\"bye\", \"part\"], [\"odd\"]],\n \"oos_train\": [[\"what\", \"oos\"]],\n \"test\": [[\"yo\", \"new\"]]}");
  write("clinc/data_small.json", "{}");
  const Task task = open("clinc");
  EXPECT_EQ(task.labels, (Strings{"greet", "oos", "part"}));
  EXPECT_EQ(task.splits, (Strings{"train", "dev", "test"}));
  const Dataset train = load(task, "train");
  ASSERT_EQ(train.examples.size(), 3u);
  EXPECT_EQ(train.examples[2].label, 1);
  EXPECT_EQ(train.skipped.first_reasons, (Strings{"train 3: no pair of text and label"}));
  EXPECT_EQ(load(task, "dev").examples.size(), 2u);
  EXPECT_EQ(load(task, "test").skipped.first_reasons, (Strings{"test 1: \"new\" is no label of the task"}));
}

TEST_F(ParallelText, LinesArePairs) {
  write("mt/train.de", "ein hund\n\nzwei\r\ndrei\n");
  write("mt/train.en", "a dog\nx\ntwo\n");
  write("mt/test_2016_flickr.de", "vier\n");
  write("mt/test_2016_flickr.en", "four\n");
  const Task task = open("mt");
  EXPECT_EQ(task.kind, TaskKind::Translation);
  EXPECT_EQ(task.splits, (Strings{"train", "test_2016_flickr"}));
  const Dataset train = load(task, "train");
  ASSERT_EQ(train.examples.size(), 2u);
  EXPECT_EQ(train.examples[1].text, "zwei");
  EXPECT_EQ(train.examples[1].pair, "two");
  EXPECT_EQ(train.skipped.first_reasons,
            (Strings{"line 2: empty in one of the languages", "line 4: no such line in train.en"}));
  EXPECT_EQ(load(task, "test").examples[0].pair, "four");
  const Task back = open("mt", {.source_language = "en"});
  EXPECT_EQ(load(back, "train").examples[0].text, "a dog");
  EXPECT_EQ(load(back, "train").examples[0].pair, "ein hund");
}

TEST_F(ParallelText, LanguagesMustBeClear) {
  for (const char* language : {"de", "en", "fr"}) write(std::string("mt/train.") + language, "x\n");
  const Error error = test::expect_error([&] { open("mt"); });
  EXPECT_NE(std::string(error.what()).find("de, en, fr"), std::string::npos) << error.what();
  EXPECT_EQ(load(open("mt", {.source_language = "fr", .target_language = "de"}), "train").examples.size(), 1u);
  EXPECT_EQ(test::expect_error([&] { open("mt", {.source_language = "en", .target_language = "en"}); }).kind(),
            ErrorKind::InvalidInput);
}

TEST_F(PlainText, KeepsEveryLine) {
  write("wiki/valid.txt", " \n = Title = \n\ntext text\n");
  write("wiki/test.txt", "more\n");
  const Task task = open("wiki");
  EXPECT_EQ(task.kind, TaskKind::LanguageModelling);
  EXPECT_EQ(task.splits, (Strings{"dev", "test"}));
  const Dataset data = load(task, "valid");
  ASSERT_EQ(data.examples.size(), 4u);
  EXPECT_EQ(data.examples[1].text, " = Title = ");
  EXPECT_EQ(data.examples[2].text, "");
}

TEST_F(PlainText, OneFileIsCutInTwo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line " + std::to_string(i) + "\n";
  const auto file = write("book/input.txt", text);
  const Task task = open("book");
  const Dataset train = load(task, "train"), dev = load(task, "dev");
  EXPECT_EQ(train.examples.size() + dev.examples.size(), 100u);
  EXPECT_NEAR(static_cast<double>(train.examples.size()), 90, 2);
  EXPECT_EQ(dev.examples.back().text, "line 99");
  EXPECT_TRUE(is_plain_text(file));
  EXPECT_FALSE(is_plain_text(write("t.txt", "text\tlabel\na\tb\n")));
}

TEST_F(TaggedWords, SentencesAreSetApartByEmptyLines) {
  write("ner/train.txt",
        "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\nX O\n\nBonn NNP B-NP "
        "B-LOC\n");
  write("ner/valid.txt", "Tom NNP B-NP I-PER\n");
  const Task task = open("ner");
  EXPECT_EQ(task.kind, TaskKind::TokenClassification);
  EXPECT_EQ(task.labels, (Strings{"B-LOC", "B-ORG", "O"}));
  EXPECT_EQ(task.metrics, (Strings{"span_f1", "accuracy"}));
  const Dataset data = load(task, "train");
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples[0].words, (Strings{"EU", "rejects"}));
  EXPECT_EQ(data.examples[0].tags, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(data.examples[0].text, "EU rejects");
  EXPECT_EQ(data.skipped.first_reasons, (Strings{"line 7: 2 columns, wanted 4; its sentence is left out"}));
  EXPECT_EQ(load(task, "dev").skipped.first_reasons, (Strings{"sentence 1: \"I-PER\" is no tag of the task"}));
  const Task chunks = open("ner", {.label_column = "1", .kind = TaskKind::TokenClassification});
  EXPECT_EQ(chunks.labels, (Strings{"NNP", "VBZ"}));
  EXPECT_EQ(chunks.metrics, (Strings{"accuracy"}));
}

TEST_F(PlainText, OtherTablesInTheFolderDoNotDisturb) {
  write("t/train.tsv", "text\tlabel\nx\ta\ny\tb\n");
  write("t/test_results.csv", "index,prediction\n0,1\n");
  EXPECT_EQ(open("t").splits, (Strings{"train"}));
}

TEST_F(TaggedWords, TabsAreColumnsToo) {
  const auto file = write("a.conll", "New York\tLOC\nis\tnone\n");
  const Dataset data = load(open_task(file.string()), "dev");
  ASSERT_EQ(data.examples.size(), 1u);
  EXPECT_EQ(data.examples[0].words[0], "New York");
}

TEST_F(Cards, SayWhoseAndHow) {
  write("d/train.csv", "first,second,third\nlong text,x,pos\nmore text,y,neg\n");
  write("d/espalier-dataset.json",
        "{\"name\": \"mine\", \"licence\": \"CC0-1.0\", \"source\": \"me\", \"checksum\": \"sha512-x\", "
        "\"text_column\": \"first\", \"label_column\": \"third\", \"labels\": [\"pos\", \"neg\"]}");
  const Task task = open("d");
  EXPECT_EQ(task.name, "mine");
  EXPECT_EQ(task.provenance.licence, "CC0-1.0");
  EXPECT_EQ(task.provenance.source, "me");
  EXPECT_EQ(task.provenance.checksum, "sha512-x");
  EXPECT_EQ(task.labels, (Strings{"pos", "neg"}));
  EXPECT_EQ(load(task, "train").examples[1].label, 1);
  // What is asked for goes before the card.
  EXPECT_EQ(open("d", {.label_column = "second", .labels = {"y", "x"}}).labels, (Strings{"y", "x"}));
  write("d/espalier-dataset.json", "{\"licens\": \"x\"}");
  EXPECT_NE(std::string(test::expect_error([&] { open("d"); }).what()).find("licens"), std::string::npos);
}

TEST_F(Cards, ReadmesSayTheLicence) {
  write("a/train.tsv", "text\tlabel\nx\ty\n");
  write("a/README.md", "---\npretty_name: A\nlicense:\n- cc-by-4.0\n---\n# A\n");
  EXPECT_EQ(open("a").provenance.licence, "cc-by-4.0");
  write("a/README.md", "# A\nlicense: mit\n");
  EXPECT_EQ(open("a").provenance.licence, "");
}

TEST_F(Cards, OptionsSurviveBeingWritten) {
  const TaskOptions options = {
      .text_column = "a", .labels = {"x"}, .target_language = "en", .kind = TaskKind::Translation};
  write_dataset_card(root(), {.name = "n", .provenance = {"l", "s", ""}, .options = options});
  const DatasetCard card = read_dataset_card(root());
  EXPECT_EQ(to_json(card.options), to_json(options));
  EXPECT_EQ(card.provenance.source, "s");
  for (const TaskKind kind : {TaskKind::Classification, TaskKind::Regression, TaskKind::TokenClassification,
                              TaskKind::QuestionAnswering, TaskKind::LanguageModelling, TaskKind::Translation}) {
    EXPECT_EQ(task_kind_from(to_string(kind)), kind);
  }
  EXPECT_EQ(test::expect_error([] { task_kind_from("tagging"); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier
