#include "widgets/panels/message_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>

#include "widgets/theme/theme.h"

namespace espalier {

MessageBar::MessageBar(QWidget* parent) : QFrame(parent) {
  setObjectName(QStringLiteral("messageBar"));
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(kGrid * 3 / 2, kGrid / 2, kGrid / 2, kGrid / 2);
  layout->setSpacing(kGrid);
  m_text = new QLabel(this);
  m_text->setWordWrap(true);
  m_text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  m_text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  layout->addWidget(m_text, 1);
  m_button = new QPushButton(this);
  layout->addWidget(m_button, 0, Qt::AlignTop);
  m_close = new QToolButton(this);
  m_close->setText(QStringLiteral("×"));
  m_close->setAutoRaise(true);
  m_close->setToolTip(tr("Close this message."));
  m_close->setAccessibleName(tr("Close message"));
  layout->addWidget(m_close, 0, Qt::AlignTop);
  connect(m_close, &QToolButton::clicked, this, &MessageBar::clear);
  connect(m_button, &QPushButton::clicked, this, [this] {
    const std::function<void()> action = std::move(m_action);
    clear();
    if (action) action();
  });
  connect(&Theme::instance(), &Theme::changed, this, &MessageBar::recolor);
  hide();
}

void MessageBar::showMessage(Kind kind, const QString& text, const QString& button, std::function<void()> action) {
  m_kind = kind;
  // Errors of the core begin as a clause.
  m_text->setText(text.left(1).toUpper() + text.mid(1));
  m_button->setText(button);
  m_button->setVisible(!button.isEmpty());
  m_action = std::move(action);
  setAccessibleName(kind == Kind::Error ? tr("Error: %1").arg(text) : text);
  recolor();
  show();
}

void MessageBar::clear() {
  m_action = {};
  m_text->clear();
  hide();
}

QString MessageBar::text() const { return m_text->text(); }

void MessageBar::recolor() {
  const ThemeColors& colors = Theme::instance().colors();
  const bool error = m_kind == Kind::Error;
  setStyleSheet(QStringLiteral("#messageBar { background: %1; border: none; border-bottom: 1px solid %2; }"
                               "#messageBar QLabel { color: %3; }")
                    .arg((error ? colors.errorGround : colors.raised).name(),
                         (error ? colors.error : colors.line).name(), colors.text.name()));
}

}  // namespace espalier
