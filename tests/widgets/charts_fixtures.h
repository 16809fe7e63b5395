#pragma once
// Small inputs with known answers that the chart tests share.

#include <QApplication>
#include <QTest>
#include <cmath>
#include <ctime>
#include <memory>

#include "base/rng.h"
#include "model/weight.h"
#include "widgets/charts/attention_data.h"
#include "widgets/charts/head_matrix.h"
#include "widgets/charts/saliency_rows.h"
#include "widgets/charts/tradeoff_plot.h"

namespace espalier::test {

// Work done by this thread so far. Unlike the time on the wall it does not depend on what else the machine does.
inline double threadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

inline WeightPtr randomWeight(int64_t rows, int64_t cols, uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(rows * cols));
  for (float& value : values) value = static_cast<float>(rng.normal() * 0.05);
  return share(Dense{Tensor::from({rows, cols}, std::move(values))});
}

// Softmaxed rows; head h of layer l prefers tokens h + 1 places before.
inline AttentionPtr attention(int layers, int heads, int n) {
  auto data = std::make_shared<AttentionData>();
  static const QStringList kWords = {"the", "film", "is", "un", "##forget", "##table", "and", "quite", "moving", "."};
  for (int i = 0; i < n; ++i) {
    data->tokens << (i == 0       ? QStringLiteral("[CLS]")
                     : i == n - 1 ? QStringLiteral("[SEP]")
                                  : kWords[(i - 1) % kWords.size()]);
    data->special.push_back(i == 0 || i == n - 1);
  }
  for (int l = 0; l < layers; ++l) {
    std::vector<float> values;
    for (int h = 0; h < heads; ++h) {
      for (int from = 0; from < n; ++from) {
        std::vector<double> row(static_cast<size_t>(n));
        double sum = 0;
        for (int to = 0; to < n; ++to) {
          const double distance = std::abs(from - h - to);
          sum += row[static_cast<size_t>(to)] = std::exp(-distance * (0.4 + l * 0.3)) + (to == 0 ? 0.1 * l : 0);
        }
        for (const double value : row) values.push_back(static_cast<float>(value / sum));
      }
    }
    data->layers.push_back(Tensor::from({heads, n, n}, std::move(values)));
  }
  return data;
}

inline HeadScores headScores(int layers, int heads) {
  Rng rng(5);
  HeadScores scores;
  scores.criterion = QStringLiteral("Gradient of the gates (Michel et al. 2019)");
  scores.unit = QStringLiteral("|gradient|");
  scores.layers = layers;
  scores.heads = heads;
  for (int l = 0; l < layers; ++l) {
    for (int h = 0; h < heads; ++h) scores.values[{LayerIndex(l), HeadIndex(h)}] = rng.uniform() * rng.uniform();
  }
  scores.values.erase({LayerIndex(1), HeadIndex(2)});
  return scores;
}

// Two methods; the first in numbers that are known.
inline SaliencyTable saliency() {
  SaliencyTable data;
  SaliencyRow first{QStringLiteral("gradient x input"), QStringLiteral("positive 0.973"), {}, 0};
  SaliencyRow second{QStringLiteral("rollout"), {}, {}, 1};
  const auto add = [&](const char* text, double score, bool special, bool continues, bool known) {
    const QString token = QString::fromUtf8(text);
    data.tokens.push_back({token, token.startsWith("##") ? token.mid(2) : token, special, continues, known});
    first.scores.push_back(score);
    second.scores.push_back(std::abs(score) / 3);
  };
  add("[CLS]", 0.02, true, false, false);
  add("the", 0.01, false, false, false);
  add("plot", -0.08, false, false, false);
  add("is", 0.0, false, false, false);
  add("not", -0.41, false, false, true);
  add("dull", 0.62, false, false, true);
  add(",", 0.02, false, false, false);
  add("it", 0.03, false, false, false);
  add("is", 0.01, false, false, false);
  add("un", 0.3, false, false, true);
  add("##forget", 0.55, false, true, true);
  add("##table", 0.2, false, true, true);
  add("in", -0.03, false, false, false);
  add("every", 0.05, false, false, false);
  add("single", -0.11, false, false, false);
  add("scene", 0.07, false, false, false);
  add(".", 0.0, false, false, false);
  add("[SEP]", -0.05, true, false, false);
  data.label = QStringLiteral("positive");
  data.rows = {first, second};
  return data;
}

inline std::vector<TradeoffPoint> runs() {
  const auto run = [](const char* id, const char* family, double x, double y) {
    return TradeoffPoint{QString::fromLatin1(id),
                         QString::fromLatin1(id),
                         QString::fromLatin1(family),
                         x,
                         x,
                         x,
                         y,
                         y - 0.018,
                         y + 0.017,
                         false};
  };
  std::vector<TradeoffPoint> points = {
      run("MiniLM float32", "baseline", 90.9, 0.912), run("8 bits", "quantize", 23.1, 0.909),
      run("heads 25 %", "prune", 84.2, 0.905),        run("neurons 25 %", "prune", 76.0, 0.897),
      run("SVD rank 64", "factorize", 52.3, 0.871),   run("shared layers", "share", 59.4, 0.842),
      run("3-layer student", "distill", 62.0, 0.887), run("prune + 8 bits", "combined", 19.8, 0.902),
      run("SVD + 8 bits", "combined", 14.0, 0.866)};
  points.front().baseline = true;
  return points;
}

}  // namespace espalier::test
