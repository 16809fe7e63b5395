#include "widgets/models/opened_model.h"

#include <QStringList>

#include <cstdlib>
#include <map>
#include <set>
#include <system_error>

#include "measure/cost.h"

namespace espalier {

namespace fs = std::filesystem;

namespace {

QString fromView(std::string_view text) { return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())); }

ModelTreeNode* appendChild(ModelTreeNode* parent, const QString& name, int layer) {
  auto node = std::make_unique<ModelTreeNode>();
  node->name = name;
  node->layer = layer;
  node->parent = parent;
  node->row = static_cast<int>(parent->children.size());
  parent->children.push_back(std::move(node));
  return parent->children.back().get();
}

// The last child of that name, or a new one.
ModelTreeNode* lastChildNamed(ModelTreeNode* parent, const QString& name, int layer) {
  if (!parent->children.empty() && parent->children.back()->name == name) return parent->children.back().get();
  return appendChild(parent, name, layer);
}

// The group of a layer's weights.
QString groupName(Part part) {
  if (part == Part::Recurrent) return QStringLiteral("recurrent");
  return part == Part::Attention ? QStringLiteral("attention") : QStringLiteral("ffn");
}

// What is left of a slot's name inside its group: "encoder.3.attention.q_proj.weight" is "q_proj.weight".
QString leafName(const Slot& slot) {
  const QString name = QString::fromStdString(slot.name);
  return name.section(QLatin1Char('.'), slot.layer ? 3 : 1);
}

// Sums over the weights below, each handle once.
void sumUp(ModelTreeNode* node, const WeightTable& weights, std::set<WeightHandle>* seen) {
  if (!node->slot.isEmpty()) {
    seen->insert(weights.handle(node->slot.toStdString()));
    return;
  }
  std::set<WeightHandle> own;
  for (const auto& child : node->children) sumUp(child.get(), weights, &own);
  for (const WeightHandle handle : own) {
    const Weight& weight = weights.at(handle);
    node->parameters += num_parameters(weight);
    node->bytes += stored_bytes(weight);
  }
  seen->insert(own.begin(), own.end());
}

// The files a model consists of: everything in a bundle, weights and tokenizer in another folder.
int64_t folderBytes(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<int64_t>(entry.file_size(error));
  }
  return bytes;
}

}  // namespace

QString storedDtype(const Weight& weight) {
  if (const auto* dense = weight.as<Dense>()) return fromView(to_string(dense->values.dtype()));
  if (const auto* masked = weight.as<Masked>()) return fromView(to_string(masked->values.dtype()));
  if (const auto* quantized = weight.as<Quantized>()) return QStringLiteral("%1-bit codes").arg(quantized->bits);
  if (const auto* factors = weight.as<LowRank>()) return storedDtype(*factors->left);
  return {};
}

std::shared_ptr<const ModelTreeNode> buildModelTree(const Model& model) {
  auto root = std::make_shared<ModelTreeNode>();
  for (const Slot& slot : slots_of(model.architecture)) {
    ModelTreeNode* group = nullptr;
    if (slot.layer) {
      const int layer = slot.layer->value;
      const QString stack = slot.stack == Stack::Decoder ? QStringLiteral("decoder ") : QString();
      ModelTreeNode* layerNode = lastChildNamed(root.get(), stack + QStringLiteral("layer %1").arg(layer), layer);
      group = lastChildNamed(layerNode, groupName(slot.part), layer);
    } else {
      group = lastChildNamed(root.get(), QString::fromStdString(slot.name).section(QLatin1Char('.'), 0, 0), -1);
    }
    ModelTreeNode* leaf = appendChild(group, leafName(slot), group->layer);
    const Weight& weight = model.weight(slot.name);
    leaf->slot = QString::fromStdString(slot.name);
    leaf->shape = shape_of(weight);
    leaf->parameters = num_parameters(weight);
    leaf->bytes = stored_bytes(weight);
    leaf->form = QString::fromStdString(describe(weight));
    leaf->dtype = storedDtype(weight);
    QStringList others;
    for (const std::string& other : model.weights.slots_of(model.weights.handle(slot.name))) {
      if (other != slot.name) others << QString::fromStdString(other);
    }
    leaf->sharedWith = others.join(QStringLiteral(", "));
  }
  std::set<WeightHandle> seen;
  sumUp(root.get(), model.weights, &seen);
  return root;
}

