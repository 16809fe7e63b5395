#include "app/workbench/pages/heads_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTabWidget>

#include <algorithm>

#include "widgets/charts/loss_curve.h"
#include "widgets/charts/pair_matrix.h"
#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

const QString kHeads = QStringLiteral("heads");
const QString kUnits = QStringLiteral("units");
const QString kLayers = QStringLiteral("layers");
constexpr int kExampleCounts[] = {100, 200, 500, 1000};
constexpr int kFirstCount = 1;  // of them

}  // namespace

HeadsPage::HeadsPage(Session* session, QWidget* parent) : MeasurementPage(session, kHeads, tr("Heads"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);
  auto* top = new QHBoxLayout;
  top->setSpacing(kGrid);
  auto* ofLabel = new QLabel(tr("Rank"), content);
  m_of = new QComboBox(content);
  m_of->setAccessibleName(tr("What is ranked"));
  m_of->addItem(tr("heads"), kHeads);
  m_of->addItem(tr("FFN units"), kUnits);
  m_of->addItem(tr("layers"), kLayers);
  ofLabel->setBuddy(m_of);
  auto* onLabel = new QLabel(tr("on"), content);
  m_examples = new QComboBox(content);
  m_examples->setAccessibleName(tr("Examples to measure on"));
  for (const int count : kExampleCounts) m_examples->addItem(tr("%1 examples").arg(formatCount(count)), count);
  m_examples->setCurrentIndex(kFirstCount);
  m_examples->setToolTip(tr("More examples make the rankings steadier, and take longer in proportion."));
  onLabel->setBuddy(m_examples);
  m_perToken = new QCheckBox(tr("Michel per token"), content);
  m_perToken->setToolTip(
      tr("Michel's criterion takes the absolute gradient of each token (the paper's release) in place of each example "
         "(the paper). A layer has one gradient an example."));
  m_withCurve = new QCheckBox(tr("Curve"), content);
  m_withCurve->setChecked(true);
  m_withCurve->setToolTip(
      tr("Closes more and more of them, in the order of each criterion, and measures the accuracy "
         "that is left."));
  m_measure = new QPushButton(content);
  m_measure->setObjectName(QStringLiteral("measureHeads"));
  for (QWidget* widget :
       std::initializer_list<QWidget*>{ofLabel, m_of, onLabel, m_examples, m_perToken, m_withCurve, m_measure}) {
    top->addWidget(widget);
  }
  top->addStretch();
  layout->addLayout(top);
  m_strip = new QHBoxLayout;
  m_strip->setSpacing(kGrid);
  m_strip->addStretch();
  layout->addLayout(m_strip);

  m_tabs = new QTabWidget(content);
  m_tabs->setDocumentMode(true);
  m_tabs->setAccessibleName(tr("Pictures of the ranking"));
  m_matrix = new HeadMatrix(m_tabs);
  m_agreement = new PairMatrix(m_tabs);
  m_agreement->setTitle(tr("Agreement of the rankings"));
  m_agreement->setAccessibleName(tr("Agreement of the rankings"));
  m_agreement->setEmptyText(tr("How far the rankings agree comes when all criteria have been measured."));
  m_curve = new LossCurve(m_tabs);
  m_curve->setAccessibleName(tr("Accuracy as more goes"));
  m_tabs->addTab(m_matrix, tr("Scores"));
  m_tabs->addTab(m_agreement, tr("Agreement and time"));
  m_tabs->addTab(m_curve, tr("Removal curve"));
  m_chosen = new QLabel(m_tabs);
  m_chosen->setContentsMargins(0, 0, 0, kGrid / 2);
  m_tabs->setCornerWidget(m_chosen);
  layout->addWidget(m_tabs, 1);
  m_caption = new QLabel(content);
  m_caption->setWordWrap(true);
  layout->addWidget(m_caption);
  setContent(content);
  follow(m_matrix);
  follow(m_agreement);
  follow(m_curve);

  connect(m_of, &QComboBox::currentIndexChanged, this, &HeadsPage::refresh);
  connect(m_tabs, &QTabWidget::currentChanged, this, &HeadsPage::showCaption);
  connect(m_measure, &QPushButton::clicked, this, &HeadsPage::measureOrCancel);
  connect(m_matrix, &HeadMatrix::headToggled, this, &HeadsPage::toggle);
  connect(m_matrix, &HeadMatrix::headSelected, this, [this](LayerIndex layer, HeadIndex head) {
    if (of() == kHeads) {
      this->session()->selection()->selectHead(layer.value, head.value);
    } else {
      this->session()->selection()->selectLayer(layer.value);
    }
  });
  connect(session->selection(), &Selection::changed, this, [this](const SelectionState& now) {
    if (of() == kHeads && now.layer >= 0 && now.head >= 0)
      m_matrix->setCurrent(LayerIndex(now.layer), HeadIndex(now.head));
  });
  connect(session->recipe(), &RecipeDocument::changed, this, &HeadsPage::showPruned);
  connect(session, &Session::modelOpening, this, &HeadsPage::showModelMissing);
  connect(session, &Session::modelFailed, this, &HeadsPage::refresh);
  connect(session, &Session::modelChanged, this, &HeadsPage::modelChanged);
  connect(session, &Session::taskChanged, this, &HeadsPage::modelChanged);
  const auto recolor = [this] {
    const QString style = QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name());
    m_caption->setStyleSheet(style);
    m_chosen->setStyleSheet(style);
  };
  connect(&Theme::instance(), &Theme::changed, this, recolor);
  recolor();
  refresh();
}

