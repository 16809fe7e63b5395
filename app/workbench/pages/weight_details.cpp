#include "app/workbench/pages/weight_details.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSplitter>
#include <QTabBar>
#include <QTabWidget>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <cmath>

#include "inspect/comparison.h"
#include "widgets/charts/channel_view.h"
#include "widgets/charts/histogram_view.h"
#include "widgets/charts/spectrum_view.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr int kBins = 201;
constexpr int kOutliers = 32;
// A spectrum costs rows x columns x the smaller side: beyond this it would take more than a few seconds.
constexpr double kSpectrumCost = 2e10;
// What the grid shows beside widths in bits.
constexpr int kStored = 0, kNoGrid = -1;

struct Grid {
  std::vector<double> levels;
  QString about;
};

std::vector<double> levelsOf(int bits, double scale) {
  std::vector<double> levels;
  const int largest = (1 << (bits - 1)) - 1;
  for (int code = -largest; code <= largest; ++code) levels.push_back(code * scale);
  return levels;
}

// The levels that a stored quantized weight can say; of one row where each has a scale of its own.
Grid storedGrid(const Weight& weight, int64_t row) {
  const auto* quantized = weight.as<Quantized>();
  if (!quantized) return {};
  const int64_t scales = quantized->scales.numel();
  const int64_t at = scales == 1 ? 0 : std::clamp<int64_t>(row, 0, scales - 1);
  Grid grid{levelsOf(quantized->bits, quantized->scales.value_at(at)), {}};
  const auto count = static_cast<qlonglong>(grid.levels.size());
  grid.about = scales == 1 ? WeightDetails::tr("%1 stored levels").arg(count)
                           : WeightDetails::tr("%1 stored levels of row %2").arg(count).arg(at);
  return grid;
}

double relativeError(const Matrix& matrix, const Weight& coded, double norm, const CancelToken& cancel) {
  const Matrix decoded(share(coded));
  return summarize(Matrix(difference(matrix, decoded, cancel)), cancel).statistics.l2_norm / norm;
}

// Round to nearest at so many bits: the grid of one scale for all values, and what a scale a row would gain.
Grid roundedGrid(const WeightPtr& weight, int bits, double norm, const CancelToken& cancel) {
  const Tensor values = materialize(*weight);
  const Weight coded = quantize_symmetric(values, bits, false, ActivationRange::Float);
  Grid grid{levelsOf(bits, coded.as<Quantized>()->scales.value_at(0)), {}};
  cancel.throw_if_cancelled();
  const Matrix matrix(weight);
  grid.about = WeightDetails::tr("%1 levels").arg(grid.levels.size());
  if (norm <= 0) return grid;
  grid.about += WeightDetails::tr(", error %1").arg(formatNumber(relativeError(matrix, coded, norm, cancel)));
  if (matrix.rows() > 1) {
    const Weight byRow = quantize_symmetric(values, bits, true, ActivationRange::Float);
    grid.about += WeightDetails::tr(" (%1 by row)").arg(formatNumber(relativeError(matrix, byRow, norm, cancel)));
  }
  return grid;
}

}  // namespace

