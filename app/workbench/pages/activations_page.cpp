#include "app/workbench/pages/activations_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "app/workbench/run_picker.h"
#include "widgets/charts/channel_view.h"
#include "widgets/charts/pair_matrix.h"
#include "widgets/models/display_text.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

// Ranges settle with some thousand tokens.
constexpr int kMaxExamples = 500;

enum Pairs { WithItself, WithRun };
enum Side { OpenModel, Run };
enum Column { ChannelColumn, ShareColumn, LeastColumn, LargestColumn, kColumns };

QStringList placesOf(size_t count) {
  QStringList places;
  for (size_t i = 0; i < count; ++i) places << (i == 0 ? ActivationsPage::tr("emb") : QString::number(i - 1));
  return places;
}

LayerRangeSeries rangesOf(const std::vector<ActivityLayer>& layers, const QString& name) {
  LayerRangeSeries series;
  series.name = name;
  for (const ActivityLayer& layer : layers) series.layers.push_back(layer.range);
  return series;
}

QString featuresText(const std::vector<qint64>& features) {
  constexpr size_t kMostNamed = 6;
  if (features.empty()) return ActivationsPage::tr("no channel");
  QStringList named;
  for (size_t i = 0; i < std::min(features.size(), kMostNamed); ++i) named << QString::number(features[i]);
  const QString rest =
      features.size() > kMostNamed ? ActivationsPage::tr(" and %1 more").arg(features.size() - kMostNamed) : QString();
  return (features.size() == 1 ? ActivationsPage::tr("channel %1") : ActivationsPage::tr("channels %1"))
      .arg(named.join(QStringLiteral(", ")) + rest);
}

}  // namespace

ActivationsPage::ActivationsPage(Session* session, QWidget* parent)
    : MeasurementPage(session, QStringLiteral("activations"), tr("Activations"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);
  auto* top = new QHBoxLayout;
  top->setSpacing(kGrid);
  auto* label = new QLabel(tr("Compare with"), content);
  m_run = new RunPicker(session, tr("no run"), content);
  label->setBuddy(m_run);
  m_measure = new QPushButton(content);
  top->addWidget(label);
  top->addWidget(m_run, 1);
  top->addWidget(m_measure);
  layout->addLayout(top);

  auto* splitter = new QSplitter(Qt::Vertical, content);
  splitter->setChildrenCollapsible(false);
  auto* above = new QSplitter(Qt::Horizontal, splitter);
  above->setChildrenCollapsible(false);
  m_ranges = new LayerRanges(above);
  auto* right = new QWidget(above);
  auto* rightLayout = new QVBoxLayout(right);
  rightLayout->setContentsMargins(kGrid, 0, 0, 0);
  rightLayout->setSpacing(kGrid / 2);
  m_pairs = new QComboBox(right);
  m_pairs->setAccessibleName(tr("Which layers are held against one another"));
  m_pairs->addItem(tr("layers of the open model"), WithItself);
  m_pairs->addItem(tr("open model and run"), WithRun);
  m_pairs->setToolTip(
      tr("Linear centred kernel alignment (Kornblith 2019): 1 where two layers hold the same up to a rotation."));
  rightLayout->addWidget(m_pairs, 0, Qt::AlignLeft);
  m_likeness = new PairMatrix(right);
  m_likeness->setTitle(tr("Likeness of the layers"));
  m_likeness->setAccessibleName(tr("Likeness of the layers"));
  m_likeness->setEmptyText(tr("The likeness of the layers comes after their ranges."));
  rightLayout->addWidget(m_likeness, 1);
  above->addWidget(m_ranges);
  above->addWidget(right);
  above->setSizes({38 * kGrid, 46 * kGrid});

  auto* below = new QWidget(splitter);
  auto* belowLayout = new QVBoxLayout(below);
  belowLayout->setContentsMargins(0, kGrid, 0, 0);
  belowLayout->setSpacing(kGrid / 2);
  auto* titles = new QHBoxLayout;
  titles->setSpacing(kGrid);
  m_placeTitle = new ElidedLabel(Qt::ElideRight, below);
  m_side = new QComboBox(below);
  m_side->setAccessibleName(tr("Whose channels are shown"));
  m_side->addItem(tr("of the open model"), OpenModel);
  m_side->addItem(tr("of the run"), Run);
  titles->addWidget(m_placeTitle, 1);
  titles->addWidget(m_side);
  belowLayout->addLayout(titles);
  auto* details = new QSplitter(Qt::Horizontal, below);
  details->setChildrenCollapsible(false);
  m_channels = new ChannelView(details);
  m_channels->setTitle(tr("Ranges of the channels"));
  m_outliers = new QTreeWidget(details);
  m_outliers->setAccessibleName(tr("Channels that stand out"));
  m_outliers->setHeaderLabels({tr("Channel"), tr("Tokens (%)"), tr("Min"), tr("Max")});
  m_outliers->headerItem()->setToolTip(
      ShareColumn, tr("Share of the tokens at which the channel lies beyond 6 standard deviations of its layer."));
  for (int i = 0; i < kColumns; ++i) m_outliers->headerItem()->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  m_outliers->setRootIsDecorated(false);
  m_outliers->setUniformRowHeights(true);
  m_outliers->setItemDelegate(new TallRows(m_outliers));
  m_outliers->setAllColumnsShowFocus(true);
  m_outliers->setFrameShape(QFrame::NoFrame);
  m_outliers->header()->setStretchLastSection(false);
  m_outliers->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  useCalmSelection(m_outliers);
  details->addWidget(m_channels);
  details->addWidget(m_outliers);
  details->setSizes({42 * kGrid, 42 * kGrid});
  belowLayout->addWidget(details, 1);
  splitter->addWidget(above);
  splitter->addWidget(below);
  splitter->setSizes({36 * kGrid, 24 * kGrid});
  layout->addWidget(splitter, 1);
  m_caption = new QLabel(content);
  m_caption->setWordWrap(true);
  layout->addWidget(m_caption);
  setContent(content);
  follow(m_ranges);
  follow(m_likeness);
  follow(m_channels);

  connect(m_measure, &QPushButton::clicked, this, &ActivationsPage::measureOrCancel);
  connect(m_ranges, &LayerRanges::placeChosen, this, &ActivationsPage::choosePlace);
  connect(m_likeness, &PairMatrix::pairChosen, this, [this](int row) { choosePlace(row); });
  connect(m_pairs, &QComboBox::currentIndexChanged, this, &ActivationsPage::showReport);
  connect(m_side, &QComboBox::currentIndexChanged, this, &ActivationsPage::showPlace);
  connect(session->selection(), &Selection::changed, this,
          [this](const SelectionState& now, const SelectionState& before) {
            if (now.layer == before.layer || now.layer < 0) return;
            m_place = now.layer + 1;
            showPlace();
          });
  connect(m_run, &RunPicker::runChanged, this, &ActivationsPage::refresh);
  connect(session, &Session::modelOpening, this, &ActivationsPage::refresh);
  connect(session, &Session::modelFailed, this, &ActivationsPage::refresh);
  connect(session, &Session::modelChanged, this, &ActivationsPage::forget);
  connect(session, &Session::taskChanged, this, &ActivationsPage::forget);
  const auto recolor = [this] {
    m_caption->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  };
  connect(&Theme::instance(), &Theme::changed, this, recolor);
  recolor();
  refresh();
}

