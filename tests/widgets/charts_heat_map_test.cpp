#include <gtest/gtest.h>

#include <QSignalSpy>
#include <QWheelEvent>

#include "tests/widgets/charts_fixtures.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/charts/tile_store.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

std::unique_ptr<HeatMapView> shown(const WeightPtr& weight, const MatrixLabels& labels = {}, QSize size = {800, 600}) {
  auto view = std::make_unique<HeatMapView>();
  view->resize(size);
  view->setSource(weight, labels);
  view->show();
  return view;
}

void settle(HeatMapView& view) {
  ASSERT_TRUE(QTest::qWaitFor([&] { return view.summary() != nullptr && view.isSettled(); }, 20000));
}

double valueOf(const WeightPtr& weight, int64_t row, int64_t column) {
  const Shape shape = shape_of(*weight);
  return weight->as<Dense>()->values.value_at(row * shape[1] + column);
}

TEST(HeatMapView, SaysTheValueUnderThePointer) {
  const WeightPtr weight = test::randomWeight(40, 30);
  MatrixLabels labels;
  labels.rowAxis = QStringLiteral("token");
  labels.row = [](int64_t row) { return QStringLiteral("word%1").arg(row); };
  const auto view = shown(weight, labels);
  settle(*view);
  QSignalSpy values(view.get(), &HeatMapView::valueHovered), readouts(view.get(), &Chart::readoutChanged);
  for (const auto& [row, column] : std::vector<std::pair<int, int>>{{0, 0}, {7, 21}, {39, 29}}) {
    const QPoint center = view->cellRect(row, column).center().toPoint();
    QTest::mouseMove(view.get(), center);
    ASSERT_GE(values.count(), 1);
    const QList<QVariant> last = values.takeLast();
    EXPECT_EQ(last[0].toLongLong(), row);
    EXPECT_EQ(last[1].toLongLong(), column);
    EXPECT_EQ(last[2].toDouble(), valueOf(weight, row, column));
    EXPECT_EQ(last[3].toString(), QStringLiteral("word%1").arg(row));
    EXPECT_TRUE(readouts.takeLast()[0].toString().contains(formatExact(valueOf(weight, row, column))));
  }
}

TEST(HeatMapView, WheelKeepsTheValueUnderThePointer) {
  const auto view = shown(test::randomWeight(3000, 100));
  settle(*view);
  const QPointF anchor(view->cellRect(1800, 60).center());
  const auto before = view->cellAt(anchor);
  ASSERT_TRUE(before);
  const QPointF zoomBefore = view->pixelsPerValue();
  for (int notch = 0; notch < 30; ++notch) {
    QWheelEvent event(anchor, view->mapToGlobal(anchor), {}, {0, 120}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase,
                      false);
    QApplication::sendEvent(view.get(), &event);
    const auto held = view->cellAt(anchor);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->column, before->column);
    EXPECT_NEAR(static_cast<double>(held->row), static_cast<double>(before->row), 1);
  }
  EXPECT_GT(view->pixelsPerValue().y(), zoomBefore.y() * 20);
  // Near, cells are square.
  EXPECT_DOUBLE_EQ(view->pixelsPerValue().x(), view->pixelsPerValue().y());
}

TEST(HeatMapView, KeysZoomAndFit) {
  const auto view = shown(test::randomWeight(200, 200));
  settle(*view);
  const QPointF fit = view->pixelsPerValue();
  QTest::keyClick(view.get(), Qt::Key_Up, Qt::ShiftModifier);
  EXPECT_GT(view->pixelsPerValue().x(), fit.x());
  QTest::keyClick(view.get(), Qt::Key_Up, Qt::ShiftModifier);
  QTest::keyClick(view.get(), Qt::Key_Down, Qt::ShiftModifier);
  QTest::keyClick(view.get(), Qt::Key_Backspace, Qt::ShiftModifier);
  EXPECT_EQ(view->pixelsPerValue(), fit);
  // Zooming out stops at the whole matrix.
  view->zoomBy(1e-6, {300, 300});
  EXPECT_EQ(view->pixelsPerValue(), fit);
}

TEST(HeatMapView, DragMovesTheMatrixWithThePointer) {
  const auto view = shown(test::randomWeight(500, 500));
  settle(*view);
  view->zoomBy(16, view->cellRect(250, 250).center());
  const QPoint from = view->cellRect(250, 250).center().toPoint();
  const auto held = view->cellAt(from);
  QTest::mousePress(view.get(), Qt::LeftButton, {}, from);
  QTest::mouseMove(view.get(), from + QPoint(60, -45));
  EXPECT_EQ(view->cellAt(from + QPoint(60, -45)), held);
  QSignalSpy clicks(view.get(), &HeatMapView::cellClicked);
  QTest::mouseRelease(view.get(), Qt::LeftButton, {}, from + QPoint(60, -45));
  EXPECT_EQ(clicks.count(), 0) << "a drag is no click";
  QTest::mouseClick(view.get(), Qt::LeftButton, {}, from);
  EXPECT_EQ(clicks.count(), 1);
}

