#include "app/workbench/what_if_edit.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>

#include "widgets/models/display_text.h"

namespace espalier {
namespace {

constexpr int kFewestBits = 2, kMostBits = 8;
constexpr int kDefaultRank = 64;

QString translated(const char* text) { return QCoreApplication::translate("WhatIfEdit", text); }

bool flagOr(const Json& settings, const char* key, bool otherwise) {
  const auto found = settings.find(key);
  return found != settings.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

int64_t numberOr(const Json& settings, const char* key, int64_t otherwise) {
  const auto found = settings.find(key);
  return found != settings.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

bool isText(const Json& settings, const char* key, const char* wanted, bool otherwise) {
  const auto found = settings.find(key);
  return found == settings.end() ? otherwise : *found == wanted;
}

// The rank or the bits of the one matrix in the step's scope; nothing when the step is another, or changes nothing.
void addMatrix(WhatIfEdit& edit, QStringList& gains, const Step& step, const Architecture& architecture) {
  if (!step.enabled || step.scope.slots.size() != 1) return;
  const std::vector<Slot> slots = slots_of(architecture);
  const auto slot = std::ranges::find(slots, step.scope.slots.front(), &Slot::name);
  if (slot == slots.end() || (slot->kind != SlotKind::Linear && slot->kind != SlotKind::Embedding)) return;
  const bool table = slot->kind == SlotKind::Embedding;
  QString name = QString::fromStdString(slot->name);
  name.remove(QStringLiteral(".weight"));
  if (step.method == "factorize.svd") {
    const int64_t rank = numberOr(step.settings, "rank", kDefaultRank);
    const bool saves = rank >= 1 && rank * (slot->shape[0] + slot->shape[1]) < slot->shape[0] * slot->shape[1];
    if (!isText(step.settings, "by", "rank", false) || !saves) return;
    if (table && !flagOr(step.settings, "embeddings", false)) return;
    edit.parts.push_back({{"rank", rank}, {"weight", slot->name}});
    gains << translated(QT_TRANSLATE_NOOP("WhatIfEdit", "%1 at rank %2")).arg(name).arg(rank);
  } else if (step.method == "quantize.q8") {
    const int64_t bits = numberOr(step.settings, "bits", kMostBits);
    if (bits < kFewestBits || bits > kMostBits || !isText(step.settings, "granularity", "row", true)) return;
    if (table && !flagOr(step.settings, "embeddings", true)) return;
    edit.parts.push_back({{"bits", bits}, {"weight", slot->name}});
    gains << translated(QT_TRANSLATE_NOOP("WhatIfEdit", "%1 at %2 bits")).arg(name).arg(bits);
  }
}

}  // namespace

WhatIfEdit whatIfEdit(const RecipeDocument& document, const Architecture& architecture, int step) {
  WhatIfEdit edit;
  QStringList losses, gains;
  if (const HeadSet heads = document.chosenHeads(); !heads.empty()) {
    edit.parts.push_back({{"heads", headsToJson(heads)}});
    losses << countedText(static_cast<int64_t>(heads.size()), translated(QT_TRANSLATE_NOOP("WhatIfEdit", "head")),
                          translated(QT_TRANSLATE_NOOP("WhatIfEdit", "heads")));
  }
  if (const HeadSet units = document.chosenUnits(); !units.empty()) {
    edit.parts.push_back({{"units", headsToJson(units)}});
    losses << countedText(static_cast<int64_t>(units.size()), translated(QT_TRANSLATE_NOOP("WhatIfEdit", "unit")),
                          translated(QT_TRANSLATE_NOOP("WhatIfEdit", "units")));
  }
  // Before layers go, which numbers the others anew.
  if (step >= 0 && step < document.numSteps()) {
    addMatrix(edit, gains, document.recipe().steps[static_cast<size_t>(step)], architecture);
  }
  const std::set<int> layers = document.chosenLayers();
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) edit.parts.push_back({{"layer", *layer}});
  if (!layers.empty()) {
    const QString text = layers.size() == 1 ? translated(QT_TRANSLATE_NOOP("WhatIfEdit", "layer %1"))
                                            : translated(QT_TRANSLATE_NOOP("WhatIfEdit", "layers %1"));
    losses << text.arg(layersToText({layers.begin(), layers.end()}));
  }
  QStringList parts;
  if (!losses.isEmpty()) {
    const QString last = losses.takeLast();
    const QString all =
        losses.isEmpty()
            ? last
            : translated(QT_TRANSLATE_NOOP("WhatIfEdit", "%1 and %2")).arg(losses.join(QStringLiteral(", ")), last);
    parts << translated(QT_TRANSLATE_NOOP("WhatIfEdit", "without %1")).arg(all);
  }
  if (!gains.isEmpty()) {
    parts << translated(QT_TRANSLATE_NOOP("WhatIfEdit", "with %1")).arg(gains.join(QStringLiteral(", ")));
  }
  edit.text = parts.join(QStringLiteral(", "));
  return edit;
}

}  // namespace espalier
