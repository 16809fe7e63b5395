#include "app/workbench/pages/overview_page.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

#include "widgets/models/display_text.h"
#include "widgets/panels/ledger_view.h"
#include "widgets/panels/model_map_view.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

constexpr int kFactsPerRow = 6;

QString headText(const HeadSpec& head) {
  switch (head.kind) {
    case HeadKind::Classification:
      return OverviewPage::tr("%1 labels").arg(head.num_labels);
    case HeadKind::None:
      return OverviewPage::tr("none");
    default:
      return QString::fromUtf8(to_string(head.kind).data(), static_cast<qsizetype>(to_string(head.kind).size()));
  }
}

QString labelsText(const HeadSpec& head) {
  QStringList names;
  for (const std::string& label : head.labels) names << QString::fromStdString(label);
  return names.join(QStringLiteral(", "));
}

// "12", or "8 to 12" where layers differ.
QString spanText(int64_t least, int64_t most) {
  return least == most ? QString::number(least) : OverviewPage::tr("%1 to %2").arg(least).arg(most);
}

}  // namespace

OverviewPage::OverviewPage(Session* session, QWidget* parent)
    : Page(session, QStringLiteral("overview"), tr("Overview"), parent) {
  auto* scroll = new QScrollArea(this);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setAccessibleName(tr("Overview of the model"));
  auto* content = new QWidget(scroll);
  content->setBackgroundRole(QPalette::Base);
  content->setAutoFillBackground(true);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(3 * kGrid, 2 * kGrid, 3 * kGrid, 2 * kGrid);
  layout->setSpacing(kGrid);
  m_title = new QLabel(content);
  m_title->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_subtitle = new QLabel(content);
  m_subtitle->setWordWrap(true);
  m_subtitle->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layout->addWidget(m_title);
  layout->addWidget(m_subtitle);
  m_facts = new QGridLayout;
  m_facts->setHorizontalSpacing(3 * kGrid);
  m_facts->setVerticalSpacing(kGrid / 4);
  layout->addSpacing(kGrid);
  layout->addLayout(m_facts);
  layout->addSpacing(kGrid);
  auto* controls = new QHBoxLayout;
  controls->setSpacing(kGrid);
  auto* measureLabel = new QLabel(tr("Colour by"), content);
  m_measure = new QComboBox(content);
  m_measure->setAccessibleName(tr("What the map is coloured by"));
  using Measure = ModelMapView::Measure;
  for (const Measure measure : {Measure::Bytes, Measure::Parameters, Measure::Macs, Measure::Time, Measure::Sparsity,
                                Measure::Bits, Measure::Places}) {
    m_measure->addItem(measureName(measure), static_cast<int>(measure));
  }
  measureLabel->setBuddy(m_measure);
  auto* arrangementLabel = new QLabel(tr("Arrange"), content);
  auto* arrangement = new QComboBox(content);
  arrangement->setAccessibleName(tr("How the map is arranged"));
  arrangement->addItem(tr("by layer"), static_cast<int>(ModelMapView::Arrangement::Layers));
  arrangement->addItem(tr("by size"), static_cast<int>(ModelMapView::Arrangement::Areas));
  arrangement->setToolTip(tr("A line a layer, or a treemap whose areas are stored bytes."));
  arrangementLabel->setBuddy(arrangement);
  controls->addWidget(measureLabel);
  controls->addWidget(m_measure);
  controls->addSpacing(kGrid);
  controls->addWidget(arrangementLabel);
  controls->addWidget(arrangement);
  controls->addStretch();
  layout->addLayout(controls);
  m_map = new ModelMapView(content);
  layout->addWidget(m_map);
  layout->addSpacing(kGrid);
  m_ledger = new LedgerView(content);
  layout->addWidget(m_ledger);
  layout->addStretch();
  scroll->setWidget(content);
  setContent(scroll);
  follow(m_map);
  follow(m_ledger);

  connect(m_measure, &QComboBox::currentIndexChanged, this, &OverviewPage::chooseMeasure);
  connect(arrangement, &QComboBox::currentIndexChanged, this, [this, arrangement] {
    m_map->setArrangement(static_cast<ModelMapView::Arrangement>(arrangement->currentData().toInt()));
  });
  connect(m_map, &ModelMapView::moduleSelected, this, [this](const QString& slot, int layer) {
    Selection* selection = this->session()->selection();
    if (slot.isEmpty()) {
      selection->selectLayer(layer);
    } else {
      selection->selectSlot(slot, layer);
    }
  });
  connect(m_map, &ModelMapView::moduleOpened, this, [this] { Q_EMIT pageAsked(QStringLiteral("weights")); });
  connect(m_ledger, &LedgerView::layerSelected, session->selection(), &Selection::selectLayer);
  connect(session->selection(), &Selection::changed, this, [this](const SelectionState& now) {
    m_ledger->setCurrentLayer(now.layer);
    m_map->setCurrent(now.slot, now.layer);
  });
  connect(session, &Session::modelOpening, this, &OverviewPage::refresh);
  connect(session, &Session::modelFailed, this, &OverviewPage::refresh);
  connect(session, &Session::modelChanged, this, &OverviewPage::modelChanged);
  connect(session, &Session::taskChanged, this, &OverviewPage::refresh);
  connect(session->runs(), &RunStore::changed, this, &OverviewPage::refresh);
  connect(&Theme::instance(), &Theme::changed, this, &OverviewPage::refresh);
  refresh();
}

Chart* OverviewPage::mainChart() const { return m_map; }

void OverviewPage::activate() { m_map->setFocus(); }

void OverviewPage::setSearch(const QString& text) { m_map->setSearch(text); }

