// Training and measuring on every kind of task, through the jobs, on files made here.

#include "measure/quality.h"
#include "tests/job_kinds/tiny_task.h"
#include "train/fine_tune.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

// A folder with a small encoder, and one for each kind of task.
class Tasks {
 public:
  Tasks() { save_bundle(tiny_task_model(), model()); }
  const fs::path& folder() const { return folder_.path(); }
  fs::path model() const { return folder() / "model"; }
  fs::path made(const std::string& name) const {
    fs::create_directories(folder() / name);
    return folder() / name;
  }

 private:
  TempDir folder_;
};

Json train_settings(const fs::path& model, const fs::path& task, int epochs = 20, double rate = 5e-3) {
  return {{"model", model.string()},
          {"task", task.string()},
          {"max_length", 32},
          {"options", {{"epochs", epochs}, {"batch_size", 16}, {"learning_rate", rate}}}};
}

Json eval_settings(const fs::path& model, const fs::path& task) {
  return {{"model", model.string()}, {"task", task.string()}, {"max_length", 32}, {"latency", false}};
}

void write_tags(const fs::path& file, int count, uint64_t seed) {
  Rng rng(seed);
  std::ofstream out(file);
  for (int i = 0; i < count; ++i) {
    for (uint64_t w = 0; w < 3 + rng.below(4); ++w) {
      const auto word = static_cast<size_t>(rng.below(tiny_words().size()));
      out << tiny_words()[word] << " " << (word < 3 ? "B-POS" : word < 6 ? "B-NEG" : "O") << "\n";
    }
    out << "\n";
  }
}

TEST(EveryTask, TagsOfWords) {
  const Tasks tasks;
  const fs::path data = tasks.made("tags"), out = tasks.folder() / "out", tags = tasks.folder() / "tags.conll";
  write_tags(data / "train.txt", 120, 1);
  write_tags(data / "dev.txt", 40, 2);
  const Json answer = answer_of("train", train_settings(tasks.model(), data), out);
  EXPECT_EQ(answer.at("train").at("dev_metric"), "span F1");
  EXPECT_GT(answer.at("quality").at("span_f1"), 0.9);
  Json settings = eval_settings(out, data);
  settings["baseline"] = out.string();
  settings["predictions"] = tags.string();
  const Json row = answer_of("evaluate", settings);
  EXPECT_EQ(row.at("span_f1"), answer.at("quality").at("span_f1"));
  EXPECT_EQ(row.at("metric"), "span_f1");
  EXPECT_EQ(row.at("span_f1_p"), 1);
  EXPECT_LE(row.at("accuracy_low"), row.at("accuracy"));
  EXPECT_EQ(row.at("examples"), 40);
  EXPECT_GT(row.at("macs"), 0);
  std::ifstream written(tags), gold(data / "dev.txt");
  std::string word, tag, gold_word, gold_tag;
  int64_t words = 0;
  while (gold >> gold_word >> gold_tag) {
    ASSERT_TRUE(written >> word >> tag);
    EXPECT_EQ(word, gold_word);
    ++words;
  }
  EXPECT_EQ(row.at("words"), words);
}

// "the film was very good": what was it? An opinion word somewhere in the context, or none.
void write_questions(const fs::path& file, int count, uint64_t seed, bool some_impossible, bool answers = true) {
  Rng rng(seed);
  Json questions = Json::array();
  for (int i = 0; i < count; ++i) {
    const bool impossible = some_impossible && rng.chance(0.4);
    std::string context = "the film was";
    for (uint64_t p = 0; p < rng.below(4); ++p) context += " " + tiny_words()[10 + rng.below(6)];
    const std::string word = tiny_words()[rng.below(6)];
    const auto begin = context.size() + 1;
    if (!impossible) context += " " + word;
    for (uint64_t p = 0; p < rng.below(4); ++p) context += " " + tiny_words()[10 + rng.below(6)];
    Json question = {{"id", "q" + std::to_string(i)}, {"question", "the plot"}, {"answers", Json::array()}};
    if (some_impossible) question["is_impossible"] = impossible;
    if (answers && !impossible) question["answers"].push_back({{"text", word}, {"answer_start", begin}});
    questions.push_back({{"context", context}, {"qas", Json::array({question})}});
  }
  std::ofstream(file) << Json({{"version", "x"}, {"data", Json::array({{{"title", "t"}, {"paragraphs", questions}}})}});
}

