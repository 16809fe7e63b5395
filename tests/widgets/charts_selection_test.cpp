// What charts do when a person points, clicks and types.
#include <gtest/gtest.h>

#include <QScrollBar>
#include <QSignalSpy>

#include "tests/widgets/charts_fixtures.h"
#include "widgets/charts/answers_view.h"
#include "widgets/charts/attention_head_view.h"
#include "widgets/charts/attention_overview.h"
#include "widgets/charts/channel_view.h"
#include "widgets/charts/confusion_view.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/charts/histogram_view.h"
#include "widgets/charts/loss_curve.h"
#include "widgets/charts/spectrum_view.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

using test::headScores;

void show(QWidget& widget, QSize size = {700, 500}) {
  widget.resize(size);
  widget.show();
}

TEST(HeadMatrix, AClickAsksAndTheRecipeAnswers) {
  HeadMatrix matrix;
  show(matrix);
  matrix.setScores(headScores(4, 6));
  QSignalSpy toggles(&matrix, &HeadMatrix::headToggled);
  QTest::mouseClick(&matrix, Qt::LeftButton, {}, matrix.cellRect(LayerIndex(2), HeadIndex(3)).center().toPoint());
  ASSERT_EQ(toggles.count(), 1);
  EXPECT_EQ(toggles[0][0].value<LayerIndex>(), LayerIndex(2));
  EXPECT_EQ(toggles[0][1].value<HeadIndex>(), HeadIndex(3));
  EXPECT_TRUE(toggles[0][2].toBool());
  EXPECT_TRUE(matrix.pruned().empty()) << "the matrix decides nothing";
  matrix.setPruned({{LayerIndex(2), HeadIndex(3)}});
  QTest::keyClick(&matrix, Qt::Key_Space);
  ASSERT_EQ(toggles.count(), 2);
  EXPECT_FALSE(toggles[1][2].toBool()) << "a pruned head is asked back";
}

TEST(HeadMatrix, GroupsOfUnitsAreAskedForAndStruckHalfWhenAPartGoes) {
  HeadMatrix matrix;
  show(matrix);
  HeadScores scores = headScores(4, 6);
  scores.column = QStringLiteral("group");
  matrix.setScores(scores);
  const HeadPosition place{LayerIndex(3), HeadIndex(1)};
  QSignalSpy toggles(&matrix, &HeadMatrix::headToggled), readouts(&matrix, &Chart::readoutChanged);
  QTest::mouseClick(&matrix, Qt::LeftButton, {}, matrix.cellRect(place.first, place.second).center().toPoint());
  ASSERT_EQ(toggles.count(), 1);
  EXPECT_TRUE(readouts.last()[0].toString().contains("layer 3, group 1"));
  const auto picture = [&] { return matrix.grab(matrix.cellRect(place.first, place.second).toRect()).toImage(); };
  const QImage whole = picture();
  matrix.setPruned({}, {place});
  const QImage partly = picture();
  EXPECT_NE(partly, whole);
  QTest::mouseMove(&matrix, matrix.cellRect(place.first, place.second).center().toPoint() + QPoint(1, 1));
  EXPECT_TRUE(readouts.last()[0].toString().contains("a part of it"));
  EXPECT_TRUE(matrix.figureCsv().startsWith("layer,column,score,pruned"));
  matrix.setPruned({place});
  EXPECT_NE(picture(), partly);
}

TEST(HeadMatrix, ARemovedHeadCannotBeToggled) {
  HeadMatrix matrix;
  show(matrix);
  matrix.setScores(headScores(4, 6));
  QSignalSpy toggles(&matrix, &HeadMatrix::headToggled), readouts(&matrix, &Chart::readoutChanged);
  QTest::mouseClick(&matrix, Qt::LeftButton, {}, matrix.cellRect(LayerIndex(1), HeadIndex(2)).center().toPoint());
  EXPECT_EQ(toggles.count(), 0);
  EXPECT_TRUE(readouts.last()[0].toString().contains(QStringLiteral("removed")));
}

