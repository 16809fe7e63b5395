#include "app/workbench/pages/saliency_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

namespace espalier {

SaliencyPage::SaliencyPage(Session* session, QWidget* parent)
    : SentencePage(session, QStringLiteral("saliency"), tr("Saliency"),
                   {{.kind = "saliency", .title = tr("Saliency")}, {.kind = "attention", .title = tr("Attention")}},
                   {.asking = tr("Taking the gradients …"), .none = tr("No saliency to show.")}, parent) {
  auto* controls = new QHBoxLayout;
  controls->setSpacing(kGrid);
  auto* label = new QLabel(tr("Explain"), this);
  m_label = new QComboBox(this);
  m_label->setAccessibleName(tr("Label to explain"));
  m_label->setToolTip(tr("The label whose score is explained."));
  m_label->addItem(tr("the predicted label"), -1);
  label->setBuddy(m_label);
  controls->addWidget(label);
  controls->addWidget(m_label);
  m_words = new QCheckBox(tr("Whole words"), this);
  m_words->setToolTip(tr("Adds the scores of a word's pieces up."));
  auto* hideSpecial = new QCheckBox(tr("Hide special tokens"), this);
  hideSpecial->setChecked(true);
  controls->addSpacing(kGrid);
  controls->addWidget(m_words);
  controls->addSpacing(kGrid);
  controls->addWidget(hideSpecial);
  controls->addStretch();
  contentLayout()->addLayout(controls);

  auto* scroll = new QScrollArea(this);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setAccessibleName(tr("Saliency of the sentence"));
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_rows = new SaliencyRows(scroll);
  m_rows->setHideSpecial(true);
  m_rows->setEmptyText(tr("Type a sentence above and press Return."));
  scroll->setWidget(m_rows);
  contentLayout()->addWidget(scroll, 1);
  m_caption = new QLabel(this);
  m_caption->setWordWrap(true);
  contentLayout()->addWidget(m_caption);
  follow(m_rows);

  connect(hideSpecial, &QCheckBox::toggled, m_rows, &SaliencyRows::setHideSpecial);
  connect(m_words, &QCheckBox::toggled, this, &SaliencyPage::showRows);
  connect(m_label, &QComboBox::activated, this, [this] { ask(); });
  connect(m_rows, &SaliencyRows::tokenHovered, this, [this](int token) {
    if (!m_words->isChecked()) this->session()->selection()->selectToken(token);
  });
  const auto recolor = [this] {
    m_caption->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  };
  connect(&Theme::instance(), &Theme::changed, this, recolor);
  recolor();
}

bool SaliencyPage::fillJob(size_t question, JobSpec& spec) {
  if (question == GradientQuestion) {
    spec.settings["label"] = m_label->currentData().toInt();
    return true;
  }
  // Rollout follows attention from layer to layer of one stack.
  if (!session()->hasHeads() || session()->model()->model.architecture.has_decoder()) return false;
  spec.output_folder = session()->makeJobFolder();
  return true;
}

void SaliencyPage::setEmptyText(const QString& sentence) { m_rows->setEmptyText(sentence); }

void SaliencyPage::forgetModel() {
  while (m_label->count() > 1) m_label->removeItem(1);
  m_reader.cancel();
  m_saliency = {};
  m_rollout.clear();
  m_rows->clear();
  m_caption->clear();
}

void SaliencyPage::take(size_t question, const Json& answer) {
  if (question == AttentionQuestion) {
    m_reader.start<std::vector<double>>(
        [answer, model = session()->model()](const CancelToken&) {
          return attentionRollout(*readAttention(answer, model->model.architecture));
        },
        [this](const std::shared_ptr<std::vector<double>>& rollout) {
          m_rollout = std::move(*rollout);
          showRows();
        },
        [this](const ErrorInfo& error) { showAskError(error); });
    return;
  }
  try {
    m_saliency = readSaliency(answer, session()->sentence()->sentence());
    // Of the sentence before, until its own comes.
    m_rollout.clear();
    bar()->clear();
    showLabels();
    showRows();
  } catch (...) {
    showAskError(current_error_info());
  }
}

void SaliencyPage::showLabels() {
  if (m_label->count() > 1) return;
  const QStringList& labels = m_saliency.chances.labels;
  for (int i = 0; i < labels.size(); ++i) m_label->addItem(labels[i], i);
}

void SaliencyPage::showRows() {
  if (m_saliency.tokens.empty()) return;
  SaliencyTable table;
  table.tokens = m_saliency.tokens;
  table.label = m_saliency.chances.nameOf(m_saliency.explained);
  table.rows.push_back({tr("gradient × input"), m_saliency.chances.verdict(), m_saliency.scores, 0});
  const bool rollout = m_rollout.size() == m_saliency.tokens.size();
  if (rollout) table.rows.push_back({tr("attention rollout"), {}, m_rollout, 1});
  m_rows->setConditions(session()->conditions());
  m_rows->setTable(m_words->isChecked() ? asWords(table) : table);
  QString caption =
      tr("Gradient × input: the gradient of the label's score times the word's embedding; red words speak "
         "for \"%1\", blue ones against it.")
          .arg(table.label);
  if (rollout) {
    caption += QLatin1Char(' ') +
               tr("Attention rollout (Abnar and Zuidema 2020): how much of each word reaches the first token; it knows "
                  "no direction. Each row has colours of its own.");
  }
  if (!session()->sentence()->sentence().evidence.empty()) {
    caption += QLatin1Char(' ') + tr("Underlined words are known to decide: the lab's generator put them there.");
  }
  m_caption->setText(caption);
}

}  // namespace espalier
