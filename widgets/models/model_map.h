#pragma once
// A model as a map: a row a layer, a cell a module, with what each costs and which of them are one weight.

#include <QString>
#include <QStringList>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/cancel.h"
#include "model/model.h"

namespace espalier {

// A module of a layer, or one outside the stack: its weight and its bias.
struct MapCell {
  QString slot;       // of the weight; empty for attention itself, which multiplies but stores nothing
  QStringList slots;  // of everything in it
  QString name;       // "q_proj"
  QString part;       // "attention"
  int row = 0;
  int column = 0;  // in its row; rows of one kind have the same columns
  int layer = -1;
  int64_t parameters = 0;  // kept scalars
  int64_t bytes = 0;       // as stored
  int64_t macs = 0;        // one sequence of 128 tokens
  double bits = 0;         // stored a logical value
  QString form;            // of the weight
  int group = -1;          // cells that are one weight have one number; -1: its weight is its own
  bool first = true;       // of its group: where sums count it
};

struct MapRow {
  QString name;  // "layer 3"
  int layer = -1;
  bool inStack = false;  // its cells stand under ModelMap::columns
};

struct MapColumn {
  QString name;  // "q_proj"
  QString part;  // "attention"
};

struct ModelMap {
  std::vector<MapRow> rows;
  std::vector<MapColumn> columns;        // of the layers
  std::vector<MapCell> cells;            // by row and column
  std::vector<std::vector<int>> groups;  // cells of each shared weight

  // The cell that holds a weight; -1 when none does.
  int cellOf(const QString& slot) const;
};
using ModelMapPtr = std::shared_ptr<const ModelMap>;

ModelMap buildModelMap(const Model& model);

// Share of exact zeros of each cell's weights, 0..1; NaN where it has none. Reads every value.
std::vector<double> mapSparsity(const ModelMap& map, const Model& model, const CancelToken& cancel);

}  // namespace espalier
