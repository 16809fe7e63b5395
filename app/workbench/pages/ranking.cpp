#include "app/workbench/pages/ranking.h"

#include <QCoreApplication>

#include <algorithm>
#include <numeric>

#include "base/json.h"

namespace espalier {
namespace {

constexpr char kImportance[] = "importance";
// Cells of a layer's units: more would be too narrow for their numbers on a screen of 1280 pixels.
constexpr size_t kGroups = 16;

struct CriterionText {
  const char* id;
  const char* name;
  const char* title;
  const char* unit;
};
constexpr CriterionText kTexts[] = {
    {"michel", QT_TRANSLATE_NOOP("Ranking", "Michel"),
     QT_TRANSLATE_NOOP("Ranking", "Gradient of the gate, absolute (Michel 2019)"), "share of the layer's norm"},
    {"taylor", QT_TRANSLATE_NOOP("Ranking", "Taylor"),
     QT_TRANSLATE_NOOP("Ranking", "Gradient of the gate, squared (Molchanov 2019)"), "nats²"},
    {"ablation", QT_TRANSLATE_NOOP("Ranking", "ablation"),
     QT_TRANSLATE_NOOP("Ranking", "Rise of the loss without it (Michel 2019)"), "nats"},
    {"voita", QT_TRANSLATE_NOOP("Ranking", "Voita"),
     QT_TRANSLATE_NOOP("Ranking", "Gate learnt under a penalty (Voita 2019)"), "log α"},
    {"confidence", QT_TRANSLATE_NOOP("Ranking", "confidence"),
     QT_TRANSLATE_NOOP("Ranking", "Largest attention to a token, mean (Voita 2019)"), "attention"},
    {"entropy", QT_TRANSLATE_NOOP("Ranking", "entropy"),
     QT_TRANSLATE_NOOP("Ranking", "Minus the entropy of the attention"), "nats"},
    {"influence", QT_TRANSLATE_NOOP("Ranking", "influence"),
     QT_TRANSLATE_NOOP("Ranking", "1 − cosine before and behind the layer (Men 2024)"), "1 − cosine"},
    {"activation", QT_TRANSLATE_NOOP("Ranking", "activation"),
     QT_TRANSLATE_NOOP("Ranking", "Activation times the weights that read it (Sun 2023)"), "rms × norm"},
    {"magnitude", QT_TRANSLATE_NOOP("Ranking", "magnitude"),
     QT_TRANSLATE_NOOP("Ranking", "Norm of the weights in times out"), "norm × norm"},
    {"random", QT_TRANSLATE_NOOP("Ranking", "random"),
     QT_TRANSLATE_NOOP("Ranking", "Random order: what every criterion has to beat"), ""}};

const CriterionText* textOf(const QString& id) {
  const auto* found =
      std::ranges::find_if(kTexts, [&](const CriterionText& text) { return id == QLatin1String(text.id); });
  return found == std::end(kTexts) ? nullptr : found;
}

QString translated(const char* text) { return QCoreApplication::translate("Ranking", text); }

QPointF readPoint(const Json& point) {
  return {json_get<double>(point, "removed", kImportance), json_get<double>(point, "accuracy", kImportance)};
}

CriterionRanking readCriterion(const Json& json) {
  CriterionRanking ranking;
  ranking.id = QString::fromStdString(json_get<std::string>(json, "criterion", kImportance));
  ranking.scores = json_get<std::vector<std::vector<double>>>(json, "scores", kImportance);
  ranking.seconds = json_get<double>(json, "seconds", kImportance);
  ranking.perToken = json_get_or<std::string>(json, "average", "", kImportance) == "token";
  for (const Json& point : json_get_or<Json>(json, "curve", Json::array(), kImportance)) {
    ranking.curve.push_back(readPoint(point));
  }
  ranking.within = json_get_or<int64_t>(json, "within", 0, kImportance);
  return ranking;
}

std::vector<double> groupMeans(const std::vector<double>& scores) {
  std::vector<double> means;
  for (const std::vector<int>& group : unitGroups(scores)) {
    double sum = 0;
    for (const int unit : group) sum += scores[static_cast<size_t>(unit)];
    means.push_back(sum / static_cast<double>(group.size()));
  }
  return means;
}

}  // namespace

void addCriterion(Ranking& ranking, const Json& criterion) {
  CriterionRanking read = readCriterion(criterion);
  const auto same = std::ranges::find(ranking.criteria, read.id, &CriterionRanking::id);
  if (same == ranking.criteria.end()) {
    ranking.criteria.push_back(std::move(read));
  } else {
    *same = std::move(read);
  }
}

std::optional<QPointF> addPoint(Ranking& ranking, const QString& criterion, const Json& point) {
  const auto found = std::ranges::find(ranking.criteria, criterion, &CriterionRanking::id);
  if (found == ranking.criteria.end()) return {};
  const QPointF read = readPoint(point);
  found->curve.insert(std::ranges::upper_bound(found->curve, read.x(), {}, [](const QPointF& p) { return p.x(); }),
                      read);
  return read;
}

Ranking readRanking(const Json& answer) {
  Ranking ranking;
  for (const Json& criterion : json_get<Json>(answer, "criteria", kImportance)) addCriterion(ranking, criterion);
  ranking.agreement = json_get<std::vector<std::vector<double>>>(answer, "agreement", kImportance);
  ranking.examples = json_get<int64_t>(answer, "examples", kImportance);
  ranking.split = QString::fromStdString(json_get<std::string>(answer, "split", kImportance));
  ranking.curveExamples = json_get_or<int64_t>(answer, "curve_examples", 0, kImportance);
  ranking.curveSplit = QString::fromStdString(json_get_or<std::string>(answer, "curve_split", "", kImportance));
  ranking.tolerance = json_get_or<double>(answer, "tolerance", 0, kImportance);
  return ranking;
}

QString criterionName(const QString& id) {
  const CriterionText* text = textOf(id);
  return text ? translated(text->name) : id;
}

QString criterionTitle(const CriterionRanking& criterion) {
  if (criterion.perToken) {
    return translated(QT_TRANSLATE_NOOP("Ranking", "Gradient of the gate, absolute for each token (Michel 2019)"));
  }
  const CriterionText* text = textOf(criterion.id);
  return text ? translated(text->title) : criterion.id;
}

std::vector<std::vector<int>> unitGroups(const std::vector<double>& scores) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int unit) { return scores[static_cast<size_t>(unit)]; });
  std::vector<std::vector<int>> groups(std::min(kGroups, scores.size()));
  for (size_t g = 0; g < groups.size(); ++g) {
    groups[g].assign(order.begin() + static_cast<ptrdiff_t>(g * order.size() / groups.size()),
                     order.begin() + static_cast<ptrdiff_t>((g + 1) * order.size() / groups.size()));
  }
  return groups;
}