TEST(EveryTask, AnswersToQuestions) {
  const Tasks tasks;
  for (const bool impossible : {false, true}) {
    const fs::path data = tasks.made(impossible ? "squad2" : "squad1"), out = tasks.folder() / "out";
    const fs::path predictions = tasks.folder() / "answers.json";
    fs::remove_all(out);
    write_questions(data / "train.json", 200, 1, impossible);
    write_questions(data / "dev.json", 50, 2, impossible);
    const Json answer = answer_of("train", train_settings(tasks.model(), data, 25), out);
    EXPECT_EQ(answer.at("train").at("dev_metric"), "F1");
    EXPECT_GT(answer.at("quality").at("f1"), 0.8) << impossible;
    Json settings = eval_settings(out, data);
    settings["predictions"] = predictions.string();
    settings["baseline"] = out.string();
    const Json row = answer_of("evaluate", settings);
    EXPECT_EQ(row.at("f1"), answer.at("quality").at("f1"));
    EXPECT_EQ(row.at("token_f1_p"), 1);
    EXPECT_EQ(row.at("exact_p"), 1);
    EXPECT_LE(row.at("exact_low"), row.at("exact"));
    EXPECT_EQ(row.contains("no_answer_exact"), impossible);
    if (impossible) {
      EXPECT_GE(row.at("best_f1"), row.at("f1"));
    }
    const Json said = read_json_file(predictions);
    EXPECT_EQ(said.size(), 50u);
    EXPECT_TRUE(said.at("q0").is_string());
  }
}