void OverviewPage::modelChanged() {
  m_sparsityReader.cancel();
  m_timeReader.cancel();
  m_map->setMap(session()->model()->map);
  chooseMeasure();
  refresh();
}

void OverviewPage::chooseMeasure() {
  const auto measure = static_cast<ModelMapView::Measure>(m_measure->currentData().toInt());
  m_map->setMeasure(measure);
  if (!session()->model()) return;
  if (measure == ModelMapView::Measure::Sparsity) countZeros();
  if (measure == ModelMapView::Measure::Time) measureTimes();
}

// When somebody wants to see them: that reads every value of the model.
void OverviewPage::countZeros() {
  if (m_map->hasSparsity() || m_sparsityReader.isBusy()) return;
  const OpenedModelPtr& model = session()->model();
  m_sparsityReader.start<std::vector<double>>(
      [model](const CancelToken& cancel) { return mapSparsity(*model->map, model->model, cancel); },
      [this](const std::shared_ptr<std::vector<double>>& shares) { m_map->setSparsity(std::move(*shares)); },
      [this](const ErrorInfo& error) { showError(error); });
}

void OverviewPage::measureTimes() {
  if (m_map->hasTimes() || m_timeReader.isBusy()) return;
  const OpenedModelPtr& model = session()->model();
  m_timeReader.start<MapTimes>(
      [model](const CancelToken& cancel) { return measureMapTimes(*model->map, model->model, cancel); },
      [this](const std::shared_ptr<MapTimes>& times) { m_map->setTimes(std::move(*times)); },
      [this](const ErrorInfo& error) { showError(error); });
}

void OverviewPage::addFact(const QString& name, const QString& value, const QString& tip) {
  const int number = m_facts->count() / 2;
  const int row = number / kFactsPerRow * 3;
  const int column = number % kFactsPerRow;
  auto* label = new QLabel(name, this);
  label->setFont(Theme::instance().secondaryFont());
  label->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  auto* text = new QLabel(value, this);
  text->setFont(Theme::instance().titleFont());
  text->setTextInteractionFlags(Qt::TextSelectableByMouse);
  text->setToolTip(tip);
  label->setToolTip(tip);
  text->setAccessibleName(name + QStringLiteral(": ") + value);
  m_facts->addWidget(label, row, column);
  m_facts->addWidget(text, row + 1, column);
  m_facts->setColumnStretch(kFactsPerRow, 1);
  m_facts->setRowMinimumHeight(row + 2, kGrid);
}

void OverviewPage::refresh() {
  if (showModelMissing()) return;
  const OpenedModelPtr& model = session()->model();
  const Architecture& architecture = model->model.architecture;
  const ThemeColors& colors = Theme::instance().colors();
  m_title->setFont(Theme::instance().titleFont());
  m_title->setText(model->name);
  m_subtitle->setStyleSheet(QStringLiteral("color: %1;").arg(colors.secondaryText.name()));
  QStringList lines{model->location == QLatin1String("lab")
                        ? tr("The built-in lab model, trained on generated reviews.")
                        : QString::fromStdString(model->folder.string())};
  if (session()->task()) {
    lines << tr("Task %1, measured on its %2 split").arg(session()->task()->name, session()->task()->devSplit);
  } else {
    lines << tr("No task is open: open one to measure and to run recipes");
  }
  if (!model->tokenizer) lines << tr("No tokenizer: %1").arg(model->tokenizerProblem);
  m_subtitle->setText(lines.join(QStringLiteral(". ")).replace(QStringLiteral(".. "), QStringLiteral(". ")));

  while (QLayoutItem* item = m_facts->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  addFact(tr("Size"), formatBytes(static_cast<double>(model->bytes)), tr("Bytes of the folder's files."));
  addFact(tr("Parameters"), countText(static_cast<double>(model->parameters)), formatCount(model->parameters));
  addFact(tr("MACs"), countText(static_cast<double>(model->macs)),
          tr("Multiply-accumulates of one sequence of 128 tokens."));
  addFact(tr("Layers"), QString::number(architecture.layers.size()));
  int64_t leastHeads = INT64_MAX, mostHeads = 0, leastFfn = INT64_MAX, mostFfn = 0;
  for (const LayerSpec& layer : architecture.layers) {
    leastHeads = std::min(leastHeads, layer.attention.num_heads());
    mostHeads = std::max(mostHeads, layer.attention.num_heads());
    leastFfn = std::min(leastFfn, layer.ffn.width);
    mostFfn = std::max(mostFfn, layer.ffn.width);
  }
  if (architecture.is_recurrent()) {
    addFact(tr("Recurrent width"), QString::number(architecture.layers.front().recurrent->width),
            tr("Of the state of one direction of the first layer."));
  } else if (!architecture.layers.empty()) {
    addFact(tr("Heads a layer"), spanText(leastHeads, mostHeads));
    addFact(tr("FFN width"), spanText(leastFfn, mostFfn));
  }
  addFact(tr("Family"), QString::fromStdString(architecture.family));
  addFact(tr("Hidden size"), QString::number(architecture.hidden_size));
  addFact(tr("Vocabulary"), formatCount(architecture.embedding.vocab_size));
  addFact(tr("Positions"), QString::number(architecture.embedding.max_positions));
  addFact(tr("Head"), headText(architecture.head), labelsText(architecture.head));
  const RunRow* baseline = session()->runs()->baseline();
  if (baseline)
    addFact(tr("Accuracy"), percentText(baseline->accuracy),
            formatInterval(baseline->accuracy, baseline->accuracyLow, baseline->accuracyHigh));
  m_map->setConditions(session()->conditions());
  m_ledger->setConditions(session()->conditions());
  m_ledger->setLedger(model->ledger);
  m_ledger->setCurrentLayer(session()->selection()->state().layer);
  showContent();
}

}  // namespace espalier
