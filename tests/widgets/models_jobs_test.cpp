#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include "tests/support/support.h"
#include "tests/widgets/small_model.h"
#include "widgets/models/job_center.h"
#include "widgets/models/jobs_model.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_checker.h"
#include "widgets/models/recipe_document.h"
#include "widgets/models/selection.h"
#include "widgets/models/sentence_model.h"

namespace espalier {
namespace {

using test::waitFor;

JobCenter::MakeRunner inlineRunner(JobKinds kinds) {
  return [kinds] { return make_inline_runner(kinds); };
}

TEST(JobCenter, HandsOnResultsMetricsAndTheAnswer) {
  JobKinds kinds;
  kinds.add("count", [](const JobSpec& spec, JobContext& context) {
    context.log("begun");
    context.metric("loss", 1, 0.5);
    context.progress.report(0.5, 10, "examples");
    context.result({{"kind", "row"}});
    return Json{{"twice", spec.settings["n"].get<int>() * 2}};
  });
  JobCenter center(inlineRunner(kinds));
  JobsModel model(&center);
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QObject receiver;
  int pieces = 0;
  int twice = 0;
  JobCallbacks callbacks;
  callbacks.result = [&](const Json&) { ++pieces; };
  callbacks.done = [&](const Json& answer) { twice = answer["twice"]; };
  JobSpec spec;
  spec.kind = "count";
  spec.settings = {{"n", 21}};
  center.start(spec, JobLane::Work, "Count", &receiver, callbacks);
  EXPECT_EQ(twice, 0) << "callbacks must come from the event loop";
  ASSERT_TRUE(waitFor([&] { return twice != 0; }));
  EXPECT_EQ(twice, 42);
  EXPECT_EQ(pieces, 1);
  ASSERT_EQ(center.count(), 1);
  EXPECT_EQ(center.at(0).state, JobState::Done);
  EXPECT_EQ(center.at(0).log, QStringList{"begun"});
  ASSERT_EQ(center.at(0).metrics.size(), 1u);
  EXPECT_EQ(model.index(0, JobsModel::TitleColumn).data().toString(), "Count");
  EXPECT_FALSE(center.hasUnfinished());
  center.clearEnded();
  EXPECT_EQ(model.rowCount(), 0);
}

TEST(JobCenter, AFailureIsToldAndAQuestionIsNotListed) {
  JobCenter center(inlineRunner(JobKinds()));
  QObject receiver;
  QString message;
  JobCallbacks callbacks;
  callbacks.failed = [&](const ErrorInfo& error) { message = QString::fromStdString(error.message); };
  JobSpec spec;
  spec.kind = "unknown kind";
  center.start(spec, JobLane::Questions, "?", &receiver, callbacks);
  ASSERT_TRUE(waitFor([&] { return !message.isEmpty(); }));
  EXPECT_TRUE(message.contains("unknown kind")) << message.toStdString();
  EXPECT_EQ(center.count(), 0);
}

TEST(JobCenter, ARunnerThatCannotBeMadeIsAFailedJob) {
  JobCenter center([]() -> std::unique_ptr<JobRunner> { throw Error(ErrorKind::Io, "no such program"); });
  QObject receiver;
  bool failed = false;
  JobCallbacks callbacks;
  callbacks.failed = [&](const ErrorInfo&) { failed = true; };
  center.start({}, JobLane::Work, "Run", &receiver, callbacks);
  EXPECT_TRUE(waitFor([&] { return failed; }));
  EXPECT_EQ(center.at(0).state, JobState::Failed);
}

TEST(JobCenter, NothingIsCalledOnceTheReceiverIsGone) {
  JobKinds kinds;
  kinds.add("answer", [](const JobSpec&, JobContext&) { return Json::object(); });
  JobCenter center(inlineRunner(kinds));
  bool called = false;
  JobSpec spec;
  spec.kind = "answer";
  {
    QObject receiver;
    JobCallbacks callbacks;
    callbacks.done = [&](const Json&) { called = true; };
    center.start(spec, JobLane::Work, "A", &receiver, callbacks);
  }
  ASSERT_TRUE(waitFor([&] { return center.at(0).state == JobState::Done; }));
  EXPECT_FALSE(called);
}

MethodCatalog* readyCatalog(QObject* parent) {
  auto* catalog = new MethodCatalog(parent);
  catalog->setAnswer(Json::parse(R"({"methods": [{"id": "prune.heads", "family": "prune", "settings": [
      {"key": "fraction", "type": "real", "default": 0.25, "minimum": 0, "maximum": 1, "label": "Share",
       "help": "Share of heads.", "level": "basic"}]}]})"));
  return catalog;
}

