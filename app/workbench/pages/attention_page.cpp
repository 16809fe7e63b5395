#include "app/workbench/pages/attention_page.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include "app/workbench/pages/sentence_answers.h"
#include "widgets/charts/attention_head_view.h"
#include "widgets/charts/attention_overview.h"
#include "widgets/models/display_text.h"

namespace espalier {

namespace {
// Labels whose probability is told.
constexpr size_t kMostChances = 6;
}  // namespace

AttentionPage::AttentionPage(Session* session, QWidget* parent)
    : SentencePage(session, QStringLiteral("attention"), tr("Attention"),
                   {{.kind = "attention", .title = tr("Attention")}},
                   {.asking = tr("Computing the attention …"), .none = tr("No attention to show.")}, parent) {
  auto* splitter = new QSplitter(this);
  splitter->setChildrenCollapsible(false);
  m_overview = new AttentionOverview(splitter);
  m_overview->setTitle(tr("Attention of every head"));
  m_overview->setEmptyText(tr("Type a sentence above and press Return."));
  auto* right = new QWidget(splitter);
  auto* rightLayout = new QVBoxLayout(right);
  rightLayout->setContentsMargins(kGrid, 0, 0, 0);
  auto* controls = new QHBoxLayout;
  m_headTitle = new QLabel(right);
  controls->addWidget(m_headTitle);
  controls->addStretch();
  m_hideSpecial = new QCheckBox(tr("Hide special tokens"), right);
  m_hideSpecial->setToolTip(tr("Leaves out [CLS] and [SEP], which attract much of the attention."));
  controls->addWidget(m_hideSpecial);
  m_matrix = new QToolButton(right);
  m_matrix->setText(tr("Matrix"));
  m_matrix->setCheckable(true);
  m_matrix->setToolTip(tr("Shows the head as a matrix instead of lines."));
  controls->addWidget(m_matrix);
  rightLayout->addLayout(controls);
  m_head = new AttentionHeadView(right);
  m_head->setEmptyText(tr("Choose a head at the left."));
  rightLayout->addWidget(m_head, 1);
  splitter->addWidget(m_overview);
  splitter->addWidget(right);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);
  splitter->setSizes({60 * kGrid, 40 * kGrid});
  contentLayout()->addWidget(splitter, 1);
  m_prediction = new QLabel(this);
  m_prediction->setTextInteractionFlags(Qt::TextSelectableByMouse);
  contentLayout()->addWidget(m_prediction);
  follow(m_overview);
  follow(m_head);

  connect(m_hideSpecial, &QCheckBox::toggled, this, [this](bool hide) {
    m_overview->setHideSpecial(hide);
    m_head->setHideSpecial(hide);
  });
  connect(m_matrix, &QToolButton::toggled, this, [this](bool matrix) {
    m_head->setMode(matrix ? AttentionHeadView::Mode::Matrix : AttentionHeadView::Mode::Lines);
  });
  connect(m_overview, &AttentionOverview::headSelected, this, [this](LayerIndex layer, HeadIndex head) {
    this->session()->selection()->selectHead(layer.value, head.value);
  });
  connect(m_head, &AttentionHeadView::tokenHovered, this,
          [this](int token) { this->session()->selection()->selectToken(token); });
  connect(session->selection(), &Selection::changed, this, &AttentionPage::followSelection);
}

Chart* AttentionPage::mainChart() const { return m_head; }

// The weights travel as a file.
bool AttentionPage::fillJob(size_t, JobSpec& spec) {
  spec.output_folder = session()->makeJobFolder();
  return true;
}

bool AttentionPage::showNothing() { return showModelMissing() || showHeadsMissing(); }

void AttentionPage::setEmptyText(const QString& sentence) { m_overview->setEmptyText(sentence); }

void AttentionPage::forgetModel() {
  m_reader.cancel();
  m_overview->setAttention(nullptr);
  m_head->setAttention(nullptr);
  m_prediction->clear();
}

void AttentionPage::take(size_t, const Json& answer) {
  m_reader.start<AttentionPtr>(
      [answer, model = session()->model()](const CancelToken&) {
        return readAttention(answer, model->model.architecture);
      },
      [this, answer](const std::shared_ptr<AttentionPtr>& attention) { showAttention(*attention, answer); },
      [this](const ErrorInfo& error) { showAskError(error); });
}

void AttentionPage::showAttention(const AttentionPtr& attention, const Json& answer) {
  bar()->clear();
  m_overview->setConditions(session()->conditions());
  m_head->setConditions(session()->conditions());
  m_overview->setAttention(attention);
  m_head->setAttention(attention);
  if (session()->selection()->state().head < 0) session()->selection()->selectHead(0, 0);
  followSelection();
  const LabelChances chances = readChances(answer);
  QStringList said;
  for (size_t i = 0; i < chances.probabilities.size() && i < kMostChances; ++i) {
    said << QStringLiteral("%1 %2").arg(chances.nameOf(static_cast<int>(i)), percentText(chances.probabilities[i]));
  }
  m_prediction->setText(said.isEmpty() ? QString() : tr("The model says: %1").arg(said.join(QStringLiteral(", "))));
  m_prediction->setVisible(!said.isEmpty());
}

void AttentionPage::followSelection() {
  const SelectionState& state = session()->selection()->state();
  if (state.layer < 0 || state.head < 0) return;
  m_overview->setSelection(LayerIndex(state.layer), HeadIndex(state.head));
  m_head->setHead(LayerIndex(state.layer), HeadIndex(state.head));
  const QString title = tr("Layer %1, head %2").arg(state.layer).arg(state.head);
  m_headTitle->setText(QStringLiteral("<b>%1</b>").arg(title));
}

}  // namespace espalier