TEST(HeadMatrix, KeysMoveAndStayInside) {
  HeadMatrix matrix;
  show(matrix);
  matrix.setScores(headScores(3, 3));
  matrix.setCurrent(LayerIndex(0), HeadIndex(0));
  QSignalSpy moves(&matrix, &HeadMatrix::headSelected);
  for (const Qt::Key key : {Qt::Key_Left, Qt::Key_Right, Qt::Key_Right, Qt::Key_Right, Qt::Key_Down})
    QTest::keyClick(&matrix, key);
  EXPECT_EQ(moves.last()[0].value<LayerIndex>(), LayerIndex(1));
  EXPECT_EQ(moves.last()[1].value<HeadIndex>(), HeadIndex(2));
}

TEST(HeadMatrix, HoverSaysTheExactScore) {
  HeadMatrix matrix;
  show(matrix);
  const HeadScores scores = headScores(4, 6);
  matrix.setScores(scores);
  QSignalSpy readouts(&matrix, &Chart::readoutChanged);
  QTest::mouseMove(&matrix, matrix.cellRect(LayerIndex(3), HeadIndex(5)).center().toPoint());
  const double score = scores.values.at({LayerIndex(3), HeadIndex(5)});
  EXPECT_TRUE(readouts.last()[0].toString().contains(formatExact(score)));
  // The CSV has a line for every head that exists.
  EXPECT_EQ(matrix.figureCsv().count('\n'), 1 + 23);
}

TEST(HeadMatrix, CompactOnlyActivates) {
  HeadMatrix matrix;
  matrix.setCompact(true);
  show(matrix, {160, 120});
  matrix.setScores(headScores(4, 6));
  QSignalSpy toggles(&matrix, &HeadMatrix::headToggled), activations(&matrix, &HeadMatrix::activated);
  QTest::mouseClick(&matrix, Qt::LeftButton, {}, {60, 60});
  EXPECT_EQ(toggles.count(), 0);
  EXPECT_EQ(activations.count(), 1);
}

TEST(AttentionOverview, ManyHeadsDoNotWidenTheWindow) {
  AttentionOverview overview;
  overview.setAttention(test::attention(2, 8, 4));
  const int eight = overview.minimumSizeHint().width();
  overview.setAttention(test::attention(24, 16, 4));
  EXPECT_EQ(overview.minimumSizeHint().width(), eight);
}

TEST(AttentionOverview, ClickAndKeysSelectHeads) {
  AttentionOverview overview;
  show(overview);
  auto data = std::make_shared<AttentionData>(*test::attention(4, 3, 12));
  data->heads = {{HeadIndex(0), HeadIndex(1), HeadIndex(3)}, {}, {}, {}};  // layer 0 has lost head 2
  data->headColumns = 4;
  overview.setAttention(data);
  QSignalSpy selections(&overview, &AttentionOverview::headSelected);
  QTest::mouseClick(&overview, Qt::LeftButton, {},
                    overview.thumbnailRect(LayerIndex(0), HeadIndex(2)).center().toPoint());
  EXPECT_EQ(selections.count(), 0) << "a removed head cannot be selected";
  QTest::mouseClick(&overview, Qt::LeftButton, {},
                    overview.thumbnailRect(LayerIndex(0), HeadIndex(1)).center().toPoint());
  ASSERT_EQ(selections.count(), 1);
  EXPECT_EQ(overview.selectedHead(), HeadIndex(1));
  QTest::keyClick(&overview, Qt::Key_Right);
  EXPECT_EQ(overview.selectedHead(), HeadIndex(3)) << "keys step over removed heads";
  QTest::keyClick(&overview, Qt::Key_Left);
  QTest::keyClick(&overview, Qt::Key_Down);
  EXPECT_EQ(overview.selectedLayer(), LayerIndex(1));
  QSignalSpy opened(&overview, &AttentionOverview::headOpened);
  QTest::keyClick(&overview, Qt::Key_Return);
  EXPECT_EQ(opened.count(), 1);
}

