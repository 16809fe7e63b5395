#include "app/workbench/pages/heads_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

#include "app/workbench/pages/what_if_line.h"
#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

// As many examples as the release of the paper's code uses at the least for a stable ranking on small sets.
constexpr int kMaxExamples = 1000;

}  // namespace

HeadsPage::HeadsPage(Session* session, QWidget* parent) : Page(session, QStringLiteral("heads"), tr("Heads"), parent) {
  auto* content = new QWidget(this);
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(2 * kGrid, kGrid, 2 * kGrid, kGrid);
  layout->setSpacing(kGrid);
  auto* top = new QHBoxLayout;
  top->setSpacing(kGrid);
  auto* label = new QLabel(tr("Importance"), content);
  m_average = new QComboBox(content);
  m_average->addItem(tr("per example (Michel 2019)"), QStringLiteral("example"));
  m_average->addItem(tr("per token (its code)"), QStringLiteral("token"));
  m_average->setToolTip(tr(
      "Whether the absolute value of the gate's gradient is taken of each example, as Michel, Levy and Neubig (2019) "
      "write, or of each token, as the code released with the paper does."));
  m_average->setAccessibleName(tr("How importance is averaged"));
  label->setBuddy(m_average);
  m_again = new QPushButton(tr("Measure"), content);
  top->addWidget(label);
  top->addWidget(m_average);
  top->addWidget(m_again);
  top->addStretch();
  m_chosen = new QLabel(content);
  top->addWidget(m_chosen);
  layout->addLayout(top);
  m_matrix = new HeadMatrix(content);
  m_matrix->setTitle(tr("Importance of the heads"));
  layout->addWidget(m_matrix, 1);
  m_caption = new QLabel(content);
  m_caption->setWordWrap(true);
  layout->addWidget(new WhatIfLine(session, content));
  layout->addWidget(m_caption);
  setContent(content);
  follow(m_matrix);

  connect(m_average, &QComboBox::currentIndexChanged, this, &HeadsPage::refresh);
  connect(m_again, &QPushButton::clicked, this, &HeadsPage::measure);
  connect(m_matrix, &HeadMatrix::headToggled, this,
          [this](LayerIndex layer, HeadIndex head) { this->session()->recipe()->toggleHead(layer.value, head.value); });
  connect(m_matrix, &HeadMatrix::headSelected, this, [this](LayerIndex layer, HeadIndex head) {
    this->session()->selection()->selectHead(layer.value, head.value);
  });
  connect(session->selection(), &Selection::changed, this, [this](const SelectionState& now) {
    if (now.layer >= 0 && now.head >= 0) m_matrix->setCurrent(LayerIndex(now.layer), HeadIndex(now.head));
  });
  connect(session->recipe(), &RecipeDocument::changed, this, &HeadsPage::showPruned);
  connect(session, &Session::modelOpening, this, &HeadsPage::showModelMissing);
  connect(session, &Session::modelFailed, this, &HeadsPage::refresh);
  connect(session, &Session::modelChanged, this, &HeadsPage::modelChanged);
  connect(session, &Session::taskChanged, this, &HeadsPage::modelChanged);
  connect(&Theme::instance(), &Theme::changed, this, [this] {
    m_caption->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  });
  m_caption->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  refresh();
}

QString HeadsPage::average() const { return m_average->currentData().toString(); }

void HeadsPage::activate() { m_matrix->setFocus(); }

void HeadsPage::modelChanged() {
  ++m_generation;
  m_scores.clear();
  m_captions.clear();
  if (m_job) session()->jobs()->cancel(m_job);
  m_job = 0;
  refresh();
}