WeightDetails::WeightDetails(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* splitter = new QSplitter(Qt::Horizontal, this);
  splitter->setChildrenCollapsible(false);
  layout->addWidget(splitter);

  auto* left = new QWidget(splitter);
  auto* column = new QVBoxLayout(left);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* header = new QHBoxLayout;
  header->setSpacing(kGrid);
  auto* label = new QLabel(tr("Quantization grid"), left);
  m_grid = new QComboBox(left);
  m_grid->setAccessibleName(tr("Quantization grid"));
  m_grid->setToolTip(tr("Draws the values that a quantizer can say, and tells the error of rounding to them."));
  m_grid->addItem(tr("as stored"), kStored);
  for (const int bits : {8, 6, 4, 3, 2}) m_grid->addItem(tr("%1 bits").arg(bits), bits);
  m_grid->addItem(tr("none"), kNoGrid);
  label->setBuddy(m_grid);
  header->addWidget(label);
  header->addWidget(m_grid);
  header->addStretch();
  column->addLayout(header);
  m_histogram = new HistogramView(left);
  m_histogram->setTitle(tr("Distribution of values"));
  m_histogram->setEmptyText(tr("The distribution appears once the weight has been read."));
  column->addWidget(m_histogram, 1);
  splitter->addWidget(left);

  m_tabs = new QTabWidget(splitter);
  m_tabs->setDocumentMode(true);
  m_tabs->setAccessibleName(tr("More about the weight"));
  m_tabs->tabBar()->setAccessibleName(tr("More about the weight"));
  auto* spectrum = new QWidget(m_tabs);
  auto* spectrumColumn = new QVBoxLayout(spectrum);
  spectrumColumn->setContentsMargins(0, 0, 0, 0);
  m_spectrum = new SpectrumView(spectrum);
  m_spectrum->setTitle(tr("Singular values"));
  spectrumColumn->addWidget(m_spectrum, 1);
  m_takeSpectrum = new QPushButton(spectrum);
  m_takeSpectrum->hide();
  connect(m_takeSpectrum, &QPushButton::clicked, this, [this] {
    if (m_spectrumReader.isBusy()) {
      m_spectrumReader.cancel();
      offerSpectrum();
    } else {
      m_takeSpectrum->setText(tr("Cancel"));
      takeSpectrum();
    }
  });
  spectrumColumn->addWidget(m_takeSpectrum, 0, Qt::AlignHCenter);
  m_tabs->addTab(spectrum, tr("Singular values"));
  auto* channels = new QWidget(m_tabs);
  auto* channelColumn = new QVBoxLayout(channels);
  channelColumn->setContentsMargins(0, 0, 0, 0);
  channelColumn->setSpacing(0);
  m_channels = new ChannelView(channels);
  auto* channelControls = new QHBoxLayout;
  channelControls->setSpacing(kGrid);
  m_channelAxis = new QComboBox(channels);
  m_channelAxis->setAccessibleName(tr("Channels"));
  m_channelAxis->addItem(tr("rows"), static_cast<int>(ChannelAxis::Rows));
  m_channelAxis->addItem(tr("columns"), static_cast<int>(ChannelAxis::Columns));
  m_sorted = new QCheckBox(tr("Widest first"), channels);
  channelControls->addWidget(m_channelAxis);
  channelControls->addWidget(m_sorted);
  channelControls->addStretch();
  channelColumn->addLayout(channelControls);
  channelColumn->addWidget(m_channels, 1);
  m_tabs->addTab(channels, tr("Channels"));
  m_outliers = new QTreeWidget(m_tabs);
  m_outliers->setAccessibleName(tr("Values of largest magnitude"));
  m_outliers->setHeaderLabels({tr("Value"), tr("Row"), tr("Column"), tr("σ")});
  m_outliers->headerItem()->setToolTip(3, tr("Standard deviations from the mean."));
  for (int i = 0; i < 4; ++i) m_outliers->headerItem()->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  m_outliers->setRootIsDecorated(false);
  m_outliers->setUniformRowHeights(true);
  m_outliers->setAllColumnsShowFocus(true);
  m_outliers->setFrameShape(QFrame::NoFrame);
  m_outliers->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_outliers->header()->setMinimumSectionSize(4 * kGrid);
  m_outliers->header()->setSectionResizeMode(QHeaderView::Stretch);
  useCalmSelection(m_outliers);
  m_tabs->addTab(m_outliers, tr("Outliers"));
  splitter->addWidget(m_tabs);
  splitter->setSizes({50 * kGrid, 50 * kGrid});

  connect(m_grid, &QComboBox::currentIndexChanged, this, &WeightDetails::readGrid);
  connect(m_tabs, &QTabWidget::currentChanged, this, [this] {
    readTab();
    showMarks();
  });
  connect(m_channelAxis, &QComboBox::currentIndexChanged, this, [this] {
    m_rangesRead = false;
    readTab();
  });
  connect(m_sorted, &QCheckBox::toggled, m_channels, &ChannelView::setSorted);
  connect(m_channels, &ChannelView::channelChosen, this, [this](qint64 channel) {
    const bool rows = m_channelAxis->currentData().toInt() == static_cast<int>(ChannelAxis::Rows);
    Q_EMIT cellAsked(rows ? channel : 0, rows ? 0 : channel);
  });
  connect(m_outliers, &QTreeWidget::currentItemChanged, this, [this](const QTreeWidgetItem* item) {
    if (!item) return;
    Q_EMIT cellAsked(item->data(1, Qt::UserRole).toLongLong(), item->data(2, Qt::UserRole).toLongLong());
  });
}