std::vector<LedgerRow> buildLedger(const Model& model) {
  const auto numLayers = static_cast<int>(model.architecture.layers.size());
  std::vector<LedgerRow> rows(static_cast<size_t>(numLayers) + 2);
  rows.front().name = QStringLiteral("embeddings");
  rows.back().name = QStringLiteral("pooler and head");
  int64_t layerMacs = 0;
  for (int layer = 0; layer < numLayers; ++layer) {
    LedgerRow& row = rows[static_cast<size_t>(layer) + 1];
    row.name = QStringLiteral("layer %1").arg(layer);
    row.layer = layer;
    row.macs = count_layer_macs(model, LayerIndex(layer), kLedgerTokens);
    layerMacs += row.macs;
  }
  rows.back().macs = count_macs(model, kLedgerTokens) - layerMacs;

  std::set<WeightHandle> seen;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (!seen.insert(model.weights.handle(slot.name)).second) continue;
    const Weight& weight = model.weight(slot.name);
    const bool inRow = slot.layer && slot.stack == Stack::Encoder;
    LedgerRow& row = inRow ? rows[static_cast<size_t>(slot.layer->value) + 1]
                           : (slot.part == Part::Embeddings ? rows.front() : rows.back());
    const int64_t bytes = stored_bytes(weight);
    row.parameters += num_parameters(weight);
    row.bytes += bytes;
    const bool norm = slot.kind == SlotKind::NormWeight || slot.kind == SlotKind::NormBias;
    if (slot.layer && !norm && slot.part == Part::Attention) {
      row.attentionBytes += bytes;
    } else if (slot.layer && !norm && slot.part == Part::FeedForward) {
      row.ffnBytes += bytes;
    } else {
      row.otherBytes += bytes;
    }
  }
  return rows;
}

OpenedModel openModelForWindow(const QString& location, const fs::path& resources, const CancelToken& cancel) {
  OpenedModel opened;
  opened.location = location;
  if (location == QLatin1String("lab")) {
    opened.folder = resources / "lab";
    if (resources.empty() || !fs::exists(opened.folder)) {
      throw Error(ErrorKind::Io, {.what = "the built-in lab is not installed",
                                  .where = opened.folder.string(),
                                  .got = "",
                                  .wanted = "",
                                  .next = "open a model folder instead"});
    }
  } else {
    opened.folder = fs::path(location.toStdString());
  }
  opened.model = open_model(opened.folder);
  cancel.throw_if_cancelled();
  if (!fs::is_directory(opened.folder)) opened.folder = opened.folder.parent_path();
  opened.bundle = is_bundle(opened.folder);
  opened.name = location == QLatin1String("lab") ? QStringLiteral("lab")
                                                 : QString::fromStdString(opened.folder.filename().string());
  opened.tree = buildModelTree(opened.model);
  opened.ledger = buildLedger(opened.model);
  opened.map = std::make_shared<const ModelMap>(buildModelMap(opened.model));
  opened.parameters = num_parameters(opened.model);
  opened.bytes = opened.bundle ? bundle_bytes(opened.folder) : folderBytes(opened.folder);
  opened.macs = count_macs(opened.model, kLedgerTokens);
  cancel.throw_if_cancelled();
  try {
    opened.tokenizer = load_tokenizer(opened.model.tokenizer_files, opened.folder.string());
  } catch (const Error& error) {
    opened.tokenizerProblem = QString::fromStdString(error.what());
  }
  return opened;
}

fs::path findResources(const fs::path& programFolder) {
  std::vector<fs::path> candidates;
  if (const char* chosen = std::getenv("ESPALIER_RESOURCES"); chosen && *chosen) candidates.emplace_back(chosen);
  candidates.push_back(programFolder / ".." / ".." / ".." / "resources");
  candidates.push_back(programFolder / ".." / "share" / "espalier");
  std::error_code error;
  for (const fs::path& candidate : candidates) {
    if (fs::is_directory(candidate, error)) return fs::weakly_canonical(candidate, error);
  }
  return {};
}

}  // namespace espalier
