#include "widgets/forms/scope_form.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpression>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>

#include "widgets/models/head_list.h"
#include "widgets/theme/theme.h"

namespace espalier {

ScopeForm::ScopeForm(QWidget* parent) : QWidget(parent) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(kGrid);
  grid->setVerticalSpacing(kGrid / 2);
  grid->setColumnStretch(1, 1);

  m_layers = new QLineEdit(this);
  m_layers->setPlaceholderText(tr("all layers"));
  m_layers->setToolTip(tr("The layers that this step may touch, for example 0-2, 5."));
  m_layers->setAccessibleName(tr("Layers of the scope"));
  auto* layersLabel = new QLabel(tr("Layers"), this);
  layersLabel->setBuddy(m_layers);
  grid->addWidget(layersLabel, 0, 0);
  grid->addWidget(m_layers, 0, 1);

  auto* parts = new QHBoxLayout;
  parts->setSpacing(2);
  const std::pair<const char*, QString> names[] = {{"embeddings", tr("emb")},
                                                   {"attention", tr("attn")},
                                                   {"ffn", tr("ffn")},
                                                   {"pooler", tr("pooler")},
                                                   {"head", tr("head")}};
  for (const auto& [part, label] : names) {
    auto* button = new QToolButton(this);
    button->setText(label);
    button->setCheckable(true);
    button->setToolTip(
        tr("Restrict the step to this part (%1). None pressed means every part.").arg(QLatin1String(part)));
    button->setAccessibleName(tr("Restrict to %1").arg(QLatin1String(part)));
    parts->addWidget(button);
    m_parts.emplace_back(part, button);
    connect(button, &QToolButton::clicked, this, &ScopeForm::announce);
  }
  parts->addStretch();
  grid->addWidget(new QLabel(tr("Parts"), this), 1, 0);
  grid->addLayout(parts, 1, 1);

  m_slots = new QLineEdit(this);
  m_slots->setPlaceholderText(tr("all weights"));
  m_slots->setToolTip(tr("Exact names of weights, separated by commas, as the model tree shows them."));
  m_slots->setAccessibleName(tr("Weights of the scope"));
  auto* slotsLabel = new QLabel(tr("Weights"), this);
  slotsLabel->setBuddy(m_slots);
  grid->addWidget(slotsLabel, 2, 0);
  grid->addWidget(m_slots, 2, 1);

  m_useSelection = new QToolButton(this);
  m_useSelection->setText(tr("Use selection"));
  m_useSelection->setAutoRaise(true);
  grid->addWidget(m_useSelection, 3, 1, Qt::AlignLeft);

  m_problem = new QLabel(this);
  m_problem->setWordWrap(true);
  m_problem->hide();
  grid->addWidget(m_problem, 4, 0, 1, 2);

  connect(m_layers, &QLineEdit::textEdited, this, &ScopeForm::announce);
  connect(m_slots, &QLineEdit::textEdited, this, &ScopeForm::announce);
  connect(m_useSelection, &QToolButton::clicked, this, [this] {
    Scope scope;
    if (!m_selectedSlot.isEmpty()) {
      scope.slots = {m_selectedSlot.toStdString()};
    } else if (m_selectedLayer >= 0) {
      scope.layers = {m_selectedLayer};
    }
    setScope(scope);
    Q_EMIT edited(m_scope);
  });
  setSelection(-1, {});
}

void ScopeForm::setScope(const Scope& scope) {
  m_scope = scope;
  if (layersFromText(m_layers->text()) != scope.layers) m_layers->setText(layersToText(scope.layers));
  for (const auto& [part, button] : m_parts) {
    button->setChecked(std::find(scope.parts.begin(), scope.parts.end(), part) != scope.parts.end());
  }
  QStringList names;
  for (const std::string& slot : scope.slots) names << QString::fromStdString(slot);
  if (!m_slots->hasFocus()) m_slots->setText(names.join(QStringLiteral(", ")));
  m_problem->hide();
}

void ScopeForm::setSelection(int layer, const QString& slot) {
  m_selectedLayer = layer;
  m_selectedSlot = slot;
  const bool any = layer >= 0 || !slot.isEmpty();
  m_useSelection->setEnabled(any);
  m_useSelection->setToolTip(
      any ? tr("Restrict the step to what is selected: %1.").arg(slot.isEmpty() ? tr("layer %1").arg(layer) : slot)
          : tr("Nothing is selected: choose a layer or a weight in the model tree."));
}

void ScopeForm::announce() {
  const std::optional<std::vector<int32_t>> layers = layersFromText(m_layers->text());
  m_problem->setVisible(!layers);
  if (!layers) {
    m_problem->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().error.name()));
    m_problem->setText(tr("Write layers as numbers and ranges, for example 0-2, 5."));
    return;
  }
  Scope scope;
  scope.layers = *layers;
  for (const auto& [part, button] : m_parts) {
    if (button->isChecked()) scope.parts.push_back(part);
  }
  static const QRegularExpression separator(QStringLiteral("[,;\\s]+"));
  for (const QString& name : m_slots->text().split(separator, Qt::SkipEmptyParts)) {
    scope.slots.push_back(name.toStdString());
  }
  m_scope = scope;
  Q_EMIT edited(m_scope);
}

}  // namespace espalier