std::vector<Chart*> WeightDetails::charts() const { return {m_histogram, m_spectrum, m_channels}; }

void WeightDetails::clear() {
  for (BackgroundReader* reader : {&m_histogramReader, &m_gridReader, &m_spectrumReader, &m_rangesReader,
                                   &m_outlierReader, &m_otherHistogramReader, &m_otherSpectrumReader}) {
    reader->cancel();
  }
  m_weight.reset();
  m_other.reset();
  m_measured = m_spectrumRead = m_rangesRead = m_outliersRead = false;
  m_row = 0;
  m_largest.clear();
  m_histogram->clear();
  m_spectrum->clear();
  m_takeSpectrum->hide();
  m_channels->clear();
  m_outliers->clear();
  showMarks();
}

void WeightDetails::setWeight(const WeightPtr& weight, const MatrixLabels& labels) {
  clear();
  m_weight = weight;
  m_labels = labels;
  for (Chart* chart : charts()) chart->setConditions(labels.name);
  readTab();
}

void WeightDetails::setStatistics(const Statistics& statistics) {
  if (!m_weight) return;
  m_statistics = statistics;
  m_measured = true;
  readHistogram();
  readGrid();
  readOther();
  readTab();
}

void WeightDetails::setOther(const WeightPtr& other, const QString& name) {
  m_other = other;
  m_otherName = name;
  m_otherHistogramReader.cancel();
  m_otherSpectrumReader.cancel();
  m_histogram->setOther({}, {});
  m_spectrum->setOther({}, {});
  readOther();
}

void WeightDetails::setRow(qint64 row) {
  m_row = row;
  if (m_grid->currentData().toInt() == kStored) readGrid();
}

