#include "app/workbench/pages/saliency_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>

namespace espalier {

SaliencyPage::SaliencyPage(Session* session, QWidget* parent)
    : SentencePage(session, QStringLiteral("saliency"), tr("Saliency"),
                   {.kind = "saliency",
                    .title = tr("Saliency"),
                    .asking = tr("Taking the gradients …"),
                    .none = tr("No saliency to show.")},
                   parent) {
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
  m_hideSpecial = new QCheckBox(tr("Hide special tokens"), this);
  m_hideSpecial->setChecked(true);
  controls->addSpacing(kGrid);
  controls->addWidget(m_hideSpecial);
  controls->addStretch();
  contentLayout()->addLayout(controls);

  auto* scroll = new QScrollArea(this);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setAccessibleName(tr("Saliency of the sentence"));
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_view = new SaliencyView(scroll);
  m_view->setHideSpecial(true);
  m_view->setTitle(tr("Which words decided"));
  m_view->setEmptyText(tr("Type a sentence above and press Return."));
  scroll->setWidget(m_view);
  contentLayout()->addWidget(scroll, 1);
  m_caption = new QLabel(this);
  m_caption->setWordWrap(true);
  contentLayout()->addWidget(m_caption);
  follow(m_view);

  connect(m_hideSpecial, &QCheckBox::toggled, m_view, &SaliencyView::setHideSpecial);
  connect(m_label, &QComboBox::activated, this, [this] { ask(); });
  connect(m_view, &SaliencyView::tokenHovered, this,
          [this](int token) { this->session()->selection()->selectToken(token); });
  const auto recolor = [this] {
    m_caption->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  };
  connect(&Theme::instance(), &Theme::changed, this, recolor);
  recolor();
}

void SaliencyPage::fillJob(JobSpec& spec) { spec.settings["label"] = m_label->currentData().toInt(); }

void SaliencyPage::setEmptyText(const QString& sentence) { m_view->setEmptyText(sentence); }

void SaliencyPage::forgetModel() {
  while (m_label->count() > 1) m_label->removeItem(1);
  m_view->clear();
  m_caption->clear();
}

void SaliencyPage::take(const Json& answer) {
  try {
    const Sentence& sentence = session()->sentence()->sentence();
    const SaliencyData saliency = readSaliency(answer, sentence);
    bar()->clear();
    if (m_label->count() == 1) {
      const auto labels = json_get_or<std::vector<std::string>>(answer, "labels", {}, "saliency");
      for (size_t i = 0; i < labels.size(); ++i) {
        m_label->addItem(QString::fromStdString(labels[i]), static_cast<int>(i));
      }
    }
    m_view->setConditions(session()->conditions());
    m_view->setSaliency(saliency);
    QString caption = tr("Gradient of the label's score times the word's embedding: red words speak for \"%1\", blue "
                         "ones against it.")
                          .arg(saliency.label);
    if (!sentence.evidence.empty()) {
      caption += QLatin1Char(' ') + tr("Underlined words are known to decide: the lab's generator put them there.");
    }
    m_caption->setText(caption);
  } catch (...) {
    showAskError(current_error_info());
  }
}

SaliencyData readSaliency(const Json& answer, const Sentence& sentence) {
  const auto tokens = json_get<std::vector<std::string>>(answer, "tokens", "saliency");
  const auto scores = json_get<std::vector<double>>(answer, "scores", "saliency");
  const auto offsets = json_get<std::vector<Json>>(answer, "offsets", "saliency");
  if (scores.size() != tokens.size() || offsets.size() != tokens.size()) {
    throw Error(ErrorKind::Format, "the saliency has another length than the sentence");
  }
  const auto labels = json_get_or<std::vector<std::string>>(answer, "labels", {}, "saliency");
  const auto probabilities = json_get_or<std::vector<double>>(answer, "probabilities", {}, "saliency");
  const auto explained = json_get_or<int64_t>(answer, "explained_label", -1, "saliency");
  const auto nameOf = [&](int64_t label) {
    return label >= 0 && label < static_cast<int64_t>(labels.size())
               ? QString::fromStdString(labels[static_cast<size_t>(label)])
               : QObject::tr("label %1").arg(label);
  };
  SaliencyData data;
  data.method = QObject::tr("gradient x input");
  data.label = nameOf(explained);
  if (!probabilities.empty()) {
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    data.prediction = nameOf(best - probabilities.begin());
    data.probability = *best;
  }
  bool secondText = false;
  for (size_t i = 0; i < tokens.size(); ++i) {
    SaliencyToken token;
    token.text = QString::fromStdString(tokens[i]);
    token.score = scores[i];
    // A special token stands for no text.
    token.special = offsets[i].is_null();
    token.continuesWord = token.text.startsWith(QLatin1String("##"));
    // Evidence counts code points of the first text; a special token in the middle ends that.
    secondText |= token.special && i > 0;
    if (!token.special && !secondText) {
      const auto [from, to] = offsets[i].get<std::pair<int, int>>();
      for (const auto& [begin, end] : sentence.evidence) token.known |= from < end && begin < to;
    }
    data.tokens.push_back(std::move(token));
  }
  return data;
}

}  // namespace espalier
