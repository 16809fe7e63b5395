#include "widgets/panels/properties_panel.h"

#include <QGridLayout>
#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>

#include "widgets/models/display_text.h"
#include "widgets/models/selection.h"
#include "widgets/panels/calm_views.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

constexpr QChar kMayBreak(0x200B);

const ModelTreeNode* findNode(const ModelTreeNode* node, const QString& slot, int layer) {
  if (!slot.isEmpty() ? node->slot == slot : (node->layer == layer && node->slot.isEmpty())) return node;
  for (const auto& child : node->children) {
    if (const ModelTreeNode* found = findNode(child.get(), slot, layer)) return found;
  }
  return nullptr;
}

}  // namespace

PropertiesPanel::PropertiesPanel(Selection* selection, QWidget* parent) : QWidget(parent), m_selection(selection) {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  auto* scroll = new ColumnScrollArea(this);
  scroll->setAccessibleName(tr("Properties of the selection"));
  outer->addWidget(scroll);
  auto* body = new QWidget(scroll);
  auto* layout = new QVBoxLayout(body);
  layout->setContentsMargins(kGrid, kGrid, kGrid, kGrid);
  layout->setSpacing(kGrid);
  m_title = new ElidedLabel(Qt::ElideMiddle, body);
  layout->addWidget(m_title);
  m_grid = new QGridLayout;
  m_grid->setHorizontalSpacing(2 * kGrid);
  m_grid->setVerticalSpacing(kGrid / 2);
  m_grid->setColumnStretch(1, 1);
  layout->addLayout(m_grid);
  layout->addStretch();
  scroll->setWidget(body);
  connect(selection, &Selection::changed, this, [this](const SelectionState& now, const SelectionState& before) {
    if (now.slot != before.slot || now.layer != before.layer) refresh();
  });
  connect(&Theme::instance(), &Theme::changed, this, [this] {
    m_shown.clear();
    refresh();
  });
  refresh();
}

void PropertiesPanel::setModel(const OpenedModelPtr& model) {
  m_model = model;
  m_shown.clear();
  refresh();
}

void PropertiesPanel::clearLines() {
  while (QLayoutItem* item = m_grid->takeAt(0)) {
    delete item->widget();
    delete item;
  }
}

void PropertiesPanel::addLine(const QString& name, const QString& value, const QString& tip) {
  const int row = m_grid->count() / 2;
  auto* label = new QLabel(name, this);
  label->setFont(Theme::instance().secondaryFont());
  label->setStyleSheet(QStringLiteral("color: %1;").arg(Theme::instance().colors().secondaryText.name()));
  // Names of weights have no spaces: they may break after a dot.
  QString breakable = value;
  if (value.contains(QLatin1String(".attention.")) || value.contains(QLatin1String(".ffn."))) {
    breakable.replace(QLatin1Char('.'), QLatin1Char('.') + QString(kMayBreak));
  }
  auto* text = new QLabel(breakable, this);
  text->setTextInteractionFlags(Qt::TextSelectableByMouse);
  text->setWordWrap(true);
  text->setToolTip(tip);
  text->setAccessibleName(name + QStringLiteral(": ") + value);
  m_grid->addWidget(label, row, 0, Qt::AlignTop);
  m_grid->addWidget(text, row, 1, Qt::AlignTop);
}

QString PropertiesPanel::valueOf(const QString& name) const {
  for (int i = 0; i + 1 < m_grid->count(); i += 2) {
    const auto* label = qobject_cast<QLabel*>(m_grid->itemAt(i)->widget());
    const auto* text = qobject_cast<QLabel*>(m_grid->itemAt(i + 1)->widget());
    if (label && text && label->text() == name) return text->text().remove(kMayBreak);
  }
  return {};
}

