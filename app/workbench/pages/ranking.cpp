#include "app/workbench/pages/ranking.h"

#include <QCoreApplication>

#include <algorithm>
#include <numeric>

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

CriterionRanking readCriterion(const Json& json) {
  CriterionRanking ranking;
  ranking.id = QString::fromStdString(json_get<std::string>(json, "criterion", kImportance));
  ranking.scores = json_get<std::vector<std::vector<double>>>(json, "scores", kImportance);
  ranking.seconds = json_get<double>(json, "seconds", kImportance);
  for (const Json& point : json_get_or<Json>(json, "curve", Json::array(), kImportance)) {
    ranking.curve.emplace_back(json_get<double>(point, "removed", kImportance),
                               json_get<double>(point, "accuracy", kImportance));
  }
  ranking.within = json_get_or<int64_t>(json, "within", 0, kImportance);
  return ranking;
}

// Means of a layer's scores in groups of nearly equal size, the least important units first.
std::vector<double> inGroups(std::vector<double> scores) {
  std::ranges::sort(scores);
  std::vector<double> groups(std::min(kGroups, scores.size()));
  for (size_t g = 0; g < groups.size(); ++g) {
    const size_t begin = g * scores.size() / groups.size(), end = (g + 1) * scores.size() / groups.size();
    groups[g] = std::accumulate(scores.begin() + static_cast<ptrdiff_t>(begin),
                                scores.begin() + static_cast<ptrdiff_t>(end), 0.0) /
                static_cast<double>(end - begin);
  }
  return groups;
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

QString criterionTitle(const QString& id) {
  const CriterionText* text = textOf(id);
  return text ? translated(text->title) : id;
}

HeadScores pictureOf(const CriterionRanking& ranking, const QString& of, const Architecture& architecture) {
  HeadScores scores;
  scores.criterion = criterionTitle(ranking.id);
  if (const CriterionText* text = textOf(ranking.id)) scores.unit = QString::fromUtf8(text->unit);
  scores.layers = static_cast<int>(ranking.scores.size());
  const bool heads = of == QLatin1String("heads");
  size_t units = 0;
  for (size_t layer = 0; layer < ranking.scores.size(); ++layer) {
    const std::vector<double> row = heads ? ranking.scores[layer] : inGroups(ranking.scores[layer]);
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
