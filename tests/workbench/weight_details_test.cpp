#include "app/workbench/pages/weight_details.h"

#include <gtest/gtest.h>

#include <QPushButton>
#include <QTabWidget>

#include "tests/widgets/small_model.h"
#include "widgets/charts/spectrum_view.h"

namespace espalier {
namespace {

using test::waitFor;

WeightPtr matrix(int64_t rows, int64_t columns) {
  std::vector<float> values(static_cast<size_t>(rows * columns));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7) - 3;
  return share(Dense{Tensor::from({rows, columns}, std::move(values))});
}

TEST(WeightDetails, TakesTheSpectrumOfALargeMatrixOnlyWhenAsked) {
  WeightDetails details;
  details.show();
  details.setWeight(matrix(3000, 3000), {});
  auto* take = details.tabs()->widget(0)->findChild<QPushButton*>();
  ASSERT_NE(take, nullptr);
  EXPECT_TRUE(take->isVisible());
  EXPECT_TRUE(details.spectrumView()->isEmpty());
  const QString offer = take->text();
  take->click();
  EXPECT_NE(take->text(), offer) << "it can be cancelled";
  take->click();
  EXPECT_EQ(take->text(), offer);
  EXPECT_TRUE(take->isVisible());

  details.setWeight(matrix(30, 20), {});
  ASSERT_TRUE(waitFor([&] { return !details.spectrumView()->isEmpty(); }));
  EXPECT_FALSE(take->isVisible());
}

}  // namespace
}  // namespace espalier
