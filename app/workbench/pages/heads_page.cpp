#include "app/workbench/pages/heads_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTabWidget>

#include "app/workbench/pages/what_if_line.h"
#include "widgets/charts/loss_curve.h"
#include "widgets/charts/pair_matrix.h"
#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

const QString kHeads = QStringLiteral("heads");
constexpr int kExampleCounts[] = {100, 200, 500, 1000};
constexpr int kFirstCount = 1;  // of them

}  // namespace

HeadsPage::HeadsPage(Session* session, QWidget* parent) : Page(session, kHeads, tr("Heads"), parent) {
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
  m_of->addItem(tr("feed-forward units"), QStringLiteral("units"));
  m_of->addItem(tr("whole layers"), QStringLiteral("layers"));
  ofLabel->setBuddy(m_of);
  auto* onLabel = new QLabel(tr("on"), content);
  m_examples = new QComboBox(content);
  m_examples->setAccessibleName(tr("Examples to measure on"));
  for (const int count : kExampleCounts) m_examples->addItem(tr("%1 examples").arg(formatCount(count)), count);
  m_examples->setCurrentIndex(kFirstCount);
  m_examples->setToolTip(tr("More examples make the rankings steadier, and take longer in proportion."));
  onLabel->setBuddy(m_examples);
  m_withCurve = new QCheckBox(tr("Removal curve"), content);
  m_withCurve->setChecked(true);
  m_withCurve->setToolTip(
      tr("Closes more and more of them, in the order of each criterion, and measures the accuracy "
         "that is left."));
  m_measure = new QPushButton(content);
  m_measure->setObjectName(QStringLiteral("measureHeads"));
  for (QWidget* widget : std::initializer_list<QWidget*>{ofLabel, m_of, onLabel, m_examples, m_withCurve, m_measure}) {
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
  layout->addWidget(new WhatIfLine(session, content));
  layout->addWidget(m_caption);
  setContent(content);
  follow(m_matrix);
  follow(m_agreement);
  follow(m_curve);

  connect(m_of, &QComboBox::currentIndexChanged, this, &HeadsPage::refresh);
  connect(m_tabs, &QTabWidget::currentChanged, this, &HeadsPage::showCaption);
  connect(m_measure, &QPushButton::clicked, this, [this] {
    if (m_job) {
      this->session()->jobs()->cancel(m_job);
    } else {
      measure();
    }
  });
  connect(m_matrix, &HeadMatrix::headToggled, this,
          [this](LayerIndex layer, HeadIndex head) { this->session()->recipe()->toggleHead(layer.value, head.value); });
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
  ++m_generation;
  m_rankings.clear();
  if (m_job) session()->jobs()->cancel(m_job);
  m_job = 0;
  refresh();
}

void HeadsPage::refresh() {
  if (showModelMissing() || showHeadsMissing()) return;
  const auto ranking = m_rankings.find(of());
  const bool known = ranking != m_rankings.end();
  m_measure->setText(m_job ? tr("Cancel") : known ? tr("Measure again") : tr("Measure"));
  for (QWidget* choice : std::initializer_list<QWidget*>{m_examples, m_withCurve}) choice->setEnabled(!m_job);
  if (known) {
    showRanking(ranking->second);
    showContent();
  } else if (m_job && m_measuring == of()) {
    showBusy(tr("Measuring on %1 …").arg(session()->task()->name));
  } else if (!session()->task()) {
    showEmpty(tr("Importance is measured on labelled examples: open a task first."), tr("Open a task …"),
              [this] { Q_EMIT openTaskAsked(); });
  } else if (m_rankings.empty() && !m_job) {
    showEmpty(tr("See which heads matter, by seven criteria side by side, measured on %1 of %2.")
                  .arg(m_examples->currentText(), session()->task()->name),
              tr("Measure the heads"), [this] { measure(); });
  } else {
    showRanking({});
    m_matrix->setEmptyText(m_job ? tr("Wait for the measurement that runs, then press Measure.")
                                 : tr("Not measured yet: press Measure."));
    showContent();
  }
}

void HeadsPage::measure() {
  if (!session()->model() || !session()->task() || m_job) return;
  JobSpec spec = session()->jobSpec("importance");
  m_measuring = of();
  spec.settings["of"] = m_measuring.toStdString();
  spec.settings["max_examples"] = m_examples->currentData().toInt();
  // The curve is one of accuracy.
  spec.settings["curve"] = m_withCurve->isChecked() && !session()->task()->labels.isEmpty();
  JobCallbacks callbacks;
  const auto ended = [this, generation = m_generation] {
    if (generation != m_generation) return false;
    m_job = 0;
    return true;
  };
  callbacks.result = [this, of = m_measuring, generation = m_generation](const Json& piece) {
    if (generation == m_generation) takePiece(of, piece);
  };
  callbacks.done = [this, ended, of = m_measuring](const Json& answer) {
    if (ended()) takeAnswer(of, answer);
  };
  callbacks.failed = [this, ended](const ErrorInfo& error) {
    if (!ended()) return;
    showError(error, tr("Try again"), [this] { measure(); });
    refresh();
  };
  callbacks.cancelled = [this, ended] {
    if (ended()) refresh();
  };
  bar()->clear();
  m_rankings.erase(m_measuring);
  m_job = session()->jobs()->start(spec, JobLane::Work, tr("Importance of %1").arg(m_of->currentText()), this,
                                   std::move(callbacks));
  refresh();
}

void HeadsPage::takePiece(const QString& of, const Json& piece) {
  try {
    if (json_get_or<std::string>(piece, "kind", "", "importance") != "criterion") return;
    addCriterion(m_rankings[of], json_get<Json>(piece, "criterion", "importance"));
  } catch (...) {
    showError(current_error_info(), tr("Try again"), [this] { measure(); });
  }
  refresh();
}

void HeadsPage::takeAnswer(const QString& of, const Json& answer) {
  try {
    m_rankings[of] = readRanking(answer);
  } catch (...) {
    showError(current_error_info(), tr("Try again"), [this] { measure(); });
  }
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
  m_curve->setEmptyText(m_job ? tr("The curves come when all criteria have been measured.")
                              : tr("Tick Removal curve and measure again to see what accuracy is left."));
  for (const CriterionRanking& criterion : ranking.criteria) {
    for (const QPointF& point : criterion.curve) m_curve->addPoint(criterionName(criterion.id), point.x(), point.y());
  }
}

void HeadsPage::showCriterion() {
  const auto shown = m_rankings.find(of());
  m_chosen->setVisible(of() == kHeads);
  if (shown != m_rankings.end()) {
    for (const CriterionRanking& criterion : shown->second.criteria) {
      if (criterion.id != m_criterion) continue;
      m_matrix->setConditions(session()->conditions());
      m_matrix->setScores(pictureOf(criterion, of(), session()->model()->model.architecture));
      return showPruned();
    }
  }
  m_matrix->clear();
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
  const QString click = of() == kHeads ? tr(" Click a head to prune or keep it in the recipe.") : QString();
  return tr("%1; a larger score says: keep it.").arg(criterionTitle(m_criterion)) + measured + click;
}

void HeadsPage::showCaption() {
  const auto shown = m_rankings.find(of());
  m_caption->setText(shown == m_rankings.end() ? QString() : captionOf(shown->second));
}

void HeadsPage::showPruned() {
  const HeadSet chosen = of() == kHeads ? session()->recipe()->chosenHeads() : HeadSet();
  std::set<HeadPosition> pruned;
  for (const auto& [layer, head] : chosen) pruned.insert({LayerIndex(layer), HeadIndex(head)});
  m_matrix->setPruned(pruned);
  for (HeadMatrix* small : m_thumbnails) small->setPruned(pruned);
  int total = 0;
  if (session()->model()) {
    for (const LayerSpec& layer : session()->model()->model.architecture.layers) {
      total += static_cast<int>(layer.attention.num_heads());
    }
  }
  m_chosen->setText(chosen.empty() ? tr("No head is chosen in the recipe")
                                   : tr("%1 of %2 heads go in the recipe").arg(chosen.size()).arg(total));
}

}  // namespace espalier
