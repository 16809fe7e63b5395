// Three rows of each layout of GLUE that task_test.cpp leaves out, and of SuperGLUE.

#include "tests/data/data_folder.h"

namespace espalier {
namespace {

using Glue = test::DataFolder;
using SuperGlue = test::DataFolder;
using test::load;

using Strings = std::vector<std::string>;

TEST_F(Glue, TestFilesHaveOtherColumnsAndNoLabels) {
  struct Case {
    const char* train;
    const char* test;
    const char* text;
    const char* pair;
  };
  const std::map<std::string, Case> cases = {
      {"CoLA", {"s\t1\t\tOne.\ns\t0\t*\tTwo one.\n", "index\tsentence\n0\tThree.\n", "Three.", ""}},
      {"MRPC",
       {"Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tA\tB\n",
        "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t3\t4\tC\tD\n", "C", "D"}},
      {"QQP",
       {"id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tA\tB\t0\n", "id\tquestion1\tquestion2\n0\tC\tD\n",
        "C", "D"}},
      {"QNLI",
       {"index\tquestion\tsentence\tlabel\n0\tA\tB\tentailment\n", "index\tquestion\tsentence\n0\tC\tD\n", "C", "D"}},
      {"RTE",
       {"index\tsentence1\tsentence2\tlabel\n0\tA\tB\tentailment\n", "index\tsentence1\tsentence2\n0\tC\tD\n", "C",
        "D"}},
      {"WNLI",
       {"index\tsentence1\tsentence2\tlabel\n0\tA\tB\t1\n", "index\tsentence1\tsentence2\n0\tC\tD\n", "C", "D"}},
      {"STS-B",
       {"index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tg\tf\ty\t1\tn\tn\tA\tB\t5.000\n",
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n0\tg\tf\ty\t1\tn\tn\tC\tD\n",
        "C", "D"}}};
  for (const auto& [name, files] : cases) {
    SCOPED_TRACE(name);
    write(name + "/train.tsv", files.train);
    write(name + "/test.tsv", files.test);
    const Task task = open(name);
    EXPECT_EQ(task.benchmark, "GLUE " + name);
    const Dataset data = load(task, "test");
    ASSERT_EQ(data.examples.size(), 1u) << task.description;
    EXPECT_EQ(data.examples[0].text, files.text);
    EXPECT_EQ(data.examples[0].pair, files.pair);
    EXPECT_EQ(data.examples[0].label, -1);
    EXPECT_EQ(load(task, "train").skipped.count, 0);
  }
  EXPECT_EQ(open("MRPC").metrics, (Strings{"f1", "accuracy"}));
  EXPECT_EQ(open("STS-B").metrics, (Strings{"pearson", "spearman"}));
}

TEST_F(Glue, MnliHasMatchedAndMismatchedSplits) {
  const std::string header =
      "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
      "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n";
  const std::string row = "0\t1\t2\tg\t(\t(\t(\t(\tA\tB\tneutral\t";
  write("MNLI/train.tsv", header + row + "entailment\n" + row + "-\n");
  write("MNLI/dev_matched.tsv", header + row + "neutral\n");
  write("MNLI/dev_mismatched.tsv", header + row + "contradiction\n");
  const Task task = open("MNLI");
  EXPECT_EQ(task.splits, (Strings{"train", "dev_matched", "dev_mismatched"}));
  EXPECT_EQ(load(task, "train").examples.size(), 1u);
  EXPECT_EQ(load(task, "train").skipped.first_reasons, (Strings{"line 3: \"-\" is no label of the task"}));
  EXPECT_EQ(load(task, "dev").examples[0].label, 2);  // the matched one
  EXPECT_EQ(load(task, "dev_mismatched").examples[0].label, 0);
}

TEST_F(Glue, TheDiagnosticsAreReadWithAndWithoutLabels) {
  write("AX/AX.tsv", "index\tsentence1\tsentence2\n0\tThe cat sat.\tA cat sat.\n");
  const Task bare = open("AX");
  EXPECT_EQ(bare.benchmark, "GLUE AX");
  EXPECT_EQ(bare.metric, "matthews");
  EXPECT_EQ(load(bare, "test").examples[0].pair, "A cat sat.");
  write("full/diagnostic-full.tsv",
        "Lexical Semantics\tPredicate-Argument Structure\tLogic\tKnowledge\tDomain\tPremise\tHypothesis\tLabel\n"
        "\t\tNegation\t\tNews\tNo cat sat.\tA cat sat.\tcontradiction\n");
  const Dataset full = load(open("full"), "test");
  ASSERT_EQ(full.examples.size(), 1u);
  EXPECT_EQ(full.examples[0].text, "No cat sat.");
  EXPECT_EQ(full.examples[0].label, 0);
}

TEST_F(Glue, FoldersAreOneTaskOrNone) {
  // The first file alone could be SST-2.
  write("mixed/dev.tsv", "sentence\tlabel\na\t1\nb\t0\n");
  write("mixed/train.tsv", "sentence\tlabel\na\t1\nb\t2\nc\t2\nd\t0\n");
  const Task task = open("mixed");
  EXPECT_EQ(task.benchmark, "");
  EXPECT_EQ(task.labels, (Strings{"0", "1", "2"}));
  EXPECT_EQ(load(task, "train").skipped.count + load(task, "dev").skipped.count, 0);
}

TEST_F(SuperGlue, PairsAreTexts) {
  struct Case {
    const char* rows;
    const char* text;
    const char* pair;
    Strings labels, metrics;
    int32_t label;
  };
  const std::map<std::string, Case> cases = {
      {"BoolQ",
       {"{\"question\": \"is it\", \"passage\": \"It is.\", \"idx\": 0, \"label\": true}\n",
        "is it",
        "It is.",
        {"false", "true"},
        {"accuracy"},
        1}},
      {"CB",
       {"{\"premise\": \"P\", \"hypothesis\": \"H\", \"label\": \"neutral\", \"idx\": 0}\n",
        "P",
        "H",
        {"contradiction", "entailment", "neutral"},
        {"accuracy", "macro_f1"},
        2}},
      {"RTE",
       {"{\"premise\": \"P\", \"hypothesis\": \"H\", \"label\": \"not_entailment\", \"idx\": 0}\n",
        "P",
        "H",
        {"entailment", "not_entailment"},
        {"accuracy"},
        1}},
      {"AX-b",
       {"{\"sentence1\": \"P\", \"sentence2\": \"H\", \"idx\": \"0\", \"label\": \"entailment\", \"logic\": \"x\"}\n",
        "P",
        "H",
        {"entailment", "not_entailment"},
        {"matthews"},
        0}},
      {"AX-g",
       {"{\"premise\": \"P\", \"hypothesis\": \"H\", \"idx\": 1, \"pair_id\": 7, \"label\": \"entailment\"}\n",
        "P",
        "H",
        {"entailment", "not_entailment"},
        {"accuracy", "gender_parity"},
        0}},
      {"WiC",
       {"{\"word\": \"bank\", \"sentence1\": \"A bank\", \"sentence2\": \"Banks lend\", \"idx\": 0, \"label\": false, "
        "\"start1\": 2, \"start2\": 0, \"end1\": 6, \"end2\": 5, \"version\": 1.1}\n",
        "A *bank*",
        "*Banks* lend",
        {"false", "true"},
        {"accuracy"},
        0}},
      {"WSC",
       {"{\"text\": \"Mark told Pete he won.\", \"target\": {\"span1_index\": 0, \"span1_text\": \"Mark\", "
        "\"span2_index\": 3, \"span2_text\": \"he\"}, \"idx\": 0, \"label\": true}\n",
        "*Mark* told Pete #he# won.",
        "",
        {"false", "true"},
        {"accuracy"},
        1}}};
  for (const auto& [name, c] : cases) {
    SCOPED_TRACE(name);
    write(name + "/val.jsonl", c.rows);
    const Task task = open(name);
    EXPECT_EQ(task.benchmark, "SuperGLUE " + name);
    EXPECT_EQ(task.labels, c.labels);
    EXPECT_EQ(task.metrics, c.metrics);
    const Dataset data = load(task, "val");
    ASSERT_EQ(data.examples.size(), 1u);
    EXPECT_EQ(data.examples[0].text, c.text);
    EXPECT_EQ(data.examples[0].pair, c.pair);
    EXPECT_EQ(data.examples[0].has_pair, std::string(c.pair) != "");
    EXPECT_EQ(data.examples[0].label, c.label);
  }
  EXPECT_EQ(load(open("AX-g"), "dev").examples[0].group, "7");
}

TEST_F(SuperGlue, ChoicesBecomeOneExampleEach) {
  write("COPA/train.jsonl",
        "{\"premise\": \"It rained.\", \"choice1\": \"I got wet.\", \"choice2\": \"I slept.\", \"question\": "
        "\"effect\", \"label\": 0, \"idx\": 4}\n{\"premise\": \"x\"}\n");
  const Dataset copa = load(open("COPA"), "train");
  ASSERT_EQ(copa.examples.size(), 2u);
  EXPECT_EQ(copa.examples[0].text, "It rained. What happened as a result?");
  EXPECT_EQ(copa.examples[0].candidate, "I got wet.");
  EXPECT_EQ(copa.examples[0].label, 1);
  EXPECT_EQ(copa.examples[1].label, 0);
  EXPECT_EQ(copa.examples[0].group, copa.examples[1].group);
  EXPECT_EQ(copa.skipped.count, 1);

  write("MultiRC/val.jsonl",
        "{\"idx\": 3, \"passage\": {\"text\": \"Tom ran. He fell.\", \"questions\": [{\"question\": \"Who ran?\", "
        "\"idx\": 0, \"answers\": [{\"text\": \"Tom\", \"idx\": 0, \"label\": 1}, {\"text\": \"Ann\", \"idx\": 1, "
        "\"label\": 0}]}, {\"question\": \"Who fell?\", \"idx\": 1, \"answers\": [{\"text\": \"Tom\", \"idx\": 2, "
        "\"label\": 1}]}]}}\n");
  const Task multirc = open("MultiRC");
  EXPECT_EQ(multirc.metrics, (Strings{"f1a", "exact"}));
  const Dataset answers = load(multirc, "dev");
  ASSERT_EQ(answers.examples.size(), 3u);
  EXPECT_EQ(answers.examples[1].pair, "Who ran? Ann");
  EXPECT_EQ(answers.examples[1].group, "3/0");
  EXPECT_EQ(answers.examples[2].group, "3/1");
  EXPECT_EQ(answers.examples[2].label, 1);
}

TEST_F(SuperGlue, RecordAsksForAnEntity) {
  // Offsets count code points and the end is the last one.
  write("ReCoRD/val.jsonl",
        "{\"source\": \"s\", \"passage\": {\"text\": \"\u00C9va met Tom.\\n@highlight\\nTom left\", \"entities\": "
        "[{\"start\": 0, \"end\": 2}, {\"start\": 8, \"end\": 10}, {\"start\": 24, \"end\": 26}]}, \"qas\": "
        "[{\"query\": \"@placeholder went\", \"idx\": 11, \"answers\": [{\"start\": 8, \"end\": 10, \"text\": "
        "\"Tom\"}]}], \"idx\": 0}\n");
  const Task task = open("ReCoRD");
  EXPECT_EQ(task.metrics, (Strings{"f1", "exact"}));
  const Dataset data = load(task, "dev");
  ASSERT_EQ(data.examples.size(), 2u) << "an entity named twice is one candidate";
  EXPECT_EQ(data.examples[0].candidate, "\u00C9va");
  EXPECT_EQ(data.examples[0].label, 0);
  EXPECT_EQ(data.examples[1].pair, "Tom went");
  EXPECT_EQ(data.examples[1].label, 1);
  EXPECT_EQ(data.examples[1].text, "\u00C9va met Tom.\nTom left");
  EXPECT_EQ(data.examples[1].answers[0].text, "Tom");
  EXPECT_EQ(data.examples[0].group, data.examples[1].group);
}

TEST_F(SuperGlue, AShortLineCannotAskForMuchMemory) {
  // A passage of 100 kB held by 20,000 candidates would be 2 GB.
  std::string answers;
  for (int i = 0; i < 20000; ++i) answers += std::string(i == 0 ? "" : ",") + "{\"text\": \"a\"}";
  write("MultiRC/val.jsonl", "{\"idx\": 0, \"passage\": {\"text\": \"" + std::string(100'000, 'x') +
                                 "\", \"questions\": [{\"question\": \"?\", \"answers\": [" + answers + "]}]}}\n");
  const Dataset data = load(open("MultiRC"), "dev");
  EXPECT_EQ(data.examples.size(), 0u);
  EXPECT_EQ(data.skipped.first_reasons, (Strings{"line 1: the passage has too many candidates for its length"}));
}

TEST_F(SuperGlue, BadLinesAreCountedAndOtherFilesAreNone) {
  write("WiC/train.jsonl",
        "{\"word\": \"a\", \"sentence1\": \"a\", \"sentence2\": \"b\", \"idx\": 0, \"start1\": 0, \"end1\": 900, "
        "\"start2\": 0, \"end2\": 9223372036854775807, \"label\": true}\nnot json\n");
  const Dataset data = load(open("WiC"), "train");
  EXPECT_EQ(data.examples.size(), 0u);
  EXPECT_EQ(data.skipped.count, 2);
  write("nli/train.jsonl", "{\"premise\": \"A\", \"hypothesis\": \"B\", \"label\": 0}\n");
  EXPECT_EQ(open("nli").benchmark, "");
}

}  // namespace
}  // namespace espalier
