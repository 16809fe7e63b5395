#include "app/workbench/pages/compare_page.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

#include "app/workbench/run_picker.h"
#include "widgets/charts/answers_view.h"
#include "widgets/panels/calm_views.h"
#include "widgets/panels/weight_maps.h"

namespace espalier {

namespace {

// Room for three maps beside one another.
constexpr int kWidePage = 140 * kGrid;

// A head's weights as a matrix: (tokens, tokens).
WeightPtr headWeights(const AttentionData& attention, LayerIndex layer, HeadIndex head) {
  const int row = attention.rowOf(layer, head);
  if (row < 0) return nullptr;
  const int64_t n = attention.size();
  const auto values = attention.layers[static_cast<size_t>(layer.value)].values<float>().subspan(
      static_cast<size_t>(row * n * n), static_cast<size_t>(n * n));
  return share(Dense{Tensor::from({n, n}, std::vector<float>(values.begin(), values.end()))});
}

WeightPtr differenceOf(const Weight& before, const Weight& after) {
  const Tensor& first = before.as<Dense>()->values;
  const std::span<const float> from = first.values<float>(), to = after.as<Dense>()->values.values<float>();
  std::vector<float> values(from.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = to[i] - from[i];
  return share(Dense{Tensor::from(first.shape(), std::move(values))});
}

HeadPosition mostChanged(const HeadScores& scores) {
  const auto most = std::max_element(scores.values.begin(), scores.values.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == scores.values.end() ? HeadPosition{LayerIndex(0), HeadIndex(0)} : most->first;
}

}  // namespace

HeadScores attentionChange(const AttentionData& before, const AttentionData& after) {
  HeadScores scores;
  scores.criterion = QObject::tr("Change of attention");
  scores.unit = QObject::tr("total variation");
  scores.layers = before.layerCount();
  scores.heads = before.columnCount();
  const auto n = static_cast<size_t>(before.size());
  if (after.size() != before.size() || n == 0) return scores;
  for (int l = 0; l < scores.layers; ++l) {
    for (int h = 0; h < scores.heads; ++h) {
      const LayerIndex layer(l);
      const HeadIndex head(h);
      const int first = before.rowOf(layer, head), second = after.rowOf(layer, head);
      if (first < 0 || second < 0) continue;
      const float* a =
          before.layers[static_cast<size_t>(l)].values<float>().data() + static_cast<size_t>(first) * n * n;
      const float* b =
          after.layers[static_cast<size_t>(l)].values<float>().data() + static_cast<size_t>(second) * n * n;
      double sum = 0;
      for (size_t i = 0; i < n * n; ++i) sum += std::abs(static_cast<double>(a[i]) - b[i]);
      scores.values[{layer, head}] = sum / (2 * static_cast<double>(n));
    }
  }
  return scores;
}

ComparePage::ComparePage(Session* session, QWidget* parent)
    : SentencePage(session, QStringLiteral("compare"), tr("Compare"),
                   {{.kind = "attention", .title = tr("Attention before")},
                    {.kind = "attention", .title = tr("Attention after")},
                    {.kind = "saliency", .title = tr("Saliency before")},
                    {.kind = "saliency", .title = tr("Saliency after"), .atOnce = false}},
                   {.asking = tr("Asking both models …"), .none = tr("Nothing to compare.")}, parent) {
  auto* controls = new QHBoxLayout;
  controls->setSpacing(kGrid);
  auto* label = new QLabel(tr("Compare with"), this);
  m_run = new RunPicker(session, {}, this);
  label->setBuddy(m_run);
  controls->addWidget(label);
  controls->addWidget(m_run, 1);
  m_words = new QCheckBox(tr("Whole words"), this);
  m_words->setToolTip(tr("Adds the scores of a word's pieces up."));
  controls->addWidget(m_words);
  auto* hideSpecial = new QCheckBox(tr("Hide special tokens"), this);
  hideSpecial->setChecked(true);
  controls->addWidget(hideSpecial);
  contentLayout()->addLayout(controls);

  auto* splitter = new QSplitter(Qt::Vertical, this);
  splitter->setChildrenCollapsible(false);
  auto* scroll = new QScrollArea(splitter);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setAccessibleName(tr("Answers and words"));
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* top = new QWidget(scroll);
  auto* topLayout = new QVBoxLayout(top);
  topLayout->setContentsMargins(0, 0, 0, 0);
  m_answers = new AnswersView(top);
  m_rows = new SaliencyRows(top);
  m_rows->setHideSpecial(true);
  m_rows->setTitle(tr("Which words decided, before and after"));
  topLayout->addWidget(m_answers);
  topLayout->addWidget(m_rows);
  topLayout->addStretch();
  scroll->setWidget(top);
  splitter->addWidget(scroll);

  auto* heads = new QSplitter(Qt::Horizontal, splitter);
  heads->setChildrenCollapsible(false);
  m_matrix = new HeadMatrix(heads);
  m_matrix->setTitle(tr("Change of attention"));
  m_matrix->setEmptyText(tr("The change of every head's attention appears here."));
  heads->addWidget(m_matrix);
  auto* right = new QWidget(heads);
  auto* rightLayout = new QVBoxLayout(right);
  rightLayout->setContentsMargins(kGrid, 0, 0, 0);
  auto* kinds = new QHBoxLayout;
  m_headTitle = new ElidedLabel(Qt::ElideRight, right);
  kinds->addWidget(m_headTitle, 1);
  m_maps = new WeightMaps(right);
  const QString names[] = {tr("Before"), tr("After"), tr("Difference")};
  for (int kind = 0; kind < 3; ++kind) {
    auto* button = new QToolButton(right);
    button->setText(names[kind]);
    button->setCheckable(true);
    button->setToolTip(tr("Shows or hides this map."));
    kinds->addWidget(button);
    m_kinds.push_back(button);
    connect(button, &QToolButton::toggled, this,
            [this, kind](bool on) { m_maps->setShown(static_cast<WeightMaps::Kind>(kind), on); });
    button->setChecked(true);
  }
  rightLayout->addLayout(kinds);
  rightLayout->addWidget(m_maps, 1);
  heads->addWidget(right);
  heads->setSizes({40 * kGrid, 44 * kGrid});
  splitter->addWidget(heads);
  splitter->setSizes({30 * kGrid, 36 * kGrid});
  contentLayout()->addWidget(splitter, 1);
  follow(m_answers);
  follow(m_rows);
  follow(m_matrix);
  for (const auto kind : {WeightMaps::Before, WeightMaps::After, WeightMaps::Difference}) {
    m_maps->map(kind)->setEmptyText(tr("Choose a head at the left."));
    follow(m_maps->map(kind));
  }

  connect(m_run, &RunPicker::runChanged, this, [this] {
    forgetModel();
    invalidate();
  });
  connect(hideSpecial, &QCheckBox::toggled, m_rows, &SaliencyRows::setHideSpecial);
  connect(m_words, &QCheckBox::toggled, this, &ComparePage::showWords);
  connect(m_matrix, &HeadMatrix::headSelected, this, [this](LayerIndex layer, HeadIndex head) {
    this->session()->selection()->selectHead(layer.value, head.value);
  });
  connect(session->selection(), &Selection::changed, this,
          [this](const SelectionState& now, const SelectionState& before) {
            if (now.layer != before.layer || now.head != before.head) showHead();
          });
}

Chart* ComparePage::mainChart() const { return m_rows; }

bool ComparePage::showNothing() {
  if (showModelMissing()) return true;
  if (m_run->run()) return false;
  showEmpty(tr("A run stands beside the open model here. Build a recipe at the right and run it first."),
            tr("Run the recipe"), [this] { Q_EMIT runAsked(); });
  return true;
}

bool ComparePage::fillJob(size_t question, JobSpec& spec) {
  const RunRow* run = m_run->run();
  if (!run) return false;
  if (question == AttentionAfter || question == SaliencyAfter) spec.settings["model"] = run->bundle.toStdString();
  if (question == AttentionBefore || question == AttentionAfter) {
    if (!session()->hasHeads()) return false;
    spec.output_folder = session()->makeJobFolder();
  }
  // Both explain the label that the open model gives.
  if (question == SaliencyAfter) spec.settings["label"] = m_saliencyBefore.explained;
  return true;
}

void ComparePage::setEmptyText(const QString& sentence) {
  m_answers->setEmptyText(sentence);
  m_rows->setEmptyText(sentence);
  m_matrix->setEmptyText(session()->hasHeads() ? sentence : tr("This model has no attention heads."));
}

void ComparePage::forgetModel() {
  m_beforeReader.cancel();
  m_afterReader.cancel();
  m_differenceReader.cancel();
  m_saliencyBefore = m_saliencyAfter = {};
  m_attentionBefore = m_attentionAfter = nullptr;
  m_answers->clear();
  m_rows->clear();
  m_matrix->clear();
  m_maps->clear();
  m_headTitle->setFullText({});
}

void ComparePage::take(size_t question, const Json& answer) {
  try {
    if (question == AttentionBefore || question == AttentionAfter) {
      takeAttention(question, answer);
    } else {
      takeSaliency(question, answer);
    }
  } catch (...) {
    showAskError(current_error_info());
  }
}

void ComparePage::takeAttention(size_t question, const Json& answer) {
  const bool after = question == AttentionAfter;
  const std::string bundle = after && m_run->run() ? m_run->run()->bundle.toStdString() : std::string();
  BackgroundReader& reader = after ? m_afterReader : m_beforeReader;
  reader.start<AttentionPtr>(
      [answer, bundle, model = session()->model()](const CancelToken&) {
        return readAttention(answer, bundle.empty() ? model->model.architecture : open_model(bundle).architecture);
      },
      [this, after](const std::shared_ptr<AttentionPtr>& attention) {
        (after ? m_attentionAfter : m_attentionBefore) = *attention;
        compareAttention();
      },
      [this](const ErrorInfo& error) { showAskError(error); });
}

void ComparePage::takeSaliency(size_t question, const Json& answer) {
  const Sentence& sentence = session()->sentence()->sentence();
  if (question == SaliencyBefore) {
    m_saliencyBefore = readSaliency(answer, sentence);
    m_saliencyAfter = {};
    // Of the sentence before.
    m_attentionBefore =
        m_attentionBefore && m_attentionBefore->size() == static_cast<int64_t>(m_saliencyBefore.tokens.size())
            ? m_attentionBefore
            : nullptr;
    askOne(SaliencyAfter);
  } else {
    m_saliencyAfter = readSaliency(answer, sentence);
  }
  bar()->clear();
  m_answers->setConditions(session()->conditions());
  const LabelChances &chancesBefore = m_saliencyBefore.chances, &chancesAfter = m_saliencyAfter.chances;
  m_answers->setAnswers(chancesBefore.labels, {chancesBefore.probabilities, chancesBefore.logits},
                        {chancesAfter.probabilities, chancesAfter.logits});
  showWords();
}

void ComparePage::showWords() {
  if (m_saliencyBefore.tokens.empty()) return;
  SaliencyTable table;
  table.tokens = m_saliencyBefore.tokens;
  table.label = m_saliencyBefore.chances.nameOf(m_saliencyBefore.explained);
  table.rows.push_back({tr("before"), m_saliencyBefore.chances.verdict(), m_saliencyBefore.scores, 0});
  if (m_saliencyAfter.tokens.size() == m_saliencyBefore.tokens.size()) {
    std::vector<double> difference = m_saliencyAfter.scores;
    for (size_t i = 0; i < difference.size(); ++i) difference[i] -= m_saliencyBefore.scores[i];
    table.rows.push_back({tr("after"), m_saliencyAfter.chances.verdict(), m_saliencyAfter.scores, 0});
    table.rows.push_back({tr("after − before"), {}, std::move(difference), 0});
  }
  m_rows->setConditions(session()->conditions());
  m_rows->setTable(m_words->isChecked() ? asWords(table) : table);
}

void ComparePage::compareAttention() {
  if (!m_attentionBefore || !m_attentionAfter) return;
  if (m_attentionBefore->tokens != m_attentionAfter->tokens) {
    m_matrix->setEmptyText(tr("The two models cut the sentence into different tokens."));
    return;
  }
  m_differenceReader.start<HeadScores>([before = m_attentionBefore, after = m_attentionAfter](
                                           const CancelToken&) { return attentionChange(*before, *after); },
                                       [this](const std::shared_ptr<HeadScores>& scores) {
                                         m_matrix->setConditions(session()->conditions());
                                         m_change = *scores;
                                         m_matrix->setScores(m_change);
                                         showHead();
                                       },
                                       [this](const ErrorInfo& error) { showAskError(error); });
}

// The head of the selection, or the one that changed most.
void ComparePage::showHead() {
  if (m_matrix->isEmpty() || !m_attentionBefore || !m_attentionAfter) return;
  const SelectionState& state = session()->selection()->state();
  const auto [layer, head] = state.layer >= 0 && state.head >= 0
                                 ? HeadPosition{LayerIndex(state.layer), HeadIndex(state.head)}
                                 : mostChanged(m_change);
  m_matrix->setCurrent(layer, head);
  const WeightPtr before = headWeights(*m_attentionBefore, layer, head);
  const WeightPtr after = headWeights(*m_attentionAfter, layer, head);
  const QString name = tr("Layer %1, head %2").arg(layer.value).arg(head.value);
  m_headTitle->setFullText(before && !after ? tr("%1: removed by the run").arg(name) : name);
  if (!before) return m_maps->clear();
  MatrixLabels labels;
  labels.name = tr("%1: attention").arg(name);
  labels.rowAxis = tr("looking token");
  labels.columnAxis = tr("token looked at");
  labels.row = labels.column = [tokens = m_attentionBefore->tokens](int64_t at) {
    return at >= 0 && at < tokens.size() ? tokens[static_cast<qsizetype>(at)] : QString();
  };
  const bool first = m_maps->map(WeightMaps::Before)->isEmpty();
  m_maps->setSource(before, labels);
  if (first && width() < kWidePage) {
    m_kinds[WeightMaps::Before]->setChecked(false);
    m_kinds[WeightMaps::After]->setChecked(false);
  }
  if (after) {
    m_maps->setOther(after, differenceOf(*before, *after), labels, {tr("before"), tr("after"), tr("after − before")});
  }
}

}  // namespace espalier
