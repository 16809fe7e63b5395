// Pictures: every chart, empty and full, on screen in both themes and as PNG, SVG and CSV.
#include <gtest/gtest.h>

#include <QAction>
#include <QClipboard>
#include <QDir>
#include <QMimeData>
#include <QSvgRenderer>

#include "inspect/spectrum.h"
#include "tests/support/support.h"
#include "tests/widgets/charts_fixtures.h"
#include "widgets/charts/answers_view.h"
#include "widgets/charts/attention_head_view.h"
#include "widgets/charts/attention_overview.h"
#include "widgets/charts/channel_view.h"
#include "widgets/charts/confusion_view.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/charts/histogram_view.h"
#include "widgets/charts/layer_ranges.h"
#include "widgets/charts/loss_curve.h"
#include "widgets/charts/pair_matrix.h"
#include "widgets/charts/spectrum_view.h"

namespace espalier {
namespace {

struct Sample {
  const char* name;
  std::unique_ptr<Chart> chart;
};

template <typename T>
std::unique_ptr<T> sized(int width, int height) {
  auto chart = std::make_unique<T>();
  chart->resize(width, height);
  return chart;
}

std::vector<Sample> emptyCharts() {
  std::vector<Sample> charts;
  charts.push_back({"heat-map-empty", sized<HeatMapView>(900, 600)});
  charts.push_back({"histogram-empty", sized<HistogramView>(560, 220)});
  charts.push_back({"spectrum-empty", sized<SpectrumView>(360, 220)});
  charts.push_back({"overview-empty", sized<AttentionOverview>(520, 520)});
  charts.push_back({"head-empty", sized<AttentionHeadView>(560, 420)});
  charts.push_back({"heads-empty", sized<HeadMatrix>(760, 460)});
  charts.push_back({"saliency-empty", sized<SaliencyRows>(700, 260)});
  charts.push_back({"channels-empty", sized<ChannelView>(360, 220)});
  charts.push_back({"answers-empty", sized<AnswersView>(560, 120)});
  charts.push_back({"confusion-empty", sized<ConfusionView>(300, 260)});
  charts.push_back({"trade-off-empty", sized<TradeoffPlot>(620, 440)});
  charts.push_back({"loss-empty", sized<LossCurve>(360, 140)});
  charts.push_back({"ranges-empty", sized<LayerRanges>(480, 260)});
  charts.push_back({"pairs-empty", sized<PairMatrix>(360, 260)});
  return charts;
}

// Random rows with two outlier columns, heads of different strength.
WeightPtr structured(int64_t rows, int64_t cols, int64_t head) {
  Rng rng(4);
  std::vector<float> values;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      const double scale = (0.03 + 0.02 * static_cast<double>((r / head) % 4)) * (c == 77 || c == 210 ? 4 : 1);
      values.push_back(static_cast<float>(rng.normal() * scale));
    }
  }
  return share(Dense{Tensor::from({rows, cols}, std::move(values))});
}

std::vector<Sample> heatMaps(bool onlyFirst = false) {
  std::vector<Sample> charts;
  const auto heat = [&](const char* name, const WeightPtr& weight, const MatrixLabels& labels) {
    auto view = sized<HeatMapView>(900, 600);
    view->setSource(weight, labels);
    view->show();
    EXPECT_TRUE(QTest::qWaitFor([&] { return view->summary() != nullptr && view->isSettled(); }, 20000));
    HeatMapView* raw = view.get();
    charts.push_back({name, std::move(view)});
    return raw;
  };
  MatrixLabels query;
  query.name = QStringLiteral("encoder.3.attention.q_proj.weight");
  query.rowAxis = QStringLiteral("output unit");
  query.columnAxis = QStringLiteral("input unit");
  for (int64_t row = 0; row < 384; row += 32) query.rowBoundaries.push_back(row);
  heat("heat-map", structured(384, 384, 32), query);
  if (onlyFirst) return charts;
  MatrixLabels words;
  words.name = QStringLiteral("embeddings.word.weight");
  words.rowAxis = QStringLiteral("token");
  words.columnAxis = QStringLiteral("unit");
  words.row = [](int64_t row) { return QStringLiteral("word%1").arg(row); };
  const WeightPtr embeddings = structured(9000, 256, 500);
  heat("heat-map-tall", embeddings, words);
  HeatMapView* near = heat("heat-map-near", embeddings, words);
  near->zoomBy(1e4, QPointF(300, 300));
  near->showCell(1207, 78);
  EXPECT_TRUE(QTest::qWaitFor([&] { return near->isSettled(); }, 20000));
  heat("heat-map-bias", structured(1, 384, 1),
       {.name = QStringLiteral("bias"),
        .rowAxis = {},
        .columnAxis = {},
        .row = {},
        .column = {},
        .rowBoundaries = {},
        .columnBoundaries = {}});
  HeatMapView* magnitudes = heat("heat-map-magnitudes", structured(384, 384, 32), query);
  magnitudes->setColorMap(ColorMapKind::Cividis);

  return charts;
}