Chart* ActivationsPage::mainChart() const { return m_ranges; }

void ActivationsPage::activate() { m_ranges->setFocus(); }

void ActivationsPage::forget() {
  forgetMeasurement();
  m_report.reset();
  m_measured.clear();
  refresh();
}

bool ActivationsPage::comparing() const {
  const RunRow* run = m_run->run();
  return m_report && run && run->hash == m_measured && !m_report->other.empty();
}

const std::vector<ActivityLayer>& ActivationsPage::shownLayers() const {
  return comparing() && m_side->currentData().toInt() == Run ? m_report->other : m_report->layers;
}

void ActivationsPage::refresh() {
  if (showModelMissing()) return;
  if (session()->model()->model.architecture.has_decoder()) {
    showEmpty(tr("Activations are watched in models of one stack; this one has an encoder and a decoder."),
              tr("Show its weights"), [this] { Q_EMIT pageAsked(QStringLiteral("weights")); });
    return;
  }
  if (!session()->task()) {
    showEmpty(tr("Activations flow when examples are read: open a task first."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
    return;
  }
  const RunRow* run = m_run->run();
  if (m_report) {
    m_measure->setText(isMeasuring() ? tr("Cancel") : tr("Measure"));
    // The run that is chosen is not measured yet, or the measurement stopped half-way.
    m_measure->setVisible(isMeasuring() || m_report->examples == 0 || (run && run->hash != m_measured));
    showReport();
    showContent();
  } else if (isMeasuring()) {
    showBusy(tr("Watching the activations on %1 …").arg(session()->task()->name));
  } else {
    showEmpty(tr("See what flows between the layers on up to %1 examples of %2: ranges, channels that stand out, and "
                 "how alike the layers are.")
                  .arg(kMaxExamples)
                  .arg(session()->task()->name),
              tr("Measure the activations"), [this] { measure(); });
  }
}

void ActivationsPage::measure() {
  if (!session()->model() || !session()->task() || isMeasuring()) return;
  JobSpec spec = session()->jobSpec("activations");
  spec.settings["max_examples"] = kMaxExamples;
  const RunRow* run = m_run->run();
  // The job holds its model against a second one; the run is the second, so that rows are the open model's layers.
  if (run) spec.settings["baseline"] = run->bundle.toStdString();
  start(spec, tr("Activations"),
        {.piece =
             [this](const Json& piece) {
               if (json_get_or<std::string>(piece, "kind", "", "activations") != "layers") return;
               if (!m_report) m_report.emplace();
               m_report->layers = readActivityLayers(piece["layers"]);
               refresh();
             },
         .answer =
             [this, hash = run ? run->hash : QString()](const Json& answer) {
               m_measured = hash;
               m_report = readActivity(answer);
               refresh();
             }});
}

void ActivationsPage::showReport() {
  if (!m_report) return;
  const bool both = comparing();
  std::vector<LayerRangeSeries> series = {rangesOf(m_report->layers, tr("open model"))};
  if (both) series.push_back(rangesOf(m_report->other, m_run->run()->shortName));
  m_ranges->setConditions(session()->conditions());
  m_ranges->setSeries(series, placesOf(std::max(m_report->layers.size(), both ? m_report->other.size() : 0)));

  m_pairs->setVisible(both);
  m_side->setVisible(both);
  const bool withRun = both && m_pairs->currentData().toInt() == WithRun;
  PairValues pairs;
  pairs.quantity = tr("linear CKA");
  pairs.rowAxis = tr("layer");
  pairs.columnAxis = withRun ? tr("layer of %1").arg(m_run->run()->shortName) : tr("layer");
  pairs.rows = placesOf(m_report->layers.size());
  pairs.columns = placesOf(withRun ? m_report->other.size() : m_report->layers.size());
  pairs.values = withRun ? m_report->otherLikeness : m_report->likeness;
  m_likeness->setConditions(session()->conditions());
  m_likeness->setValues(pairs);
  m_channels->setConditions(session()->conditions());
  showPlace();

  if (m_report->examples == 0) {
    return m_caption->setText(isMeasuring() ? tr("Ranges of the open model; the rest is being measured.")
                                            : tr("Ranges of the open model; the rest was not measured to its end."));
  }
  QString caption = tr("%1 tokens of %2 examples of %3.")
                        .arg(formatCount(m_report->tokens), formatCount(m_report->examples), m_report->split);
  const auto features = [&](const QString& of, const std::vector<qint64>& channels) {
    caption += QLatin1Char(' ') + tr("Outlier features of %1 (a value of at least 6 at 6 % of the tokens, in a quarter "
                                     "of the layers; Dettmers 2022): %2.")
                                      .arg(of, featuresText(channels));
  };
  features(tr("the open model"), m_report->features);
  if (both) caption += QLatin1Char(' ') + tr("Of the run: %1.").arg(featuresText(m_report->otherFeatures));
  m_caption->setText(caption);
}

void ActivationsPage::showPlace() {
  if (!m_report) return;
  const std::vector<ActivityLayer>& layers = shownLayers();
  m_ranges->setCurrent(m_place);
  m_likeness->setCurrentRow(m_place < static_cast<int>(m_report->layers.size()) ? m_place : -1);
  m_outliers->clear();
  m_outliers->hide();
  if (m_place >= static_cast<int>(layers.size())) {
    m_placeTitle->setFullText(tr("There is no layer %1 in this model.").arg(m_place - 1));
    m_channels->clear();
    return;
  }
  const ActivityLayer& layer = layers[static_cast<size_t>(m_place)];
  const QString where = m_place == 0 ? tr("Behind the embeddings") : tr("Behind layer %1").arg(m_place - 1);
  m_placeTitle->setFullText(layer.outlierValues == 0
                                ? tr("%1: no value lies beyond 6 standard deviations").arg(where)
                                : tr("%1: %2 lie beyond 6 standard deviations, in %3")
                                      .arg(where, countedText(layer.outlierValues, tr("value"), tr("values")),
                                           countedText(layer.outlierChannels, tr("channel"), tr("channels"))));
  m_channels->setRanges(layer.channels, tr("channel"));
  m_outliers->setVisible(!layer.largest.empty());
  for (const OutlierChannel& channel : layer.largest) {
    auto* item =
        new QTreeWidgetItem(m_outliers, {QString::number(channel.channel), formatNumber(100 * channel.tokenFrac),
                                         formatNumber(channel.min), formatNumber(channel.max)});
    for (int i = 0; i < kColumns; ++i) item->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  }
}

void ActivationsPage::choosePlace(int place) {
  m_place = place;
  if (place > 0) session()->selection()->selectLayer(place - 1);
  showPlace();
}

}  // namespace espalier