TEST(EveryTask, QuestionsWithoutAnswersAreNamed) {
  const Tasks tasks;
  const fs::path data = tasks.made("squad");
  write_questions(data / "train.json", 4, 1, false);
  write_questions(data / "dev.json", 4, 2, false, false);
  Json settings = train_settings(tasks.model(), data, 1);
  settings["dev_split"] = "train";
  answer_of("train", settings, tasks.folder() / "out");
  const Outcome refused = run_job_here("evaluate", eval_settings(tasks.folder() / "out", data));
  EXPECT_EQ(refused.last.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(refused.last.error.message.find("q0"), std::string::npos) << refused.last.error.message;
  Json writing = eval_settings(tasks.folder() / "out", data);
  writing["predictions"] = (tasks.folder() / "said.json").string();
  EXPECT_FALSE(answer_of("evaluate", writing).contains("f1"));
  writing["predictions"] = (tasks.folder() / "said.tsv").string();
  EXPECT_EQ(run_job_here("evaluate", writing).last.error.kind, ErrorKind::InvalidInput);
}

void write_text(const fs::path& file, int lines, uint64_t seed) {
  Rng rng(seed);
  std::ofstream out(file);
  for (int i = 0; i < lines; ++i) {
    out << "the " << tiny_words()[7 + rng.below(2)] << " was very " << tiny_words()[rng.below(6)] << "\n";
  }
}

TEST(EveryTask, RunningTextMaskedAndLeftToRight) {
  const Tasks tasks;
  const fs::path data = tasks.made("text"), out = tasks.folder() / "out", causal = tasks.folder() / "causal";
  write_text(data / "train.txt", 400, 1);
  write_text(data / "dev.txt", 100, 2);
  Json settings = train_settings(tasks.model(), data, 20);
  settings["block_length"] = 16;
  const Json masked = answer_of("train", settings, out);
  EXPECT_EQ(masked.at("train").at("dev_metric"), "masked perplexity");
  EXPECT_LT(masked.at("quality").at("masked_perplexity"), 12);
  EXPECT_EQ(answer_of("evaluate", eval_settings(out, data)).at("masked_perplexity"),
            masked.at("quality").at("masked_perplexity"));

  Architecture a = tiny_task_model().architecture;
  a.has_pooler = false;
  a.head = {.kind = HeadKind::LanguageModel, .num_labels = a.embedding.vocab_size, .bias = false};
  for (LayerSpec& layer : a.layers) layer.attention.causal = true;
  settings.erase("model");
  settings["architecture"] = to_json(a);
  settings["tokenizer"] = tasks.model().string();
  const Json plain = answer_of("train", settings, causal);
  EXPECT_EQ(plain.at("train").at("dev_metric"), "perplexity");
  Json measuring = eval_settings(causal, data);
  measuring["baseline"] = causal.string();
  const Json row = answer_of("evaluate", measuring);
  // Five words a line, of which one is one of two and one is one of six: (2 * 6)^(1/5) at best.
  EXPECT_GT(row.at("perplexity"), std::pow(12, 0.2) - 0.05);
  EXPECT_LT(row.at("perplexity"), 2.2);
  EXPECT_EQ(row.at("token_log_likelihood_p"), 1);
  EXPECT_EQ(row.at("words"), 600);  // and an end of line each
  // Every token but the first is predicted, so the same nats are shared by all units.
  EXPECT_NEAR(std::log(row.at("word_perplexity").get<double>()) * 600,
              std::log(row.at("perplexity").get<double>()) * row.at("tokens").get<double>(), 1e-6);
  EXPECT_EQ(row.at("tokens"), 499);
  measuring["stride"] = 1;
  EXPECT_EQ(answer_of("evaluate", measuring).at("tokens"), 499);
  measuring["predictions"] = "x.txt";
  EXPECT_EQ(run_job_here("evaluate", measuring).last.error.kind, ErrorKind::InvalidInput);
}

// A word said several times; its "translation" is the one three places on, as often.
void write_pairs(const fs::path& folder, const std::string& split, int count, uint64_t seed) {
  Rng rng(seed);
  std::ofstream source(folder / (split + ".de")), target(folder / (split + ".en"));
  for (int i = 0; i < count; ++i) {
    const auto word = static_cast<size_t>(rng.below(6));
    const uint64_t length = 4 + rng.below(3);
    for (uint64_t w = 0; w < length; ++w) {
      source << (w > 0 ? " " : "") << tiny_words()[word];
      target << (w > 0 ? " " : "") << tiny_words()[(word + 3) % 6];
    }
    source << "\n";
    target << "\n";
  }
}

TEST(EveryTask, Translation) {
  const Tasks tasks;
  const fs::path data = tasks.made("pairs"), out = tasks.folder() / "out", written = tasks.folder() / "dev.txt";
  write_pairs(data, "train", 400, 1);
  write_pairs(data, "dev", 40, 2);
  Json settings = train_settings(tasks.model(), data, 30, 1e-2);
  settings.erase("model");
  settings["architecture"] = to_json(tiny_translator());
  settings["tokenizer"] = tasks.model().string();
  settings["options"]["schedule"] = "inverse_sqrt";
  settings["options"]["warmup_steps"] = 60;
  settings["options"]["label_smoothing"] = 0.1;
  const Json answer = answer_of("train", settings, out);
  EXPECT_EQ(answer.at("train").at("dev_metric"), "perplexity of the target");
  EXPECT_GT(answer.at("quality").at("bleu"), 50);
  Json measuring = eval_settings(out, data);
  measuring["baseline"] = out.string();
  measuring["predictions"] = written.string();
  measuring["beams"] = 2;
  measuring["max_examples"] = 20;
  measuring["latency"] = true;
  const Json row = answer_of("evaluate", measuring);
  EXPECT_GT(row.at("bleu"), 50);
  EXPECT_EQ(row.at("bleu_p"), 1);
  EXPECT_EQ(row.at("beams"), 2);
  EXPECT_LE(row.at("bleu_low"), row.at("bleu"));
  EXPECT_FALSE(row.at("bleu_signature").get<std::string>().empty());
  EXPECT_EQ(row.at("latency_new_tokens"), 32);
  EXPECT_GT(row.at("latency_ms_p50"), 0);
  std::ifstream lines(written);
  int count = 0;
  for (std::string line; std::getline(lines, line);) ++count;
  EXPECT_EQ(count, 20);
}

TEST(EveryTask, AModelWhoseHeadDoesNotFitIsNamed) {
  const Tasks tasks;
  const fs::path data = tasks.made("text"), pairs = tasks.made("pairs");
  write_text(data / "train.txt", 20, 1);
  write_text(data / "dev.txt", 20, 2);
  write_pairs(pairs, "train", 4, 1);
  write_pairs(pairs, "dev", 4, 2);
  const Outcome eval = run_job_here("evaluate", eval_settings(tasks.model(), data));
  EXPECT_EQ(eval.last.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(eval.last.error.message.find("language modelling"), std::string::npos) << eval.last.error.message;
  const Outcome train = run_job_here("train", train_settings(tasks.model(), pairs), tasks.folder() / "out");
  EXPECT_EQ(train.last.error.kind, ErrorKind::Unsupported);
  EXPECT_NE(train.last.error.message.find("decoder"), std::string::npos) << train.last.error.message;
  EXPECT_FALSE(fs::exists(tasks.folder() / "out"));
}

TEST(EveryTask, RecallOfWhatIsOutOfScope) {
  // Eight in scope, six right; four out of scope, three found.
  const std::vector<int32_t> labels = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
  const std::vector<int32_t> predictions = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0};
  const OutOfScope found = out_of_scope_quality(labels, predictions, 2);
  EXPECT_DOUBLE_EQ(found.in_scope_accuracy.value, 0.75);
  EXPECT_DOUBLE_EQ(found.out_of_scope_recall.value, 0.75);
  // Wilson's interval of 3 of 4.
  EXPECT_NEAR(found.out_of_scope_recall.low, 0.3006, 1e-3);
  EXPECT_NEAR(found.out_of_scope_recall.high, 0.9544, 1e-3);

  const Tasks tasks;
  const fs::path file = tasks.folder() / "intents.json";
  const auto rows = [](const std::vector<std::pair<std::string, std::string>>& pairs) {
    Json all = Json::array();
    for (int i = 0; i < 12; ++i) {
      for (const auto& [text, label] : pairs) all.push_back({text, label});
    }
    return all;
  };
  const Json in = rows({{"the film was good", "praise"}, {"the plot was bad", "blame"}});
  const Json outside = rows({{"it said a cast", "oos"}});
  std::ofstream(file) << Json(
      {{"train", in}, {"val", in}, {"test", in}, {"oos_train", outside}, {"oos_val", outside}, {"oos_test", outside}});
  answer_of("train", train_settings(tasks.model(), file, 30), tasks.folder() / "out");
  const Json row = answer_of("evaluate", eval_settings(tasks.folder() / "out", file));
  EXPECT_EQ(row.at("in_scope_accuracy"), 1);
  EXPECT_EQ(row.at("out_of_scope_recall"), 1);
  EXPECT_LT(row.at("out_of_scope_recall_low"), 0.9);
}

TEST(EveryTask, ARecipeMeasuresIt) {
  const Tasks tasks;
  const fs::path data = tasks.made("tags"), out = tasks.folder() / "out";
  write_tags(data / "train.txt", 60, 1);
  write_tags(data / "dev.txt", 20, 2);
  answer_of("train", train_settings(tasks.model(), data, 6), out);
  Json recipe = {
      {"model", out.string()}, {"task", data.string()}, {"steps", Json::array({{{"method", "quantize.q8"}}})}};
  const Json settings = {
      {"recipe", recipe}, {"workspace", (tasks.folder() / "workspace").string()}, {"max_length", 32}};
  const Json answer = answer_of("run_recipe", settings);
  ASSERT_EQ(answer.at("rows").size(), 2u);
  EXPECT_LT(answer.at("rows")[1].at("bundle_bytes"), answer.at("rows")[0].at("bundle_bytes"));
  EXPECT_TRUE(answer.at("rows")[1].contains("span_f1_p"));
  EXPECT_FALSE(answer.at("front").empty());
  EXPECT_TRUE(answer_of("run_recipe", settings).at("rows")[1].at("cached"));
  // Steps that learn need labels a text.
  recipe["steps"] = Json::array({{{"method", "prune.heads"}}});
  Json learning = settings;
  learning["recipe"] = recipe;
  EXPECT_EQ(run_job_here("run_recipe", learning).last.error.kind, ErrorKind::InvalidInput);
}

TEST(EveryTask, ATeacherOfAnotherVocabularyIsRefused) {
  const TinyWorld world;
  Model other = tiny_task_model();
  std::string vocab = *other.tokenizer_files[0].bytes;
  vocab.replace(vocab.find("plot"), 4, "book");
  other.tokenizer_files[0].bytes = std::make_shared<const std::string>(vocab);
  save_bundle(other, world.folder() / "teacher");
  Json settings = train_settings(world.model(), world.task(), 1);
  settings["teacher"] = (world.folder() / "teacher").string();
  const Outcome refused = run_job_here("train", settings, world.folder() / "out");
  EXPECT_EQ(refused.last.error.kind, ErrorKind::InvalidInput);
  EXPECT_NE(refused.last.error.message.find("teacher"), std::string::npos) << refused.last.error.message;
  settings["teacher"] = world.model().string();
  settings["options"]["distill_alpha"] = 0.7;
  EXPECT_GT(answer_of("train", settings, world.folder() / "out").at("train").at("steps"), 0);
}

}  // namespace
}  // namespace espalier::test
