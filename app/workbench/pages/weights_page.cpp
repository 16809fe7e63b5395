#include "app/workbench/pages/weights_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QSplitter>

#include "inspect/spectrum.h"
#include "widgets/charts/heat_map_view.h"
#include "widgets/charts/spectrum_view.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr int kBins = 201;
// A spectrum costs rows x columns x the smaller side: beyond this it would take more than a few seconds.
constexpr double kSpectrumCost = 2e10;

// The levels that a stored quantized weight can say, when its scale is one for all values.
std::vector<double> levelsOf(const Weight& weight) {
  const auto* quantized = weight.as<Quantized>();
  if (!quantized || quantized->scales.numel() != 1) return {};
  const double scale = quantized->scales.value_at(0);
  const int largest = (1 << (quantized->bits - 1)) - 1;
  std::vector<double> levels;
  for (int code = -largest; code <= largest; ++code) levels.push_back(code * scale);
  return levels;
}

MatrixLabels labelsFor(const OpenedModelPtr& model, const QString& slot, int layer) {
  MatrixLabels labels;
  labels.name = slot;
  labels.rowAxis = QObject::tr("output unit");
  labels.columnAxis = QObject::tr("input unit");
  if (slot == QLatin1String("embeddings.word.weight")) {
    labels.rowAxis = QObject::tr("token");
    labels.columnAxis = QObject::tr("hidden unit");
    if (model->tokenizer) {
      labels.row = [tokenizer = model->tokenizer](int64_t row) {
        return row < tokenizer->vocab_size() ? QString::fromStdString(tokenizer->token(static_cast<TokenId>(row)))
                                             : QString();
      };
    }
  } else if (slot.startsWith(QLatin1String("embeddings."))) {
    labels.rowAxis = slot.contains(QLatin1String("position")) ? QObject::tr("position") : QObject::tr("row");
    labels.columnAxis = QObject::tr("hidden unit");
  }
  const auto& layers = model->model.architecture.layers;
  const bool weight = slot.endsWith(QLatin1String(".weight"));
  if (weight && layer >= 0 && layer < static_cast<int>(layers.size()) && slot.contains(QLatin1String(".attention."))) {
    const AttentionSpec& attention = layers[static_cast<size_t>(layer)].attention;
    std::vector<int64_t> boundaries;
    for (int64_t head = 1; head < attention.num_heads(); ++head) boundaries.push_back(head * attention.head_dim);
    if (slot.contains(QLatin1String("out_proj"))) {
      labels.columnBoundaries = boundaries;
    } else if (slot.contains(QLatin1String("_proj"))) {
      labels.rowBoundaries = boundaries;
    }
  }
  return labels;
}

}  // namespace

WeightsPage::WeightsPage(Session* session, QWidget* parent)
    : Page(session, QStringLiteral("weights"), tr("Weights"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);

  auto* top = new QHBoxLayout;
  top->setSpacing(2 * kGrid);
  m_picker = new QComboBox(content);
  m_picker->setAccessibleName(tr("Weight to show"));
  m_picker->setToolTip(tr("The weight shown; the model tree chooses it too."));
  m_picker->setMaxVisibleItems(24);
  m_picker->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_picker->setMinimumContentsLength(40);
  top->addWidget(m_picker);
  top->addStretch();
  layout->addLayout(top);
  m_facts = new ElidedLabel(Qt::ElideRight, content);
  layout->addWidget(m_facts);

  auto* rows = new QSplitter(Qt::Vertical, content);
  rows->setChildrenCollapsible(false);
  m_heatMap = new HeatMapView(rows);
  auto* below = new QSplitter(Qt::Horizontal, rows);
  below->setChildrenCollapsible(false);
  m_histogram = new HistogramView(below);
  m_histogram->setTitle(tr("Distribution of values"));
  m_histogram->setEmptyText(tr("The distribution appears once the weight has been read."));
  m_spectrum = new SpectrumView(below);
  m_spectrum->setTitle(tr("Singular values"));
  rows->addWidget(m_heatMap);
  rows->addWidget(below);
  rows->setStretchFactor(0, 5);
  rows->setStretchFactor(1, 2);
  rows->setSizes({40 * kGrid, 18 * kGrid});
  layout->addWidget(rows, 1);
  setContent(content);
  for (Chart* chart :
       {static_cast<Chart*>(m_heatMap), static_cast<Chart*>(m_histogram), static_cast<Chart*>(m_spectrum)}) {
    follow(chart);
  }

  connect(session, &Session::modelOpening, this, &WeightsPage::showModelMissing);
  connect(session, &Session::modelFailed, this, &WeightsPage::showModelMissing);
  connect(session, &Session::modelChanged, this, &WeightsPage::modelChanged);
  connect(session->selection(), &Selection::changed, this, [this](const SelectionState& now) {
    if (!now.slot.isEmpty() && now.slot != m_shown && isVisible()) showSlot(now.slot);
  });
  connect(m_picker, &QComboBox::activated, this, [this](int index) {
    this->session()->selection()->selectSlot(m_picker->itemText(index), m_picker->itemData(index).toInt());
  });
  connect(m_heatMap, &HeatMapView::summaryReady, this, &WeightsPage::readHistogram);
  connect(m_heatMap, &HeatMapView::firstShown, this, [this] { Q_EMIT heatMapShown(m_shown); });
  showModelMissing();
}