QString HeadsPage::of() const { return m_of->currentData().toString(); }

Chart* HeadsPage::mainChart() const { return qobject_cast<Chart*>(m_tabs->currentWidget()); }

void HeadsPage::activate() { m_tabs->currentWidget()->setFocus(); }

void HeadsPage::modelChanged() {
  forgetMeasurement();
  m_rankings.clear();
  refresh();
}

void HeadsPage::refresh() {
  if (showModelMissing() || showHeadsMissing()) return;
  const auto ranking = m_rankings.find(of());
  const bool known = ranking != m_rankings.end();
  m_measure->setText(isMeasuring() ? tr("Cancel") : tr("Measure"));
  for (QWidget* choice : std::initializer_list<QWidget*>{m_examples, m_withCurve}) choice->setEnabled(!isMeasuring());
  m_perToken->setEnabled(!isMeasuring() && of() != kLayers);
  if (known) {
    showRanking(ranking->second);
    showContent();
  } else if (isMeasuring() && m_measuring == of()) {
    showBusy(tr("Measuring on %1 …").arg(session()->task()->name));
  } else if (!session()->task()) {
    showEmpty(tr("Importance is measured on labelled examples: open a task first."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
  } else if (m_rankings.empty() && !isMeasuring()) {
    showEmpty(tr("See which heads matter, by seven criteria side by side, measured on %1 of %2.")
                  .arg(m_examples->currentText(), session()->task()->name),
              tr("Measure the heads"), [this] { measure(); });
  } else {
    showRanking({});
    m_matrix->setEmptyText(isMeasuring() ? tr("Wait for the measurement that runs, then press Measure.")
                                         : tr("Not measured yet: press Measure."));
    showContent();
  }
}

void HeadsPage::measure() {
  if (!session()->model() || !session()->task() || isMeasuring()) return;
  JobSpec spec = session()->jobSpec("importance");
  m_measuring = of();
  spec.settings["of"] = m_measuring.toStdString();
  spec.settings["max_examples"] = m_examples->currentData().toInt();
  spec.settings["average"] = m_perToken->isChecked() && m_measuring != kLayers ? "token" : "example";
  // The curve is one of accuracy.
  spec.settings["curve"] = m_withCurve->isChecked() && !session()->task()->labels.isEmpty();
  m_rankings.erase(m_measuring);
  start(spec, tr("Importance of %1").arg(m_of->currentText()),
        {.piece = [this, of = m_measuring](const Json& piece) { takePiece(of, piece); },
         .answer = [this, of = m_measuring](const Json& answer) { takeAnswer(of, answer); }});
}

void HeadsPage::takePiece(const QString& of, const Json& piece) {
  const auto kind = json_get_or<std::string>(piece, "kind", "", "importance");
  if (kind == "point") {
    const QString id = QString::fromStdString(json_get<std::string>(piece, "criterion", "importance"));
    const auto point = addPoint(m_rankings[of], id, json_get<Json>(piece, "point", "importance"));
    if (point && of == this->of()) m_curve->addPoint(criterionName(id), point->x(), point->y());
  } else if (kind == "criterion") {
    addCriterion(m_rankings[of], json_get<Json>(piece, "criterion", "importance"));
    refresh();
  }
}

void HeadsPage::takeAnswer(const QString& of, const Json& answer) {
  m_rankings[of] = readRanking(answer);
  refresh();
}

void HeadsPage::showRanking(const Ranking& ranking) {
  const bool there = std::ranges::find(ranking.criteria, m_criterion, &CriterionRanking::id) != ranking.criteria.end();
  if (!there) m_criterion = ranking.criteria.empty() ? QString() : ranking.criteria.front().id;
  showThumbnails(ranking);
  showAgreement(ranking);
  showCurve(ranking);
  showCriterion();
  showCaption();
}

void HeadsPage::showThumbnails(const Ranking& ranking) {
  while (m_thumbnails.size() > ranking.criteria.size()) {
    delete m_thumbnails.back();
    m_thumbnails.pop_back();
  }
  while (m_thumbnails.size() < ranking.criteria.size()) {
    auto* small = new HeadMatrix(this);
    small->setCompact(true);
    small->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    connect(small, &HeadMatrix::activated, this, [this, at = m_thumbnails.size()] {
      const auto shown = m_rankings.find(of());
      if (shown == m_rankings.end() || at >= shown->second.criteria.size()) return;
      m_criterion = shown->second.criteria[at].id;
      m_tabs->setCurrentWidget(m_matrix);
      showRanking(shown->second);
    });
    follow(small);
    m_strip->insertWidget(static_cast<int>(m_thumbnails.size()), small);
    m_thumbnails.push_back(small);
  }
  for (size_t i = 0; i < ranking.criteria.size(); ++i) {
    const CriterionRanking& criterion = ranking.criteria[i];
    HeadScores scores = pictureOf(criterion, of(), session()->model()->model.architecture);
    const QString title = scores.criterion;
    scores.criterion = criterionName(criterion.id);
    m_thumbnails[i]->setScores(scores);
    m_thumbnails[i]->setChosen(criterion.id == m_criterion);
    m_thumbnails[i]->setTitle(title);
    m_thumbnails[i]->setConditions(session()->conditions());
    m_thumbnails[i]->setToolTip(tr("%1; %2 s. Click to show it large.").arg(title, formatFixed(criterion.seconds, 1)));
  }
}

void HeadsPage::showAgreement(const Ranking& ranking) {
  PairValues pairs;
  if (!ranking.agreement.empty()) {
    pairs.quantity = tr("tau-b");
    pairs.rowAxis = tr("criterion, time");
    pairs.values = ranking.agreement;
    pairs.low = -1;
    for (const CriterionRanking& criterion : ranking.criteria) {
      pairs.columns << criterionName(criterion.id);
      pairs.rows << tr("%1, %2 s").arg(criterionName(criterion.id), formatFixed(criterion.seconds, 1));
    }
  }
  m_agreement->setConditions(session()->conditions());
  m_agreement->setValues(pairs);
}

void HeadsPage::showCurve(const Ranking& ranking) {
  m_curve->clear();
  m_curve->setAxisNames(tr("%1 removed").arg(m_of->currentText()), tr("accuracy"));
  m_curve->setTitle(tr("Accuracy as %1 go").arg(m_of->currentText()));
  m_curve->setConditions(session()->conditions());
  m_curve->setEmptyText(isMeasuring() ? tr("The curves come when all criteria have been measured.")
                                      : tr("Tick Curve and measure again to see what accuracy is left."));
  for (const CriterionRanking& criterion : ranking.criteria) {
    for (const QPointF& point : criterion.curve) m_curve->addPoint(criterionName(criterion.id), point.x(), point.y());
  }
}

const CriterionRanking* HeadsPage::shownCriterion() const {
  const auto shown = m_rankings.find(of());
  if (shown == m_rankings.end()) return nullptr;
  const auto found = std::ranges::find(shown->second.criteria, m_criterion, &CriterionRanking::id);
  return found == shown->second.criteria.end() ? nullptr : &*found;
}

void HeadsPage::showCriterion() {
  if (const CriterionRanking* criterion = shownCriterion()) {
    m_matrix->setConditions(session()->conditions());
    m_matrix->setScores(pictureOf(*criterion, of(), session()->model()->model.architecture));
  } else {
    m_matrix->clear();
  }
  showPruned();
}

QString HeadsPage::captionOf(const Ranking& ranking) const {
  if (ranking.criteria.empty()) return {};
  const QString measured = ranking.examples > 0
                               ? tr(" Measured on %1 examples of %2.").arg(formatCount(ranking.examples), ranking.split)
                               : QString();
  if (m_tabs->currentWidget() == m_agreement) {
    return tr("Kendall's tau-b of two rankings: 1 is the same order, 0 none in common, −1 the reverse.") + measured;
  }
  if (m_tabs->currentWidget() == m_curve) {
    QStringList going;
    for (const CriterionRanking& criterion : ranking.criteria) {
      if (criterion.curve.empty()) continue;
      going << QStringLiteral("%1 %2").arg(criterionName(criterion.id)).arg(criterion.within);
    }
    if (going.isEmpty() || ranking.curveExamples == 0) return {};
    return tr("Gates close in the order of each criterion, the least important first; nothing is trained. How many can "
              "go for a loss of %1 points of accuracy on %2 examples of %3: %4.")
        .arg(QString::number(100 * ranking.tolerance), formatCount(ranking.curveExamples), ranking.curveSplit,
             going.join(QStringLiteral(", ")));
  }
  const CriterionRanking* criterion = shownCriterion();
  if (!criterion) return {};
  const QString click = of() == kHeads   ? tr(" Click a head to prune or keep it in the recipe.")
                        : of() == kUnits ? tr(" Click a group to prune or keep its units in the recipe.")
                                         : tr(" Click a layer to prune or keep it in the recipe.");
  return tr("%1; a larger score says: keep it.").arg(criterionTitle(*criterion)) + measured + click;
}

void HeadsPage::showCaption() {
  const auto shown = m_rankings.find(of());
  m_caption->setText(shown == m_rankings.end() ? QString() : captionOf(shown->second));
}

void HeadsPage::toggle(LayerIndex layer, HeadIndex column) {
  RecipeDocument* recipe = session()->recipe();
  if (of() == kHeads) {
    recipe->toggleHead(layer.value, column.value);
  } else if (of() == kLayers) {
    recipe->toggleLayer(layer.value);
  } else if (const CriterionRanking* criterion = shownCriterion()) {
    const std::vector<std::vector<int>> groups = unitGroups(criterion->scores.at(static_cast<size_t>(layer.value)));
    const std::vector<int>& group = groups.at(static_cast<size_t>(column.value));
    recipe->toggleUnits(layer.value, {group.begin(), group.end()});
  }
}

void HeadsPage::strike(HeadMatrix* picture, const CriterionRanking& criterion) const {
  const RecipeDocument* recipe = session()->recipe();
  std::set<HeadPosition> pruned, partly;
  if (of() == kHeads) {
    for (const auto& [layer, head] : recipe->chosenHeads()) pruned.insert({LayerIndex(layer), HeadIndex(head)});
  } else if (of() == kLayers) {
    for (const int layer : recipe->chosenLayers()) pruned.insert({LayerIndex(layer), HeadIndex(0)});
  } else if (const HeadSet units = recipe->chosenUnits(); !units.empty()) {
    for (size_t layer = 0; layer < criterion.scores.size(); ++layer) {
      const std::vector<std::vector<int>> groups = unitGroups(criterion.scores[layer]);
      for (size_t group = 0; group < groups.size(); ++group) {
        const auto gone = std::ranges::count_if(groups[group], [&](int unit) {
          return units.contains({static_cast<int>(layer), unit});
        });
        if (gone == 0) continue;
        const bool all = gone == std::ssize(groups[group]);
        (all ? pruned : partly)
            .insert({LayerIndex(static_cast<int64_t>(layer)), HeadIndex(static_cast<int64_t>(group))});
      }
    }
  }
  picture->setPruned(pruned, partly);
}

void HeadsPage::showPruned() {
  const auto shown = m_rankings.find(of());
  if (shown != m_rankings.end()) {
    if (const CriterionRanking* criterion = shownCriterion()) strike(m_matrix, *criterion);
    const std::vector<CriterionRanking>& criteria = shown->second.criteria;
    for (size_t i = 0; i < std::min(m_thumbnails.size(), criteria.size()); ++i) strike(m_thumbnails[i], criteria[i]);
  }
  if (!session()->model()) return;
  const RecipeDocument* recipe = session()->recipe();
  int64_t total = 0;
  for (const LayerSpec& layer : session()->model()->model.architecture.layers) {
    total += of() == kHeads ? layer.attention.num_heads() : of() == kUnits ? layer.ffn.width : 1;
  }
  const size_t chosen = of() == kHeads   ? recipe->chosenHeads().size()
                        : of() == kUnits ? recipe->chosenUnits().size()
                                         : recipe->chosenLayers().size();
  const QString none = of() == kHeads   ? tr("No head is chosen in the recipe")
                       : of() == kUnits ? tr("No unit is chosen in the recipe")
                                        : tr("No layer is chosen in the recipe");
  const QString some = of() == kHeads   ? tr("%1 of %2 heads go in the recipe")
                       : of() == kUnits ? tr("%1 of %2 units go in the recipe")
                                        : tr("%1 of %2 layers go in the recipe");
  m_chosen->setText(chosen == 0 ? none : some.arg(formatCount(static_cast<int64_t>(chosen)), formatCount(total)));
}

}  // namespace espalier