void WeightDetails::readHistogram() {
  m_histogramReader.start<Histogram>(
      [weight = m_weight, statistics = m_statistics](const CancelToken& cancel) {
        return histogram(Matrix(weight), statistics.min, statistics.max, kBins, cancel);
      },
      [this](const std::shared_ptr<Histogram>& counts) { m_histogram->setHistogram(*counts, m_statistics); },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
}

void WeightDetails::readOther() {
  if (!m_other || !m_measured) return;
  m_otherHistogramReader.start<Histogram>(
      [other = m_other, statistics = m_statistics](const CancelToken& cancel) {
        return histogram(Matrix(other), statistics.min, statistics.max, kBins, cancel);
      },
      [this](const std::shared_ptr<Histogram>& counts) { m_histogram->setOther(*counts, m_otherName); },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
  if (m_spectrum->isEmpty()) return;
  m_otherSpectrumReader.start<Spectrum>(
      [other = m_other](const CancelToken& cancel) { return singular_spectrum(Matrix(other), cancel); },
      [this](const std::shared_ptr<Spectrum>& spectrum) { m_spectrum->setOther(*spectrum, m_otherName); },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
}

void WeightDetails::readGrid() {
  m_gridReader.cancel();
  const int bits = m_grid->currentData().toInt();
  if (!m_weight || !m_measured || bits == kNoGrid) {
    m_histogram->setQuantizationLevels({});
    return;
  }
  if (bits == kStored) {
    const Grid grid = storedGrid(*m_weight, m_row);
    m_histogram->setQuantizationLevels(grid.levels, grid.about);
    return;
  }
  m_gridReader.start<Grid>(
      [weight = m_weight, bits, norm = m_statistics.l2_norm](const CancelToken& cancel) {
        return roundedGrid(weight, bits, norm, cancel);
      },
      [this](const std::shared_ptr<Grid>& grid) { m_histogram->setQuantizationLevels(grid->levels, grid->about); },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
}

void WeightDetails::readTab() {
  if (!m_weight) return;
  switch (m_tabs->currentIndex()) {
    case SpectrumTab:
      if (!std::exchange(m_spectrumRead, true)) readSpectrum();
      break;
    case ChannelsTab:
      if (!std::exchange(m_rangesRead, true)) readRanges();
      break;
    case OutliersTab:
      // How far they lie from the mean is known once the exact pass has ended.
      if (m_measured && !std::exchange(m_outliersRead, true)) readOutliers();
      break;
    default:
      break;
  }
}

void WeightDetails::readSpectrum() {
  const Matrix matrix(m_weight);
  const auto rows = static_cast<double>(matrix.rows());
  const auto columns = static_cast<double>(matrix.cols());
  if (matrix.rows() < 2 || matrix.cols() < 2) {
    m_spectrum->setEmptyText(tr("A vector has no singular spectrum."));
    return;
  }
  if (rows * columns * std::min(rows, columns) > kSpectrumCost) {
    offerSpectrum();
  } else {
    takeSpectrum();
  }
}

void WeightDetails::offerSpectrum() {
  m_spectrum->setEmptyText(tr("The singular values of a matrix of this size may take a minute."));
  m_takeSpectrum->setText(tr("Take them"));
  m_takeSpectrum->show();
}

void WeightDetails::takeSpectrum() {
  m_spectrum->setEmptyText(tr("Taking the singular values …"));
  const Matrix matrix(m_weight);
  m_spectrumReader.start<Spectrum>([matrix](const CancelToken& cancel) { return singular_spectrum(matrix, cancel); },
                                   [this, matrix](const std::shared_ptr<Spectrum>& spectrum) {
                                     m_spectrum->setSpectrum(*spectrum, matrix.rows(), matrix.cols(),
                                                             stored_bytes(*matrix.weight()));
                                     m_takeSpectrum->hide();
                                     readOther();
                                   },
                                   [this](const ErrorInfo& error) {
                                     m_takeSpectrum->hide();
                                     m_spectrum->setEmptyText(QString::fromStdString(error.message));
                                   });
}

void WeightDetails::readRanges() {
  const auto axis = static_cast<ChannelAxis>(m_channelAxis->currentData().toInt());
  const QString name = axis == ChannelAxis::Rows ? m_labels.rowAxis : m_labels.columnAxis;
  m_rangesReader.start<ChannelRanges>(
      [weight = m_weight, axis](const CancelToken& cancel) { return channel_ranges(Matrix(weight), axis, cancel); },
      [this, name](const std::shared_ptr<ChannelRanges>& ranges) { m_channels->setRanges(*ranges, name); },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
}

void WeightDetails::readOutliers() {
  m_outlierReader.start<std::vector<PlacedValue>>(
      [weight = m_weight](const CancelToken& cancel) { return largest_values(Matrix(weight), kOutliers, cancel); },
      [this](const std::shared_ptr<std::vector<PlacedValue>>& largest) {
        m_largest = std::move(*largest);
        for (const PlacedValue& found : m_largest) {
          auto* item = new QTreeWidgetItem(m_outliers);
          const QString row = m_labels.row ? m_labels.row(found.row) : QString();
          item->setText(0, formatNumber(found.value));
          item->setText(1, row.isEmpty() ? formatCount(found.row) : row);
          item->setToolTip(1, formatCount(found.row));
          item->setText(2, formatCount(found.col));
          const double deviations = m_statistics.std > 0 ? (found.value - m_statistics.mean) / m_statistics.std : 0;
          item->setText(3, formatFixed(deviations, 1));
          item->setData(1, Qt::UserRole, static_cast<qlonglong>(found.row));
          item->setData(2, Qt::UserRole, static_cast<qlonglong>(found.col));
          for (int i = 0; i < 4; ++i) item->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
        }
        showMarks();
      },
      [this](const ErrorInfo& error) { Q_EMIT failed(error); });
}

void WeightDetails::showMarks() {
  std::vector<HeatMapView::Cell> marks;
  if (m_tabs->currentIndex() == OutliersTab) {
    for (const PlacedValue& found : m_largest) marks.push_back({found.row, found.col});
  }
  Q_EMIT marksChanged(marks);
}

}  // namespace espalier
