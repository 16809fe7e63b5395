#include "widgets/panels/empty_state.h"

#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/theme/theme.h"

namespace espalier {

namespace {
constexpr int kTextWidth = 52 * kGrid;
constexpr int kBusyWidth = 20 * kGrid;
}  // namespace

EmptyState::EmptyState(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(2 * kGrid, 2 * kGrid, 2 * kGrid, 2 * kGrid);
  layout->setSpacing(2 * kGrid);
  m_sentence = new QLabel(this);
  m_sentence->setWordWrap(true);
  m_sentence->setAlignment(Qt::AlignCenter);
  m_sentence->setMaximumWidth(kTextWidth);
  m_button = new QPushButton(this);
  m_busy = new QProgressBar(this);
  m_busy->setRange(0, 0);
  m_busy->setTextVisible(false);
  m_busy->setFixedSize(kBusyWidth, kGrid / 2);
  layout->addStretch();
  auto* row = new QHBoxLayout;
  row->addStretch();
  row->addWidget(m_sentence, 100);
  row->addStretch();
  layout->addLayout(row);
  layout->addWidget(m_button, 0, Qt::AlignHCenter);
  layout->addWidget(m_busy, 0, Qt::AlignHCenter);
  layout->addStretch();
  connect(m_button, &QPushButton::clicked, this, &EmptyState::pressed);
  setMessage({});
}

void EmptyState::setMessage(const QString& sentence, const QString& button, const QString& whyNot) {
  m_sentence->setText(sentence);
  m_button->setText(button);
  m_button->setVisible(!button.isEmpty());
  m_button->setEnabled(whyNot.isEmpty());
  m_button->setToolTip(whyNot);
  m_busy->hide();
}

void EmptyState::setBusy(const QString& sentence) {
  m_sentence->setText(sentence);
  m_button->hide();
  m_busy->show();
}

QString EmptyState::sentence() const { return m_sentence->text(); }

}  // namespace espalier
