#pragma once
// Heads, feed-forward units or layers ranked by several criteria, as the "importance" job tells them.

#include <QPointF>
#include <QString>

#include <optional>
#include <vector>

#include "base/json_fwd.h"
#include "model/architecture.h"
#include "widgets/charts/head_matrix.h"

namespace espalier {

// Scores of one criterion; a larger one says: keep it.
struct CriterionRanking {
  QString id;                               // "michel", as the job and the command line call it
  std::vector<std::vector<double>> scores;  // [layer][head or unit, or one for the layer]
  double seconds = 0;
  bool perToken = false;       // Michel's absolute value is that of each token
  std::vector<QPointF> curve;  // how many went, and the accuracy without them; empty: not measured
  int64_t within = 0;          // how many can go for the tolerance
};

struct Ranking {
  std::vector<CriterionRanking> criteria;
  std::vector<std::vector<double>> agreement;  // Kendall's tau-b of criteria [i][j]; empty while it is not known
  int64_t examples = 0, curveExamples = 0;
  double tolerance = 0;  // a fraction of accuracy
  QString split, curveSplit;
};

// One criterion as it arrives; of one that is there it takes the place.
void addCriterion(Ranking& ranking, const Json& criterion);
// One point of a criterion's curve as it is measured, put in its place by how many went; nothing when there is no such
// criterion.
std::optional<QPointF> addPoint(Ranking& ranking, const QString& criterion, const Json& point);
// Error(Format) where the answer is not one of that job.
Ranking readRanking(const Json& answer);

// How a criterion is called on buttons and axes, and in full with its paper.
QString criterionName(const QString& id);
QString criterionTitle(const CriterionRanking& criterion);

// A layer's units in groups of nearly equal size, the least important first: what a cell of their picture stands for.
std::vector<std::vector<int>> unitGroups(const std::vector<double>& scores);

// The picture of one criterion. `of`: "heads", "units" (the means of unitGroups) or "layers".
HeadScores pictureOf(const CriterionRanking& ranking, const QString& of, const Architecture& architecture);

}  // namespace espalier