// One of every kind.
std::vector<Sample> fullCharts() {
  std::vector<Sample> charts;
  charts.push_back(std::move(heatMaps(true).front()));
  const Matrix matrix(structured(384, 384, 32));
  const MatrixSummary summary = summarize(matrix);
  auto counts = sized<HistogramView>(560, 220);
  counts->setHistogram(histogram(matrix, summary.statistics.min, summary.statistics.max, 120), summary.statistics);
  charts.push_back({"histogram", std::move(counts)});
  auto logCounts = sized<HistogramView>(560, 220);
  logCounts->setHistogram(histogram(matrix, -0.3, 0.3, 120), summary.statistics);
  logCounts->setLogCounts(true);
  std::vector<double> levels;
  for (int code = -7; code <= 7; ++code) levels.push_back(code * 0.04);
  logCounts->setQuantizationLevels(levels);
  charts.push_back({"histogram-log", std::move(logCounts)});
  auto spectrum = sized<SpectrumView>(360, 220);
  spectrum->setSpectrum(singular_spectrum(matrix), 384, 384, 384 * 384 * 4);
  spectrum->setRank(128);
  charts.push_back({"spectrum", std::move(spectrum)});

  auto overview = sized<AttentionOverview>(520, 520);
  overview->setAttention(test::attention(6, 12, 16));
  overview->setSelection(LayerIndex(2), HeadIndex(3));
  charts.push_back({"overview", std::move(overview)});
  for (const auto& [name, mode] :
       {std::pair("head", AttentionHeadView::Mode::Lines), std::pair("head-matrix", AttentionHeadView::Mode::Matrix)}) {
    auto head = sized<AttentionHeadView>(560, 440);
    head->setAttention(test::attention(6, 12, 14));
    head->setHead(LayerIndex(1), HeadIndex(1));
    head->setMode(mode);
    charts.push_back({name, std::move(head)});
  }
  auto hovered = sized<AttentionHeadView>(560, 440);
  hovered->setAttention(test::attention(6, 12, 14));
  hovered->setHead(LayerIndex(1), HeadIndex(1));
  QTest::mouseClick(hovered.get(), Qt::LeftButton, {}, hovered->tokenRect(4, true).center().toPoint());
  charts.push_back({"head-kept", std::move(hovered)});
  auto heads = sized<HeadMatrix>(760, 460);
  heads->setScores(test::headScores(6, 12));
  heads->setPruned({{LayerIndex(0), HeadIndex(4)}, {LayerIndex(3), HeadIndex(1)}, {LayerIndex(3), HeadIndex(2)}});
  heads->setCurrent(LayerIndex(3), HeadIndex(2));
  charts.push_back({"heads", std::move(heads)});
  auto compact = sized<HeadMatrix>(180, 120);
  compact->setScores(test::headScores(6, 12));
  compact->setPruned({{LayerIndex(0), HeadIndex(4)}});
  compact->setCompact(true);
  charts.push_back({"heads-compact", std::move(compact)});
  auto saliency = sized<SaliencyRows>(700, 260);
  saliency->setTable(test::saliency());
  charts.push_back({"saliency", std::move(saliency)});
  auto channels = sized<ChannelView>(360, 220);
  channels->setRanges(channel_ranges(matrix, ChannelAxis::Columns), "input unit");
  charts.push_back({"channels", std::move(channels)});
  auto answers = sized<AnswersView>(560, 120);
  answers->setAnswers({"negative", "positive"}, {.probabilities = {0.12, 0.88}, .logits = {-1.02, 0.97}},
                      {.probabilities = {0.63, 0.37}, .logits = {0.31, -0.22}});
  charts.push_back({"answers", std::move(answers)});
  auto confusion = sized<ConfusionView>(300, 260);
  confusion->setCounts({{428, 12}, {9, 423}}, {"negative", "positive"}, "before", "after");
  confusion->setChosen(std::pair(0, 1));
  charts.push_back({"confusion", std::move(confusion)});
  auto plot = sized<TradeoffPlot>(620, 440);
  plot->setPoints(test::runs());
  plot->setSelected("prune + 8 bits");
  charts.push_back({"trade-off", std::move(plot)});
  auto logPlot = sized<TradeoffPlot>(420, 320);
  logPlot->setAxes({.xName = "latency", .xUnit = "ms", .yName = "accuracy", .yUnit = {}, .xLog = true});
  logPlot->setPoints(test::runs());
  charts.push_back({"trade-off-log", std::move(logPlot)});
  auto curve = sized<LossCurve>(360, 140);
  Rng rng(3);
  for (int i = 1; i < 400; ++i) curve->addPoint("loss", i, 0.7 * std::exp(-i / 120.0) + 0.08 + 0.02 * rng.normal());
  charts.push_back({"loss", std::move(curve)});
  LayerRangeSeries before{.name = "open model", .layers = {}}, after{.name = "heads + q8", .layers = {}};
  PairValues likeness;
  likeness.quantity = "linear CKA";
  likeness.rowAxis = "layer";
  likeness.columnAxis = "layer";
  QStringList places;
  for (int i = 0; i < 7; ++i) {
    places << (i == 0 ? QStringLiteral("emb") : QString::number(i - 1));
    const double most = 4 + 2 * i;
    before.layers.push_back({.min = -most, .max = most / 2, .mean = 0.1, .std = 0.8, .p99 = 2, .p999 = 3});
    after.layers.push_back({.min = -most / 2, .max = most / 3, .mean = 0, .std = 0.6, .p99 = 1.5, .p999 = 2.5});
    likeness.values.emplace_back();
    for (int j = 0; j < 7; ++j) likeness.values.back().push_back(std::exp(-std::abs(i - j) / 4.0));
  }
  likeness.rows = likeness.columns = places;
  auto ranges = sized<LayerRanges>(480, 260);
  ranges->setSeries({before, after}, places);
  ranges->setCurrent(3);
  charts.push_back({"ranges", std::move(ranges)});
  auto pairs = sized<PairMatrix>(400, 260);
  pairs->setValues(likeness);
  pairs->setCurrentRow(3);
  charts.push_back({"pairs", std::move(pairs)});
  auto agreement = sized<PairMatrix>(400, 200);
  agreement->setValues({.quantity = "tau-b",
                        .rowAxis = {},
                        .columnAxis = {},
                        .rows = {"Michel gradient", "ablation", "random"},
                        .columns = {"Michel gradient", "ablation", "random"},
                        .values = {{1, 0.62, -0.1}, {0.62, 1, 0.05}, {-0.1, 0.05, std::nan("")}},
                        .low = -1,
                        .high = 1});
  charts.push_back({"agreement", std::move(agreement)});
  return charts;
}

