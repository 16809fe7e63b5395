#include "app/workbench/pages/saliency_page.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

struct MethodText {
  const char* id;  // of the job; null: attention is asked for
  const char* name;
  const char* help;
  bool first;  // shown before anybody chooses
};
// In the order of the rows.
constexpr MethodText kMethods[] = {
    {"gradient_x_input", QT_TRANSLATE_NOOP("SaliencyPage", "gradient × input"),
     QT_TRANSLATE_NOOP("SaliencyPage",
                       "The gradient of the label's score times the word's embedding: its effect to first order."),
     true},
    {"integrated_gradients", QT_TRANSLATE_NOOP("SaliencyPage", "integrated gradients"),
     QT_TRANSLATE_NOOP("SaliencyPage",
                       "The mean gradient on the way from padding to the word (Sundararajan 2017); the "
                       "scores add up to the rise of the score."),
     true},
    {"smoothgrad", QT_TRANSLATE_NOOP("SaliencyPage", "SmoothGrad"),
     QT_TRANSLATE_NOOP("SaliencyPage", "Gradient × input, the gradient averaged under noise (Smilkov 2017)."), true},
    {"occlusion", QT_TRANSLATE_NOOP("SaliencyPage", "occlusion"),
     QT_TRANSLATE_NOOP("SaliencyPage", "What the label's score loses when the word is masked (Li 2016)."), true},
    {"gradient", QT_TRANSLATE_NOOP("SaliencyPage", "gradient"),
     QT_TRANSLATE_NOOP("SaliencyPage", "The length of the gradient (Simonyan 2013); it knows no direction."), false},
    {nullptr, QT_TRANSLATE_NOOP("SaliencyPage", "attention rollout"),
     QT_TRANSLATE_NOOP("SaliencyPage",
                       "How much of each word reaches the first token through all layers (Abnar and "
                       "Zuidema 2020); it knows no direction."),
     true}};

}  // namespace

SaliencyPage::SaliencyPage(Session* session, QWidget* parent)
    : SentencePage(session, QStringLiteral("saliency"), tr("Saliency"),
                   {{.kind = "saliency", .title = tr("Gradient × input")},
                    {.kind = "saliency", .title = tr("Integrated gradients")},
                    {.kind = "saliency", .title = tr("SmoothGrad")},
                    {.kind = "saliency", .title = tr("Occlusion")},
                    {.kind = "saliency", .title = tr("Gradient")},
                    {.kind = "attention", .title = tr("Attention")}},
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
  auto* choose = new QToolButton(this);
  choose->setText(tr("Methods"));
  choose->setToolTip(tr("Chooses the methods, a row each."));
  choose->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(choose);
  menu->setToolTipsVisible(true);
  for (size_t method = 0; method < kAsked; ++method) {
    QAction* action = menu->addAction(tr(kMethods[method].name));
    action->setToolTip(tr(kMethods[method].help));
    action->setCheckable(true);
    action->setChecked(kMethods[method].first);
    connect(action, &QAction::toggled, this, [this, method](bool on) {
      if (on && isCurrent() && m_scores[method].empty()) askOne(method);
      showRows();
    });
    m_methods.push_back(action);
  }
  choose->setMenu(menu);
  controls->addSpacing(kGrid);
  controls->addWidget(choose);
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

bool SaliencyPage::isOn(size_t method) const { return m_methods[method]->isChecked(); }

bool SaliencyPage::fillJob(size_t question, JobSpec& spec) {
  // The first is always asked: tokens and verdict are its.
  if (question != GradientXInput && !isOn(question)) return false;
  if (question != Rollout) {
    spec.settings["method"] = kMethods[question].id;
    spec.settings["label"] = m_label->currentData().toInt();
    return true;
  }
  // Rollout follows attention from layer to layer of one stack.
  if (!session()->hasHeads() || session()->model()->model.architecture.has_decoder()) return false;
  spec.output_folder = session()->makeJobFolder();
  return true;
}

void SaliencyPage::asking() {
  m_reader.cancel();
  m_old = true;
}

void SaliencyPage::setEmptyText(const QString& sentence) { m_rows->setEmptyText(sentence); }

void SaliencyPage::forgetModel() {
  while (m_label->count() > 1) m_label->removeItem(1);
  m_reader.cancel();
  m_first = {};
  m_scores = {};
  m_completenessError.reset();
  m_rows->clear();
  m_caption->clear();
}

void SaliencyPage::take(size_t question, const Json& answer) {
  if (question == Rollout) return takeRollout(answer);
  try {
    SaliencyAnswer saliency = readSaliency(answer, session()->sentence()->sentence());
    if (m_old) m_scores = {};
    if (m_old || m_first.tokens.empty()) m_first = saliency;
    m_old = false;
    if (question == IntegratedGradients) m_completenessError = saliency.completenessError;
    m_scores[question] = std::move(saliency.scores);
    bar()->clear();
    showLabels();
    showRows();
  } catch (...) {
    showAskError(current_error_info());
  }
}

void SaliencyPage::takeRollout(const Json& answer) {
  m_reader.start<std::vector<double>>(
      [answer, model = session()->model()](const CancelToken&) {
        return attentionRollout(*readAttention(answer, model->model.architecture));
      },
      [this](const std::shared_ptr<std::vector<double>>& rollout) {
        m_scores[Rollout] = std::move(*rollout);
        showRows();
      },
      [this](const ErrorInfo& error) { showAskError(error); });
}

void SaliencyPage::showLabels() {
  if (m_label->count() > 1) return;
  const QStringList& labels = m_first.chances.labels;
  for (int i = 0; i < labels.size(); ++i) m_label->addItem(labels[i], i);
}

void SaliencyPage::showRows() {
  if (m_first.tokens.empty()) return;
  SaliencyTable table;
  table.tokens = m_first.tokens;
  table.label = m_first.chances.nameOf(m_first.explained);
  for (size_t method = 0; method < kAsked; ++method) {
    // An answer about the sentence before has another length, or is about to be replaced.
    if (!isOn(method) || m_scores[method].size() != m_first.tokens.size()) continue;
    QString about = table.rows.empty() ? m_first.chances.verdict() : QString();
    if (method == IntegratedGradients && m_completenessError) {
      about = about.isEmpty() ? QString() : about + QStringLiteral(", ");
      about += tr("sum off by %1").arg(formatNumber(*m_completenessError, 2));
    }
    table.rows.push_back({tr(kMethods[method].name), about, m_scores[method], static_cast<int>(method)});
  }
  m_rows->setConditions(session()->conditions());
  m_rows->setTable(m_words->isChecked() ? asWords(table) : table);
  m_caption->setText(caption());
}

QString SaliencyPage::caption() const {
  QString text = tr("Red words speak for \"%1\", blue ones against it; each row has colours of its own.")
                     .arg(m_first.chances.nameOf(m_first.explained));
  if (isOn(IntegratedGradients) && m_completenessError) {
    text += QLatin1Char(' ') + tr("Integrated gradients should add up to the rise of the label's score from padding to "
                                  "the sentence: they miss it by %1.")
                                   .arg(formatNumber(*m_completenessError, 2));
  }
  if (isOn(Rollout) || isOn(Gradient)) text += QLatin1Char(' ') + tr("Rollout and plain gradient know no direction.");
  if (!session()->sentence()->sentence().evidence.empty()) {
    text += QLatin1Char(' ') + tr("Underlined words are known to decide: the lab's generator put them there.");
  }
  return text;
}

}  // namespace espalier