TEST(RecipeChecker, MarksTheSchemaAtOnceAndTheWorkersIssuesLater) {
  JobKinds kinds;
  int asked = 0;
  kinds.add("check", [&asked](const JobSpec& spec, JobContext&) {
    ++asked;
    Json answer = {{"issues", Json::array()}, {"estimates", Json::array({{{"bundle_bytes", 100}}})}};
    const Json& steps = spec.settings["recipe"]["steps"];
    for (size_t i = 0; i < steps.size(); ++i) {
      answer["issues"].push_back({{"step", i}, {"key", "fraction"}, {"message", "too many heads"}});
      answer["estimates"].push_back({{"bundle_bytes", 50}, {"macs", 7}});
    }
    return answer;
  });
  JobCenter center(inlineRunner(kinds));
  QObject owner;
  MethodCatalog* catalog = readyCatalog(&owner);
  if (catalog->state() != MethodCatalog::State::Ready) FAIL() << catalog->failure().toStdString();
  RecipeDocument document;
  RecipeChecker checker(&document, catalog, &center);
  checker.setEnabled(true);
  document.addStep("prune.heads");
  document.setSetting(0, "fraction", 2);
  ASSERT_EQ(checker.issues(0).size(), 1u);
  EXPECT_EQ(checker.issues(0)[0].key, "fraction");
  ASSERT_TRUE(waitFor([&] { return checker.state() == RecipeChecker::State::Ready; }));
  EXPECT_EQ(asked, 1) << "quick edits are one question";
  EXPECT_EQ(checker.issues(0).size(), 2u);
  ASSERT_EQ(checker.estimates().size(), 2u);
  EXPECT_EQ(checker.estimates()[1].bytes, 50);
  EXPECT_LT(checker.estimates()[1].parameters, 0);
  document.setStepEnabled(0, false);
  EXPECT_TRUE(checker.issues(0).empty());
  document.addStep("prune.nothing");
  EXPECT_FALSE(checker.issues(1).empty());
}

TEST(RecipeChecker, AFailedCheckIsToldAndNotRepeatedForEver) {
  JobKinds kinds;
  int asked = 0;
  kinds.add("check", [&asked](const JobSpec&, JobContext&) -> Json {
    ++asked;
    throw Error(ErrorKind::Internal, "broken");
  });
  JobCenter center(inlineRunner(kinds));
  MethodCatalog catalog;
  RecipeDocument document;
  RecipeChecker checker(&document, &catalog, &center);
  document.setTarget("lab", "lab", "cpu");
  checker.setEnabled(true);
  ASSERT_TRUE(waitFor([&] { return checker.state() == RecipeChecker::State::Failed; }));
  QTest::qWait(600);
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(checker.failure().contains("broken"));
}

TEST(Selection, GoesBackAndForward) {
  Selection selection;
  selection.setPage("overview");
  EXPECT_FALSE(selection.canGoBack());
  selection.selectHead(3, 7);
  selection.setPage("heads");
  EXPECT_EQ(selection.describe(), "layer 3, head 7");
  selection.goBack();
  EXPECT_EQ(selection.state().page, "overview");
  EXPECT_EQ(selection.state().head, 7);
  selection.goBack();
  EXPECT_EQ(selection.state().head, -1);
  EXPECT_FALSE(selection.canGoBack());
  selection.goForward();
  EXPECT_EQ(selection.state().head, 7);
  selection.selectLayer(1);
  EXPECT_EQ(selection.state().head, -1) << "a head belongs to its layer";
  EXPECT_FALSE(selection.canGoForward());
}

TEST(SentenceModel, ReadsPagesOfExamplesOnce) {
  JobKinds kinds;
  int asked = 0;
  kinds.add("examples", [&asked](const JobSpec& spec, JobContext&) {
    ++asked;
    Json examples = Json::array();
    const int offset = spec.settings["offset"];
    for (int i = offset; i < offset + spec.settings["count"].get<int>() && i < 100; ++i) {
      examples.push_back({{"text", "text " + std::to_string(i)}, {"label", i % 2}, {"evidence", {{0, 4}}}});
    }
    return Json{{"examples", examples}, {"total", 100}, {"labels", {"negative", "positive"}}};
  });
  JobCenter center(inlineRunner(kinds));
  Selection selection;
  SentenceModel model(&center, &selection);
  model.setSource("lab", "dev");
  ASSERT_TRUE(waitFor([&] { return model.sentence().example == 0; }));
  EXPECT_EQ(model.sentence().text, "text 0");
  EXPECT_EQ(model.sentence().evidence.size(), 1u);
  EXPECT_EQ(model.total(), 100);
  EXPECT_EQ(selection.state().example, 0);
  model.showExample(5);
  EXPECT_EQ(model.sentence().text, "text 5") << "what was read is there at once";
  EXPECT_EQ(asked, 1);
  model.showExample(99);
  ASSERT_TRUE(waitFor([&] { return model.sentence().example == 99; }));
  EXPECT_EQ(asked, 2);
  model.setTyped("mine", "");
  EXPECT_EQ(model.sentence().example, -1);
  selection.goBack();
  EXPECT_EQ(model.sentence().text, "text 5") << "going back selects the example, and the sentence follows";
  model.showExample(100);
  EXPECT_EQ(model.sentence().text, "text 5");
}

}  // namespace
}  // namespace espalier