int colorsIn(const QImage& image) {
  QSet<QRgb> colors;
  for (int y = 0; y < image.height(); y += 2) {
    for (int x = 0; x < image.width(); x += 2) colors.insert(image.pixel(x, y));
  }
  return static_cast<int>(colors.size());
}

// With $ESPALIER_PICTURES set, leaves every picture in that folder for eyes.
void keep(const QImage& image, const QString& name) {
  const QString folder = qEnvironmentVariable("ESPALIER_PICTURES");
  if (!folder.isEmpty() && QDir().mkpath(folder)) image.save(folder + '/' + name + ".png");
}

TEST(Figures, EveryChartPaintsInBothThemesAtAnyTextSize) {
  Theme::instance().install(*qApp);
  for (auto charts : {+[] { return heatMaps(); }, &fullCharts, &emptyCharts}) {
    for (const Sample& sample : (*charts)()) {
      SCOPED_TRACE(sample.name);
      sample.chart->show();
      for (const ThemeMode mode : {ThemeMode::Light, ThemeMode::Dark}) {
        Theme::instance().setMode(mode);
        const QImage image = sample.chart->grab().toImage();
        EXPECT_GT(colorsIn(image), 5);
        EXPECT_EQ(QColor(image.pixel(image.width() - 3, image.height() - 3)), Theme::instance().colors().surface);
        keep(image, QStringLiteral("%1-%2").arg(sample.name, mode == ThemeMode::Dark ? "dark" : "light"));
      }
      Theme::instance().setMode(ThemeMode::Light);
      Theme::instance().setTextScale(2);
      keep(sample.chart->grab().toImage(), QStringLiteral("%1-large").arg(sample.name));
      Theme::instance().setTextScale(1);
      EXPECT_FALSE(sample.chart->accessibleName().isEmpty());
      EXPECT_EQ(sample.chart->focusPolicy(), Qt::StrongFocus);
    }
  }
}

