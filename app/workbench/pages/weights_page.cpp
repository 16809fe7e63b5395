#include "app/workbench/pages/weights_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSplitter>
#include <QToolButton>

#include <cmath>

#include "app/workbench/pages/weight_details.h"
#include "app/workbench/run_picker.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/calm_views.h"
#include "widgets/panels/weight_maps.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

// Room for three maps beside one another.
constexpr int kWidePage = 120 * kGrid;

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
  top->setSpacing(kGrid);
  m_picker = new QComboBox(content);
  m_picker->setAccessibleName(tr("Weight to show"));
  m_picker->setToolTip(tr("The weight shown; the model tree chooses it too."));
  m_picker->setMaxVisibleItems(24);
  m_picker->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_picker->setMinimumContentsLength(20);
  top->addWidget(m_picker, 2);
  auto* compareLabel = new QLabel(tr("Compare with"), content);
  m_run = new RunPicker(session, tr("nothing"), content);
  m_run->setMinimumContentsLength(12);
  compareLabel->setBuddy(m_run);
  top->addSpacing(kGrid);
  top->addWidget(compareLabel);
  top->addWidget(m_run, 1);
  m_maps = new WeightMaps(content);
  const QString names[] = {tr("Before"), tr("After"), tr("Difference")};
  for (int kind = 0; kind < 3; ++kind) {
    auto* button = new QToolButton(content);
    button->setText(names[kind]);
    button->setCheckable(true);
    button->setChecked(true);
    button->setVisible(false);
    button->setToolTip(tr("Shows or hides this map."));
    m_kinds.push_back(button);
    connect(button, &QToolButton::toggled, this,
            [this, kind](bool on) { m_maps->setShown(static_cast<WeightMaps::Kind>(kind), on); });
  }
  layout->addLayout(top);
  auto* about = new QHBoxLayout;
  about->setSpacing(kGrid);
  m_facts = new ElidedLabel(Qt::ElideRight, content);
  about->addWidget(m_facts, 1);
  for (QToolButton* button : m_kinds) about->addWidget(button);
  layout->addLayout(about);

  auto* rows = new QSplitter(Qt::Vertical, content);
  rows->setChildrenCollapsible(false);
  m_details = new WeightDetails(rows);
  rows->addWidget(m_maps);
  rows->addWidget(m_details);
  rows->setStretchFactor(0, 5);
  rows->setStretchFactor(1, 2);
  rows->setSizes({38 * kGrid, 24 * kGrid});
  layout->addWidget(rows, 1);
  setContent(content);
  for (const auto kind : {WeightMaps::Before, WeightMaps::After, WeightMaps::Difference}) follow(m_maps->map(kind));
  for (Chart* chart : m_details->charts()) follow(chart);

  connect(session, &Session::modelOpening, this, &WeightsPage::showModelMissing);
  connect(session, &Session::modelFailed, this, &WeightsPage::showModelMissing);
  connect(session, &Session::modelChanged, this, &WeightsPage::modelChanged);
  connect(session->selection(), &Selection::changed, this, [this](const SelectionState& now) {
    if (!now.slot.isEmpty() && now.slot != m_shown && isVisible()) showSlot(now.slot);
  });
  connect(m_picker, &QComboBox::activated, this, [this](int index) {
    this->session()->selection()->selectSlot(m_picker->itemText(index), m_picker->itemData(index).toInt());
  });
  connect(m_run, &RunPicker::runChanged, this, &WeightsPage::compare);
  connect(heatMap(), &HeatMapView::summaryReady, this, [this] {
    m_details->setStatistics(heatMap()->summary()->statistics);
    showFacts();
  });
  connect(heatMap(), &HeatMapView::firstShown, this, [this] { Q_EMIT heatMapShown(m_shown); });
  connect(heatMap(), &HeatMapView::cellClicked, m_details, &WeightDetails::setRow);
  connect(m_details, &WeightDetails::cellAsked, m_maps, &WeightMaps::showCell);
  connect(m_details, &WeightDetails::marksChanged, m_maps, &WeightMaps::setMarks);
  connect(m_details, &WeightDetails::failed, this, [this](const ErrorInfo& error) { showError(error); });
  showModelMissing();
}

HeatMapView* WeightsPage::heatMap() const { return m_maps->map(WeightMaps::Before); }

Chart* WeightsPage::mainChart() const { return heatMap(); }

QString WeightsPage::facts() const { return m_facts->fullText(); }

void WeightsPage::modelChanged() {
  m_shown.clear();
  endComparing();
  m_maps->clear();
  m_details->clear();
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
  heatMap()->setFocus();
}