Chart* WeightsPage::mainChart() const { return m_heatMap; }

void WeightsPage::modelChanged() {
  m_shown.clear();
  m_heatMap->clear();
  m_histogram->clear();
  m_spectrum->clear();
  m_histogramReader.cancel();
  m_spectrumReader.cancel();
  m_picker->clear();
  if (showModelMissing()) return;
  const QSignalBlocker blocker(m_picker);
  for (const Slot& slot : slots_of(session()->model()->model.architecture)) {
    m_picker->addItem(QString::fromStdString(slot.name), slot.layer ? slot.layer->value : -1);
  }
  showContent();
  if (isVisible()) activate();
}

void WeightsPage::activate() {
  if (showModelMissing()) return;
  QString slot = session()->selection()->state().slot;
  if (slot.isEmpty()) slot = m_shown.isEmpty() ? m_picker->itemText(0) : m_shown;
  showSlot(slot);
  m_heatMap->setFocus();
}

void WeightsPage::showSlot(const QString& slot) {
  const OpenedModelPtr& model = session()->model();
  if (!model || slot == m_shown || !model->model.weights.contains(slot.toStdString())) return;
  m_shown = slot;
  showContent();
  const int index = m_picker->findText(slot);
  m_picker->setCurrentIndex(index);
  const Weight& weight = model->model.weight(slot.toStdString());
  m_histogramReader.cancel();
  m_histogram->clear();
  m_spectrum->clear();
  m_facts->setFullText(
      QStringLiteral("%1, %2").arg(shapeText(shape_of(weight)), QString::fromStdString(describe(weight))));
  m_heatMap->setTitle(slot);
  m_heatMap->setConditions(session()->conditions());
  m_histogram->setConditions(slot);
  m_spectrum->setConditions(slot);
  m_heatMap->setSource(share(weight), labelsFor(model, slot, m_picker->itemData(index).toInt()));
  readSpectrum();
}

void WeightsPage::readHistogram() {
  const MatrixSummary* summary = m_heatMap->summary();
  if (!summary || m_shown.isEmpty()) return;
  const Statistics statistics = summary->statistics;
  m_facts->setFullText(
      QStringLiteral("%1, %2    ‖W‖ %3    mean %4    std %5    zeros %6")
          .arg(shapeText(shape_of(session()->model()->model.weight(m_shown.toStdString()))),
               QString::fromStdString(describe(session()->model()->model.weight(m_shown.toStdString()))),
               formatNumber(statistics.l2_norm), formatNumber(statistics.mean), formatNumber(statistics.std),
               percentText(static_cast<double>(statistics.zeros) /
                           static_cast<double>(std::max<int64_t>(1, statistics.count)))));
  const WeightPtr weight = share(session()->model()->model.weight(m_shown.toStdString()));
  m_histogramReader.start<Histogram>(
      [weight, statistics](const CancelToken& cancel) {
        return histogram(Matrix(weight), statistics.min, statistics.max, kBins, cancel);
      },
      [this, statistics, weight](const std::shared_ptr<Histogram>& counts) {
        m_histogram->setHistogram(*counts, statistics);
        m_histogram->setQuantizationLevels(levelsOf(*weight));
      },
      [this](const ErrorInfo& error) { showError(error); });
}

void WeightsPage::readSpectrum() {
  m_spectrumReader.cancel();
  const WeightPtr weight = share(session()->model()->model.weight(m_shown.toStdString()));
  const Matrix matrix(weight);
  const auto rows = static_cast<double>(matrix.rows());
  const auto columns = static_cast<double>(matrix.cols());
  if (matrix.rows() < 2 || matrix.cols() < 2) {
    m_spectrum->setEmptyText(tr("A vector has no singular spectrum."));
    return;
  }
  if (rows * columns * std::min(rows, columns) > kSpectrumCost) {
    m_spectrum->setEmptyText(tr("This matrix is too large to take its spectrum while you wait."));
    return;
  }
  m_spectrum->setEmptyText(tr("Taking the singular values …"));
  m_spectrumReader.start<Spectrum>(
      [matrix](const CancelToken& cancel) { return singular_spectrum(matrix, cancel); },
      [this, matrix](const std::shared_ptr<Spectrum>& spectrum) {
        m_spectrum->setSpectrum(*spectrum, matrix.rows(), matrix.cols());
      },
      [this](const ErrorInfo& error) { m_spectrum->setEmptyText(QString::fromStdString(error.message)); });
}

}  // namespace espalier