TEST(AttentionHeadView, HidesSpecialTokensAndExportsTheRest) {
  AttentionHeadView view;
  show(view);
  const AttentionPtr data = test::attention(2, 2, 8);
  view.setAttention(data);
  view.setHead(LayerIndex(1), HeadIndex(1));
  EXPECT_EQ(view.shownTokens().size(), 8u);
  view.setHideSpecial(true);
  EXPECT_EQ(view.shownTokens(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  const QStringList lines = view.figureCsv().split("\r\n", Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), 7);
  EXPECT_NEAR(lines[3].split(',')[2].toDouble(), data->weight(LayerIndex(1), 1, 3, 2), 1e-6);
}

TEST(AttentionHeadView, HoverNamesTheStrongestPartner) {
  AttentionHeadView view;
  show(view);
  view.setAttention(test::attention(2, 2, 8));
  view.setHead(LayerIndex(1), HeadIndex(1));  // looks one place back
  QSignalSpy readouts(&view, &Chart::readoutChanged), hovers(&view, &AttentionHeadView::tokenHovered);
  QTest::mouseMove(&view, view.tokenRect(3, true).center().toPoint());
  EXPECT_EQ(hovers.last()[0].toInt(), 3);
  EXPECT_TRUE(readouts.last()[0].toString().contains(QStringLiteral("“is” looks most at “film”")))
      << readouts.last()[0].toString().toStdString();
  view.setMode(AttentionHeadView::Mode::Matrix);
  EXPECT_FALSE(view.grab().isNull());
}

TEST(AttentionHeadView, FiveHundredTokensPaintWithoutStalling) {
  AttentionHeadView view;
  show(view, {700, 800});
  view.setAttention(test::attention(1, 1, 512));
  view.setHead(LayerIndex(0), HeadIndex(0));
  EXPECT_TRUE(view.findChild<QScrollBar*>()->isVisible());
  for (const auto mode : {AttentionHeadView::Mode::Lines, AttentionHeadView::Mode::Matrix}) {
    view.setMode(mode);
    view.grab();
    const double before = test::threadCpuMs();
    view.grab();
    EXPECT_LT(test::threadCpuMs() - before, 500);
  }
}

TEST(AttentionHeadView, SaysThatAHeadIsGone) {
  AttentionHeadView view;
  show(view);
  view.setAttention(test::attention(2, 2, 8));
  view.setHead(LayerIndex(0), HeadIndex(7));
  EXPECT_TRUE(view.isEmpty());
  EXPECT_FALSE(view.grab().isNull());
}

TEST(SaliencyRows, WrapsAsOneAndSaysTheScore) {
  SaliencyRows view;
  view.setTable(test::saliency());
  show(view, {420, view.heightForWidth(420)});
  // A word stands above itself in every row.
  for (int i = 0; i < 18; ++i) {
    EXPECT_EQ(view.cellRect(0, i).left(), view.cellRect(1, i).left());
    EXPECT_LT(view.cellRect(0, i).top(), view.cellRect(1, i).top());
    EXPECT_LE(view.cellRect(1, i).right(), 420);
    EXPECT_LE(view.cellRect(1, i).bottom(), view.height());
  }
  EXPECT_GT(view.cellRect(0, 17).top(), view.cellRect(1, 1).top()) << "it wrapped below both rows";
  QSignalSpy readouts(&view, &Chart::readoutChanged);
  QTest::mouseMove(&view, view.cellRect(0, 5).center().toPoint());
  EXPECT_TRUE(readouts.last()[0].toString().contains(QStringLiteral("0.62")));
  QTest::keyClick(&view, Qt::Key_Down);
  EXPECT_TRUE(readouts.last()[0].toString().contains(QStringLiteral("rollout")));
  view.setHideSpecial(true);
  EXPECT_TRUE(view.cellRect(0, 0).isNull());
  EXPECT_EQ(view.figureCsv().count('\n'), 19);
}

TEST(SaliencyRows, AddsThePiecesOfAWord) {
  const SaliencyTable words = asWords(test::saliency());
  ASSERT_EQ(words.tokens.size(), 16u);
  EXPECT_EQ(words.tokens[9].shown, QStringLiteral("unforgettable"));
  EXPECT_TRUE(words.tokens[9].known);
  EXPECT_DOUBLE_EQ(words.rows[0].scores[9], 0.3 + 0.55 + 0.2);
  EXPECT_DOUBLE_EQ(words.rows[0].scores[5], 0.62);
}

TEST(ConfusionView, ACellIsChosenAndLetGo) {
  ConfusionView view;
  view.setCounts({{80, 7}, {2, 60}}, {"negative", "positive"}, "before", "after");
  show(view, {320, 260});
  std::optional<std::pair<int, int>> chosen;
  int times = 0;
  QObject::connect(&view, &ConfusionView::cellChosen, [&](const std::optional<std::pair<int, int>>& cell) {
    chosen = cell;
    ++times;
  });
  QTest::mouseClick(&view, Qt::LeftButton, {}, view.cellRect(0, 1).center().toPoint());
  EXPECT_EQ(chosen, std::pair(0, 1));
  QTest::keyClick(&view, Qt::Key_Down);
  QTest::keyClick(&view, Qt::Key_Return);
  EXPECT_EQ(chosen, std::pair(1, 1));
  QTest::keyClick(&view, Qt::Key_Return);
  EXPECT_FALSE(chosen.has_value());
  EXPECT_EQ(times, 3);
  EXPECT_EQ(view.figureCsv(),
            QStringLiteral("before \\ after,negative,positive\r\nnegative,80,7\r\npositive,2,60\r\n"));
}

TEST(AnswersView, ShowsTheLabelsThatMatter) {
  AnswersView view;
  QStringList labels;
  std::vector<double> before(30, 0.01), after(30, 0.01);
  for (int i = 0; i < 30; ++i) labels << QString::number(i);
  before[12] = 0.7;
  after[25] = 0.6;
  view.setAnswers(labels, {before, {}}, {after, {}});
  ASSERT_EQ(view.shownLabels().size(), 8u);
  EXPECT_EQ(view.shownLabels()[0], 12);
  EXPECT_EQ(view.shownLabels()[1], 25);
  EXPECT_FALSE(view.grab().isNull());
  view.setAnswers({"no", "yes"}, {.probabilities = {0.25, 0.75}, .logits = {}}, {});
  EXPECT_EQ(view.figureCsv(),
            QStringLiteral("label,before,after,logit_before,logit_after\r\nno,0.25,,,\r\nyes,0.75,,,\r\n"));
}

TEST(ChannelView, SaysARowsRangeAndSorts) {
  ChannelView view;
  view.setRanges({{-1, -4, 0}, {2, 3, 0.5f}}, "output unit");
  show(view, {420, 240});
  QSignalSpy readouts(&view, &Chart::readoutChanged);
  qint64 chosen = -1;
  QObject::connect(&view, &ChannelView::channelChosen, [&](qint64 channel) { chosen = channel; });
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_TRUE(readouts.last()[0].toString().startsWith("output unit 0:"))
      << readouts.last()[0].toString().toStdString();
  view.setSorted(true);
  QTest::keyClick(&view, Qt::Key_Return);
  EXPECT_EQ(chosen, 1) << "the widest stands first";
  EXPECT_FALSE(view.grab().isNull());
}

TEST(HeatMapView, MovesWithAnotherMap) {
  HeatMapView first, second;
  for (HeatMapView* view : {&first, &second}) {
    view->setSource(test::randomWeight(200, 200));
    show(*view, {500, 400});
  }
  QObject::connect(&first, &HeatMapView::partShown, &second, &HeatMapView::showPart);
  first.zoomBy(4, first.rect().center());
  EXPECT_EQ(first.pixelsPerValue(), second.pixelsPerValue());
  EXPECT_EQ(first.cellRect(90, 90), second.cellRect(90, 90));
  first.fit();
  EXPECT_EQ(first.cellRect(90, 90), second.cellRect(90, 90));
}

TEST(TradeoffPlot, FindsTheFront) {
  const auto points = test::runs();
  std::vector<QString> names;
  for (const int i : paretoFront(points)) names.push_back(points[static_cast<size_t>(i)].id);
  EXPECT_EQ(names, (std::vector<QString>{"SVD + 8 bits", "prune + 8 bits", "8 bits", "MiniLM float32"}));
  EXPECT_TRUE(paretoFront({}).empty());
}

TEST(TradeoffPlot, ClickSelectsTheRunUnderThePointer) {
  TradeoffPlot plot;
  show(plot);
  plot.setPoints(test::runs());
  QSignalSpy selections(&plot, &TradeoffPlot::runSelected), readouts(&plot, &Chart::readoutChanged);
  for (const bool log : {false, true}) {
    plot.setLogX(log);
    for (const TradeoffPoint& run : plot.points()) {
      QTest::mouseClick(&plot, Qt::LeftButton, {}, plot.positionOf(run.id).toPoint());
      ASSERT_GE(selections.count(), 1);
      EXPECT_EQ(selections.last()[0].toString(), run.id);
      EXPECT_EQ(plot.selected(), run.id);
    }
  }
  QTest::mouseMove(&plot, plot.positionOf("8 bits").toPoint());
  EXPECT_TRUE(readouts.last()[0].toString().contains(formatInterval(0.909, 0.891, 0.926)));
  const int before = static_cast<int>(selections.count());
  QTest::mouseClick(&plot, Qt::LeftButton, {}, {plot.width() - 3, 3});
  EXPECT_EQ(selections.count(), before) << "nothing is there";
}

TEST(TradeoffPlot, NamesTheFamiliesUnlessThePlotBesideDoes) {
  TradeoffPlot plot;
  show(plot);
  plot.setPoints(test::runs());
  const QPointF before = plot.positionOf("8 bits");
  const QImage named = plot.grab().toImage(), saved = renderImage(plot);
  plot.setNamesBeside(true);
  EXPECT_NE(plot.grab().toImage(), named);
  EXPECT_EQ(plot.positionOf("8 bits"), before) << "two plots in a row stand at one height";
  EXPECT_EQ(renderImage(plot), saved) << "a saved picture stands alone";
}

TEST(TradeoffPlot, KeysWalkTheRunsByCost) {
  TradeoffPlot plot;
  show(plot);
  plot.setPoints(test::runs());
  plot.setSelected("8 bits");
  QTest::keyClick(&plot, Qt::Key_Right);
  EXPECT_EQ(plot.selected(), QStringLiteral("SVD rank 64"));
  plot.setSelected("no such run");
  EXPECT_TRUE(plot.selected().isEmpty());
}

TEST(TradeoffPlot, ManyRunsDoNotStall) {
  TradeoffPlot plot;
  show(plot);
  Rng rng(2);
  std::vector<TradeoffPoint> points;
  for (int i = 0; i < 100000; ++i) {
    const double x = 1 + rng.uniform() * 99, y = 0.5 + 0.4 * rng.uniform();
    points.push_back({QString::number(i), QString::number(i), "prune", x, x, x, y, y, y, false});
  }
  plot.setPoints(std::move(points));
  const double before = test::threadCpuMs();
  plot.grab();
  EXPECT_LT(test::threadCpuMs() - before, 1000);
}

TEST(HistogramView, HoverCountsAndLogSwitches) {
  HistogramView view;
  show(view, {500, 240});
  Histogram histogram{.low = -1, .high = 1, .counts = {1, 10, 100, 5}, .below = 0, .above = 2, .non_finite = 0};
  view.setHistogram(histogram, {});
  QSignalSpy readouts(&view, &Chart::readoutChanged), logs(&view, &HistogramView::logCountsChanged);
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_TRUE(readouts.last()[0].toString().endsWith(QStringLiteral("100 values")));
  QTest::keyClick(&view, Qt::Key_L);
  EXPECT_TRUE(view.logCounts());
  EXPECT_EQ(logs.count(), 1);
  view.setQuantizationLevels({-0.5, 0, 0.5});
  EXPECT_FALSE(view.grab().isNull());
  EXPECT_EQ(view.figureCsv().split("\r\n")[3], QStringLiteral("0,0.5,100"));
}

TEST(SpectrumView, ARankIsChosenByPointerAndKeys) {
  SpectrumView view;
  show(view, {400, 240});
  Spectrum spectrum;
  for (int i = 0; i < 100; ++i) spectrum.values.push_back(100 - i);
  view.setSpectrum(spectrum, 200, 100, 80000);
  QSignalSpy ranks(&view, &SpectrumView::rankChosen);
  QTest::mouseClick(&view, Qt::LeftButton, {}, {200, 100});
  ASSERT_EQ(ranks.count(), 1);
  const int64_t rank = view.rank();
  EXPECT_GT(rank, 20);
  EXPECT_LT(rank, 80);
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_EQ(view.rank(), rank + 1);
}

TEST(LossCurve, KeepsTheOrderOfSteps) {
  LossCurve curve;
  show(curve, {400, 200});
  EXPECT_TRUE(curve.isEmpty());
  curve.addPoint("loss", 1, 0.7);
  curve.addPoint("loss", 3, 0.5);
  curve.addPoint("loss", 2, 9);             // late
  curve.addPoint("loss", 4, std::nan(""));  // broken
  curve.addPoint("dev", 3, 0.6);
  EXPECT_EQ(curve.pointCount("loss"), 2);
  EXPECT_EQ(curve.figureCsv(), QStringLiteral("series,step,loss\r\nloss,1,0.7\r\nloss,3,0.5\r\ndev,3,0.6\r\n"));
  EXPECT_FALSE(curve.grab().isNull());
}

}  // namespace
}  // namespace espalier