TEST(HeatMapView, CellsAreCrisp) {
  // A checkerboard seen large: a pixel inside a cell has exactly its colour, beside the border too.
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) values.push_back((i / 8 + i % 8) % 2 ? 1.f : -1.f);
  const auto view = shown(share(Dense{Tensor::from({8, 8}, values)}));
  settle(*view);
  view->setClip(1);
  const QImage image = view->grab().toImage();
  const auto pixel = [&](double x, double y) {
    const double ratio = image.devicePixelRatio();
    return image.pixel(static_cast<int>(x * ratio), static_cast<int>(y * ratio));
  };
  const ColorMap map(ColorMapKind::Diverging, Theme::instance().isDark());
  const QRectF a = view->cellRect(2, 2), b = view->cellRect(2, 3);
  for (const double x : {a.left() + 2, a.right() - 2}) {
    EXPECT_EQ(pixel(x, a.top() + 3), map.at(0) | 0xFF000000);
  }
  for (const double x : {b.left() + 2, b.right() - 2}) {
    EXPECT_EQ(pixel(x, b.top() + 3), map.at(1) | 0xFF000000);
  }
}

TEST(HeatMapView, LargeMatrixNeverBlocksTheWindow) {
  const WeightPtr weight = test::randomWeight(30522, 96, 3);
  const double before = test::threadCpuMs();
  const auto view = shown(weight);
  QApplication::processEvents();
  EXPECT_LT(test::threadCpuMs() - before, 500) << "the window's own thread does not read the matrix";
  settle(*view);
  const MatrixSummary* summary = view->summary();
  EXPECT_EQ(summary->statistics.count, 30522 * 96);
  EXPECT_EQ(summary->row_norms.size(), 30522u);
  // Replacing and clearing while workers run is safe.
  for (int i = 0; i < 5; ++i) view->setSource(weight);
  view->clear();
  QApplication::processEvents();
  EXPECT_TRUE(view->isEmpty());
}

TEST(HeatMapView, ClippingNarrowsTheColours) {
  std::vector<float> values(10000, 0.01f);
  values[5] = 9;
  const auto view = shown(share(Dense{Tensor::from({100, 100}, values)}));
  settle(*view);
  const auto* bar = view->findChild<ColorBar*>();
  ASSERT_NE(bar, nullptr);
  view->setClip(1);
  EXPECT_EQ(bar->scale().high, 9);
  EXPECT_EQ(bar->scale().low, -9);
  EXPECT_FALSE(bar->scale().clipsHigh());
  view->setClip(0.99);
  EXPECT_FLOAT_EQ(static_cast<float>(bar->scale().high), 0.01f);
  EXPECT_TRUE(bar->scale().clipsHigh());
  view->setColorMap(ColorMapKind::Cividis);
  EXPECT_EQ(bar->scale().low, 0);
}

TEST(HeatMapView, ExportsWhatIsSeen) {
  const WeightPtr weight = test::randomWeight(3, 4);
  MatrixLabels labels;
  labels.name = QStringLiteral("encoder.0.ffn");
  const auto view = shown(weight, labels);
  settle(*view);
  const QStringList lines = view->figureCsv().split("\r\n", Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), 4);
  EXPECT_EQ(lines[0], QStringLiteral("row,0,1,2,3"));
  const QStringList fields = lines[3].split(',');
  EXPECT_EQ(fields[0], QStringLiteral("2"));
  EXPECT_EQ(static_cast<float>(fields[2].toDouble()), static_cast<float>(valueOf(weight, 2, 1)));
  view->setConditions(QStringLiteral("MiniLM, seed 1"));
  const QByteArray svg = renderSvg(*view);
  EXPECT_TRUE(svg.contains("MiniLM, seed 1"));
  EXPECT_TRUE(svg.contains("encoder.0.ffn"));
  EXPECT_TRUE(svg.contains("[3, 4]"));
}

TEST(HeatMapView, ShowsVectorsCodesAndFactors) {
  for (const WeightPtr& weight :
       {share(Dense{Tensor::from<float>({384}, std::vector<float>(384, 0.5f))}),
        share(quantize_symmetric(test::randomWeight(64, 48)->as<Dense>()->values, 4, true, ActivationRange::Float)),
        share(LowRank{test::randomWeight(50, 4), test::randomWeight(4, 60)})}) {
    const auto view = shown(weight);
    settle(*view);
    EXPECT_FALSE(view->grab().isNull());
  }
}

}  // namespace
}  // namespace espalier