HeadScores pictureOf(const CriterionRanking& ranking, const QString& of, const Architecture& architecture) {
  HeadScores scores;
  scores.criterion = criterionTitle(ranking);
  if (const CriterionText* text = textOf(ranking.id)) scores.unit = QString::fromUtf8(text->unit);
  scores.layers = static_cast<int>(ranking.scores.size());
  const bool heads = of == QLatin1String("heads");
  size_t units = 0;
  for (size_t layer = 0; layer < ranking.scores.size(); ++layer) {
    const std::vector<double> row = heads ? ranking.scores[layer] : groupMeans(ranking.scores[layer]);
    units = std::max(units, ranking.scores[layer].size());
    for (size_t i = 0; i < row.size(); ++i) {
      auto column = static_cast<int>(i);
      // Heads keep the numbers that they had in the model as first opened.
      if (heads && layer < architecture.layers.size() && i < architecture.layers[layer].attention.heads.size()) {
        column = static_cast<int>(architecture.layers[layer].attention.heads[i].value);
      }
      scores.values[{LayerIndex(static_cast<int64_t>(layer)), HeadIndex(column)}] = row[i];
      scores.heads = std::max(scores.heads, column + 1);
      // Of a loss or a log the sign says which way; of the others there is none, or one only.
      scores.isSigned |= row[i] < 0 && ranking.id != QLatin1String("entropy");
    }
  }
  if (of == QLatin1String("units")) {
    scores.column = translated(QT_TRANSLATE_NOOP("Ranking", "group"));
    scores.foot =
        translated(QT_TRANSLATE_NOOP("Ranking", "%1 units of each layer in %2 groups, the least important first"))
            .arg(units)
            .arg(scores.heads);
  } else if (of == QLatin1String("layers")) {
    scores.column = translated(QT_TRANSLATE_NOOP("Ranking", "attention and feed-forward"));
    // One number a layer has no norm to be a share of.
    if (ranking.id == QLatin1String("michel")) scores.unit = QStringLiteral("|gradient|");
  }
  return scores;
}

}  // namespace espalier
