#pragma once
// A model as the window holds it: read once on a thread, never changed, shared by every view.

#include <QString>

#include <filesystem>
#include <memory>
#include <vector>

#include "base/cancel.h"
#include "model/model.h"
#include "widgets/models/model_map.h"

namespace espalier {

// MACs are told for one sequence of so many tokens.
inline constexpr int64_t kLedgerTokens = 128;

// One line of the model tree: a group (layer, part) or a weight.
struct ModelTreeNode {
  QString name;  // "layer 3", "attention", "q_proj.weight"
  QString slot;  // full slot name; empty for groups
  int layer = -1;
  Shape shape;             // weights only
  int64_t parameters = 0;  // kept scalars; a weight shared inside the group counts once
  int64_t bytes = 0;       // as stored
  QString form;            // "dense F16"; empty for groups
  QString dtype;           // of what is stored: "F16", "I8"
  QString sharedWith;      // other slots with this weight; empty when it is alone
  ModelTreeNode* parent = nullptr;
  int row = 0;
  std::vector<std::unique_ptr<ModelTreeNode>> children;
};

// Where bytes, parameters and multiply-accumulates go: a line a layer and one for what is outside the stack.
struct LedgerRow {
  QString name;  // "embeddings", "layer 0", "pooler and head"
  int layer = -1;
  int64_t parameters = 0;  // counted where a shared weight is first used
  int64_t bytes = 0;
  int64_t macs = 0;  // one sequence of 128 tokens
  int64_t attentionBytes = 0;
  int64_t ffnBytes = 0;
  int64_t otherBytes = 0;  // norms; for rows outside the stack everything
};

struct OpenedModel {
  QString location;  // what recipes call it: an absolute folder or "lab"
  std::filesystem::path folder;
  QString name;
  Model model;
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the folder has none that can be read
  QString tokenizerProblem;                    // why it is null
  std::shared_ptr<const ModelTreeNode> tree;   // a root without a name
  std::vector<LedgerRow> ledger;
  ModelMapPtr map;
  int64_t parameters = 0;
  int64_t bytes = 0;  // of the files in the folder that belong to it
  int64_t macs = 0;   // one sequence of 128 tokens
  bool bundle = false;
};
using OpenedModelPtr = std::shared_ptr<const OpenedModel>;

// The tree and the ledger of any model.
std::shared_ptr<const ModelTreeNode> buildModelTree(const Model& model);
std::vector<LedgerRow> buildLedger(const Model& model);

// Opens a folder, or "lab" found in `resources`. Throws Error. Under a second for BERT-large: tensors stay mapped.
OpenedModel openModelForWindow(const QString& location, const std::filesystem::path& resources,
                               const CancelToken& cancel);

// The folder with the built-in lab and lessons: $ESPALIER_RESOURCES, else beside the program's source or installation.
// Empty when none exists.
std::filesystem::path findResources(const std::filesystem::path& programFolder);

// The element type a weight is stored in: "F16", "8-bit codes"; for low rank that of its factors.
QString storedDtype(const Weight& weight);

}  // namespace espalier