void WeightsPage::showSlot(const QString& slot) {
  const OpenedModelPtr& model = session()->model();
  if (!model || slot == m_shown || !model->model.weights.contains(slot.toStdString())) return;
  m_shown = slot;
  showContent();
  const int index = m_picker->findText(slot);
  m_picker->setCurrentIndex(index);
  const WeightPtr weight = share(model->model.weight(slot.toStdString()));
  const MatrixLabels labels = labelsFor(model, slot, m_picker->itemData(index).toInt());
  for (const auto kind : {WeightMaps::Before, WeightMaps::After, WeightMaps::Difference}) {
    m_maps->map(kind)->setConditions(session()->conditions());
  }
  m_maps->setSource(weight, labels);
  m_details->setWeight(weight, labels);
  compare();
}

QString WeightsPage::shortRunName() const { return m_run->run() ? m_run->run()->shortName : QString(); }

void WeightsPage::endComparing() {
  m_otherReader.cancel();
  m_difference.clear();
  for (QToolButton* button : m_kinds) button->setVisible(false);
  m_maps->setOther(nullptr, nullptr, {}, {});
  m_details->setOther(nullptr, {});
}

// Opens the run's model beside the one that is open; its tensors stay mapped.
void WeightsPage::compare() {
  const bool wasComparing = m_maps->isComparing();
  endComparing();
  const OpenedModelPtr& model = session()->model();
  const RunRow* run = m_run->run();
  if (!run || !model || m_shown.isEmpty()) {
    showFacts();
    return;
  }
  m_difference = tr("Reading %1 …").arg(run->name);
  showFacts();
  const MatrixLabels labels = labelsFor(model, m_shown, m_picker->currentData().toInt());
  m_otherReader.start<WeightComparison>(
      [model, slot = m_shown.toStdString(), bundle = run->bundle.toStdString()](const CancelToken& cancel) {
        return compareWeight(model->model, open_model(bundle), slot, cancel);
      },
      [this, labels, wasComparing](const std::shared_ptr<WeightComparison>& comparison) {
        // Three maps need room; a narrow page begins with what changed.
        if (!wasComparing && width() < kWidePage && comparison->difference) {
          m_kinds[WeightMaps::After]->setChecked(false);
        }
        for (QToolButton* button : m_kinds) button->setVisible(true);
        m_kinds[WeightMaps::Difference]->setEnabled(comparison->difference != nullptr);
        m_kinds[WeightMaps::Difference]->setToolTip(comparison->difference ? tr("Shows or hides this map.")
                                                                           : comparison->note);
        const QString name = shortRunName();
        MatrixLabels own = labels;
        if (!comparison->difference) own.rowBoundaries = own.columnBoundaries = {};
        m_maps->setOther(comparison->after, comparison->difference, own,
                         {tr("before"), tr("after %1").arg(name), tr("after − before")});
        m_maps->map(WeightMaps::Difference)->setTitle(tr("%1: after − before").arg(m_shown));
        m_maps->map(WeightMaps::After)->setTitle(tr("%1 after %2").arg(m_shown, name));
        m_details->setOther(comparison->after, name);
        QStringList parts;
        parts << QString::fromStdString(describe(*comparison->after));
        if (std::isfinite(comparison->relativeError)) {
          parts << tr("‖after − before‖ / ‖before‖ %1").arg(formatNumber(comparison->relativeError));
        }
        if (!comparison->note.isEmpty()) parts << comparison->note;
        m_difference = tr("After: %1").arg(parts.join(QStringLiteral(", ")));
        showFacts();
      },
      [this](const ErrorInfo& error) {
        m_difference = QString::fromStdString(error.message);
        showFacts();
      });
}

void WeightsPage::showFacts() {
  if (m_shown.isEmpty() || !session()->model()) return m_facts->setFullText({});
  const Weight& weight = session()->model()->model.weight(m_shown.toStdString());
  QString text = QStringLiteral("%1, %2").arg(shapeText(shape_of(weight)), QString::fromStdString(describe(weight)));
  if (!m_difference.isEmpty()) {
    text += QStringLiteral("    ") + m_difference;
  } else if (const MatrixSummary* summary = heatMap()->summary()) {
    const Statistics& statistics = summary->statistics;
    text += QStringLiteral("    ‖W‖ %1    mean %2    std %3    zeros %4")
                .arg(formatNumber(statistics.l2_norm), formatNumber(statistics.mean), formatNumber(statistics.std),
                     percentText(static_cast<double>(statistics.zeros) /
                                 static_cast<double>(std::max<int64_t>(1, statistics.count))));
  }
  m_facts->setFullText(text);
}

}  // namespace espalier