void PropertiesPanel::refresh() {
  const SelectionState& state = m_selection->state();
  const QString wanted =
      m_model ? QStringLiteral("%1/%2/%3").arg(m_model->location, state.slot).arg(state.layer) : QStringLiteral("none");
  if (wanted == m_shown) return;
  m_shown = wanted;
  m_reader.cancel();
  clearLines();
  if (!m_model) {
    m_title->setFullText(tr("No model is open."));
    return;
  }
  const ModelTreeNode* node =
      state.slot.isEmpty() && state.layer < 0 ? nullptr : findNode(m_model->tree.get(), state.slot, state.layer);
  if (!node) {
    showModel();
  } else if (node->slot.isEmpty()) {
    m_title->setFullText(node->name);
    addLine(tr("Parameters"), countText(static_cast<double>(node->parameters)), formatCount(node->parameters));
    addLine(tr("Size"), formatBytes(static_cast<double>(node->bytes)));
    const auto& layers = m_model->model.architecture.layers;
    if (node->layer >= 0 && node->layer < static_cast<int>(layers.size())) {
      const LayerSpec& spec = layers[static_cast<size_t>(node->layer)];
      if (spec.recurrent) {
        addLine(tr("Recurrent width"), QString::number(spec.recurrent->width));
      } else {
        addLine(tr("Heads"), tr("%1 of width %2").arg(spec.attention.num_heads()).arg(spec.attention.head_dim));
        addLine(tr("FFN width"), QString::number(spec.ffn.width));
      }
      addLine(tr("MACs"), countText(static_cast<double>(m_model->ledger[static_cast<size_t>(node->layer) + 1].macs)),
              tr("Multiply-accumulates of one sequence of 128 tokens."));
    }
  } else {
    showWeight(*node);
  }
}

void PropertiesPanel::showModel() {
  const Architecture& architecture = m_model->model.architecture;
  m_title->setFullText(m_model->name);
  addLine(tr("Family"), QString::fromStdString(architecture.family));
  addLine(tr("Layers"), QString::number(architecture.layers.size()));
  addLine(tr("Hidden size"), QString::number(architecture.hidden_size));
  addLine(tr("Vocabulary"), formatCount(architecture.embedding.vocab_size));
  addLine(tr("Parameters"), countText(static_cast<double>(m_model->parameters)), formatCount(m_model->parameters));
  addLine(tr("Size"), formatBytes(static_cast<double>(m_model->bytes)), tr("Bytes of the folder's files."));
}

void PropertiesPanel::showWeight(const ModelTreeNode& node) {
  m_title->setFullText(node.slot);
  addLine(tr("Shape"), shapeText(node.shape));
  addLine(tr("Form"), node.form);
  addLine(tr("Parameters"), countText(static_cast<double>(node.parameters)), formatCount(node.parameters));
  addLine(tr("Size"), formatBytes(static_cast<double>(node.bytes)));
  const auto values = static_cast<double>(std::max<int64_t>(1, num_elements(node.shape)));
  addLine(tr("Bits a value"), formatNumber(8 * static_cast<double>(node.bytes) / values),
          tr("Stored bits, scales and masks included, for each value of the matrix."));
  const int cell = m_model->map ? m_model->map->cellOf(node.slot) : -1;
  if (cell >= 0 && m_model->map->cells[static_cast<size_t>(cell)].slot == node.slot) {
    addLine(tr("MACs"), countText(static_cast<double>(m_model->map->cells[static_cast<size_t>(cell)].macs)),
            tr("Multiply-accumulates of one sequence of 128 tokens."));
  }
  if (!node.sharedWith.isEmpty()) addLine(tr("Shared with"), node.sharedWith);
  m_reader.start<MatrixSummary>(
      [model = m_model, slot = node.slot.toStdString()](const CancelToken& cancel) {
        return summarize(Matrix(share(model->model.weight(slot))), cancel);
      },
      [this](const std::shared_ptr<MatrixSummary>& summary) {
        const Statistics& statistics = summary->statistics;
        addLine(tr("L2 norm"), formatNumber(statistics.l2_norm), tr("Frobenius norm of the whole weight."));
        addLine(tr("Range"), tr("%1 to %2").arg(formatNumber(statistics.min), formatNumber(statistics.max)));
        addLine(tr("Mean, std"), tr("%1, %2").arg(formatNumber(statistics.mean), formatNumber(statistics.std)));
        addLine(tr("Zeros"), statistics.count > 0 ? percentText(static_cast<double>(statistics.zeros) /
                                                                static_cast<double>(statistics.count))
                                                  : QString(kUnknownMark));
        if (statistics.non_finite > 0) addLine(tr("Not finite"), formatCount(statistics.non_finite));
      },
      [this](const ErrorInfo& error) { addLine(tr("Statistics"), QString::fromStdString(error.message)); });
}

}  // namespace espalier
