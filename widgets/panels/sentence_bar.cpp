#include "widgets/panels/sentence_bar.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>

#include "widgets/models/sentence_model.h"
#include "widgets/theme/theme.h"

namespace espalier {

SentenceBar::SentenceBar(SentenceModel* model, QWidget* parent) : QWidget(parent), m_model(model) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(kGrid);
  grid->setVerticalSpacing(kGrid / 2);
  grid->setColumnStretch(0, 1);

  m_text = new QLineEdit(this);
  m_text->setPlaceholderText(tr("Type a sentence and press Return"));
  m_text->setAccessibleName(tr("Sentence"));
  grid->addWidget(m_text, 0, 0);
  m_pair = new QLineEdit(this);
  m_pair->setPlaceholderText(tr("Second sentence"));
  m_pair->setAccessibleName(tr("Second sentence"));
  m_pair->hide();
  grid->addWidget(m_pair, 1, 0);

  auto* right = new QHBoxLayout;
  right->setSpacing(kGrid);
  m_pairToggle = new QToolButton(this);
  m_pairToggle->setText(tr("Pair"));
  m_pairToggle->setCheckable(true);
  m_pairToggle->setToolTip(tr("Shows a field for a second sentence."));
  right->addWidget(m_pairToggle);
  m_example = new QSpinBox(this);
  m_example->setKeyboardTracking(false);
  m_example->setPrefix(tr("example "));
  m_example->setAccessibleName(tr("Example of the data set"));
  m_example->setMinimumWidth(18 * kGrid);
  right->addWidget(m_example);
  m_label = new QLabel(this);
  right->addWidget(m_label);
  grid->addLayout(right, 0, 1);

  connect(m_text, &QLineEdit::returnPressed, this, &SentenceBar::submit);
  connect(m_pair, &QLineEdit::returnPressed, this, &SentenceBar::submit);
  connect(m_pairToggle, &QToolButton::toggled, m_pair, &QLineEdit::setVisible);
  connect(m_example, &QSpinBox::valueChanged, this, [this](int value) {
    if (value > 0) m_model->showExample(value - 1);
  });
  connect(model, &SentenceModel::sentenceChanged, this, &SentenceBar::showSentence);
  connect(model, &SentenceModel::sourceChanged, this, &SentenceBar::showSource);
  showSource();
  showSentence();
}

void SentenceBar::submit() {
  const Sentence& shown = m_model->sentence();
  const QString pair = m_pairToggle->isChecked() ? m_pair->text() : QString();
  if (m_text->text() != shown.text || pair != shown.pair) m_model->setTyped(m_text->text(), pair);
  Q_EMIT submitted();
}

void SentenceBar::showSentence() {
  const Sentence& sentence = m_model->sentence();
  if (m_text->text() != sentence.text) {
    m_text->setText(sentence.text);
    m_text->setCursorPosition(0);
  }
  if (m_pair->text() != sentence.pair) m_pair->setText(sentence.pair);
  if (sentence.hasPair) m_pairToggle->setChecked(true);
  const QSignalBlocker blocker(m_example);
  m_example->setValue(static_cast<int>(sentence.example + 1));
  const bool labelled = sentence.label >= 0 && sentence.label < m_model->labels().size();
  m_label->setText(labelled ? tr("labelled <b>%1</b>").arg(m_model->labels()[sentence.label].toHtmlEscaped())
                            : QString());
  m_label->setVisible(labelled);
}

void SentenceBar::showSource() {
  const QSignalBlocker blocker(m_example);
  const qint64 total = m_model->total();
  m_example->setEnabled(total > 0);
  m_example->setRange(0, static_cast<int>(qMax<qint64>(total, 0)));
  const bool reading = m_model->hasSource() && total < 0 && m_model->problem().isEmpty();
  m_example->setSpecialValueText(total > 0 ? tr("typed") : reading ? tr("reading …") : tr("no examples"));
  m_example->setSuffix(total > 0 ? tr(" of %1").arg(total) : QString());
  m_example->setToolTip(!m_model->hasSource()           ? tr("Open a task to pick its examples here.")
                        : !m_model->problem().isEmpty() ? m_model->problem()
                        : total < 0                     ? tr("The examples are being read.")
                                    : tr("Shows this example of the %1 split.").arg(m_model->split()));
  showSentence();
}

}  // namespace espalier