void HeadsPage::refresh() {
  if (showModelMissing() || showHeadsMissing()) return;
  const auto scores = m_scores.find(average());
  m_again->setVisible(scores == m_scores.end());
  if (m_job && scores == m_scores.end()) {
    showBusy(tr("Measuring the heads on %1 …").arg(session()->task()->name));
    return;
  }
  if (scores == m_scores.end()) {
    if (!session()->task()) {
      showEmpty(tr("Importance is measured on labelled examples: open a task first."), tr("Open a task …"),
                [this] { Q_EMIT openTaskAsked(); });
    } else if (m_scores.empty()) {
      showEmpty(tr("See which heads the loss depends on, measured on up to %1 examples of %2.")
                    .arg(kMaxExamples)
                    .arg(session()->task()->name),
                tr("Measure the heads"), [this] { measure(); });
    } else {
      m_matrix->clear();
      m_matrix->setEmptyText(tr("Not measured in this way yet."));
      m_caption->clear();
      showContent();
    }
    return;
  }
  m_matrix->setConditions(session()->conditions());
  m_matrix->setScores(scores->second);
  m_caption->setText(m_captions[average()]);
  showPruned();
  showContent();
}

void HeadsPage::measure() {
  if (!session()->model() || !session()->task() || m_job) return;
  JobSpec spec = session()->jobSpec("head_importance");
  const QString way = average();
  spec.settings["average"] = way.toStdString();
  spec.settings["max_examples"] = kMaxExamples;
  const quint64 generation = m_generation;
  JobCallbacks callbacks;
  callbacks.done = [this, way, generation](const Json& answer) {
    if (generation != m_generation) return;
    m_job = 0;
    takeAnswer(way, answer);
  };
  callbacks.failed = [this, generation](const ErrorInfo& error) {
    if (generation != m_generation) return;
    m_job = 0;
    showError(error, tr("Try again"), [this] { measure(); });
    refresh();
  };
  callbacks.cancelled = [this, generation] {
    if (generation != m_generation) return;
    m_job = 0;
    refresh();
  };
  bar()->clear();
  m_job = session()->jobs()->start(spec, JobLane::Work, tr("Importance of heads"), this, std::move(callbacks));
  refresh();
}

void HeadsPage::takeAnswer(const QString& way, const Json& answer) {
  try {
    const auto rows = json_get<std::vector<std::vector<double>>>(answer, "heads", "head_importance");
    const auto kept = json_get_or<std::vector<std::vector<int>>>(answer, "kept", {}, "head_importance");
    HeadScores scores;
    scores.criterion =
        tr("Gradient of the gates, %1").arg(way == QLatin1String("token") ? tr("per token") : tr("per example"));
    scores.unit = tr("share of the layer's norm");
    scores.layers = static_cast<int>(rows.size());
    for (size_t layer = 0; layer < rows.size(); ++layer) {
      for (size_t i = 0; i < rows[layer].size(); ++i) {
        const int head = layer < kept.size() && i < kept[layer].size() ? kept[layer][i] : static_cast<int>(i);
        scores.values[{LayerIndex(static_cast<int64_t>(layer)), HeadIndex(head)}] = rows[layer][i];
        scores.heads = std::max(scores.heads, head + 1);
      }
    }
    m_scores[way] = std::move(scores);
    const auto examples = json_get_or<int64_t>(answer, "examples", 0, "head_importance");
    const auto seconds = json_get_or<double>(answer, "seconds", 0, "head_importance");
    const auto accuracy = json_get_or<double>(answer, "accuracy", RunRow::kUnknown, "head_importance");
    m_captions[way] = tr("Absolute gradient of the loss with respect to each head's gate, mean of %1 examples, each "
                         "layer scaled to norm 1; %2 s; accuracy on these examples %3. Click a head to prune or keep "
                         "it in the recipe.")
                          .arg(formatCount(examples), formatNumber(seconds), percentText(accuracy));
  } catch (...) {
    showError(current_error_info(), tr("Try again"), [this] { measure(); });
  }
  refresh();
}

void HeadsPage::showPruned() {
  const HeadSet chosen = session()->recipe()->chosenHeads();
  std::set<HeadPosition> pruned;
  for (const auto& [layer, head] : chosen) pruned.insert({LayerIndex(layer), HeadIndex(head)});
  m_matrix->setPruned(pruned);
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