TEST(Figures, EveryChartSavesAsPictureDrawingAndData) {
  const test::TempDir folder;
  for (const Sample& sample : fullCharts()) {
    SCOPED_TRACE(sample.name);
    Chart& chart = *sample.chart;
    chart.setTitle(QStringLiteral("A title of its own"));
    chart.setConditions(QStringLiteral("SST-2 dev, seed 1, 2 threads"));
    const QString base = QString::fromStdString((folder.path() / sample.name).string());
    ASSERT_TRUE(chart.figureActions().savePng(base + ".png"));
    ASSERT_TRUE(chart.figureActions().saveSvg(base + ".svg"));
    ASSERT_TRUE(chart.figureActions().savePdf(base + ".pdf"));
    ASSERT_TRUE(chart.figureActions().saveCsv(base + ".csv"));

    const QImage png(base + ".png");
    EXPECT_GE(png.width(), 2 * chart.figureSize().width()) << "twice the size";
    EXPECT_GT(colorsIn(png), 5);
    EXPECT_EQ(png.text("Title"), QStringLiteral("A title of its own"));
    keep(png, QStringLiteral("%1-export").arg(sample.name));

    QFile svg(base + ".svg");
    ASSERT_TRUE(svg.open(QIODevice::ReadOnly));
    const QByteArray drawing = svg.readAll();
    EXPECT_TRUE(QSvgRenderer(drawing).isValid());
    EXPECT_TRUE(drawing.contains("A title of its own"));
    EXPECT_TRUE(drawing.contains("SST-2 dev, seed 1, 2 threads"));

    QFile pdf(base + ".pdf");
    ASSERT_TRUE(pdf.open(QIODevice::ReadOnly));
    const QByteArray page = pdf.readAll();
    EXPECT_TRUE(page.startsWith("%PDF"));
    EXPECT_TRUE(page.contains("/Font")) << "text stays text";
    EXPECT_EQ(page.count("/Type /Page\n"), 1);

    QFile csv(base + ".csv");
    ASSERT_TRUE(csv.open(QIODevice::ReadOnly));
    const QList<QByteArray> lines = csv.readAll().split('\n');
    ASSERT_GE(lines.size(), 3);
    if (!chart.isEmpty() && !lines[0].contains(" \\ ")) {
      EXPECT_EQ(lines[0].count(','), lines[1].count(','));
    }
  }
}

TEST(Figures, SayWhyTheyCannotBeSaved) {
  LossCurve curve;
  curve.addPoint("loss", 1, 1);
  QString error;
  EXPECT_FALSE(curve.figureActions().savePng("/no/such/folder/x.png", &error));
  EXPECT_TRUE(error.contains("/no/such/folder/x.png"));
}

TEST(Figures, CopyPutsPictureAndDataOnTheClipboard) {
  LossCurve curve;
  curve.addPoint("loss", 1, 1);
  curve.addPoint("loss", 2, 0.5);
  curve.figureActions().copyPicture();
  EXPECT_TRUE(QApplication::clipboard()->mimeData()->hasImage());
  curve.figureActions().copyData();
  EXPECT_TRUE(QApplication::clipboard()->text().startsWith(QStringLiteral("series,step,loss")));
}

TEST(Figures, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(csvLine({"a", "b,c", "say \"hi\""}), QStringLiteral("a,\"b,c\",\"say \"\"hi\"\"\"\r\n"));
}

TEST(Figures, ShortcutsAreThere) {
  LossCurve curve;
  QList<QKeySequence> keys;
  for (const QAction* action : curve.actions()) {
    keys << action->shortcut();
    EXPECT_TRUE(action->toolTip().endsWith('.')) << "tooltips are sentences";
  }
  EXPECT_TRUE(keys.contains(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_E)));
  EXPECT_TRUE(keys.contains(QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_E)));
}

}  // namespace
}  // namespace espalier
