#include "widgets/models/head_list.h"

#include <QRegularExpression>
#include <QStringList>

#include <iterator>

#include "base/json.h"

namespace espalier {

namespace {

QStringList partsOf(const QString& text) {
  static const QRegularExpression separator(QStringLiteral("[,;\\s]+"));
  return text.split(separator, Qt::SkipEmptyParts);
}

}  // namespace

HeadSet headsFromJson(const Json& json) {
  HeadSet heads;
  if (!json.is_array()) return heads;
  for (const Json& item : json) {
    if (item.is_array() && item.size() == 2 && item[0].is_number_integer() && item[1].is_number_integer()) {
      heads.emplace(item[0].get<int>(), item[1].get<int>());
    }
  }
  return heads;
}

Json headsToJson(const HeadSet& heads) {
  Json json = Json::array();
  for (const auto& [layer, head] : heads) json.push_back(Json::array({layer, head}));
  return json;
}

QString headsToText(const HeadSet& heads) {
  QStringList parts;
  for (auto first = heads.begin(); first != heads.end();) {
    auto last = first, next = std::next(first);
    while (next != heads.end() && next->first == last->first && next->second == last->second + 1) last = next++;
    const QString text = QStringLiteral("%1.%2").arg(first->first).arg(first->second);
    if (last->second - first->second >= 2) {
      parts << QStringLiteral("%1-%2").arg(text).arg(last->second);
      first = next;
    } else {
      parts << text;
      ++first;
    }
  }
  return parts.join(QStringLiteral(", "));
}

std::optional<HeadSet> headsFromText(const QString& text) {
  static const QRegularExpression head(QStringLiteral("^(\\d{1,4})\\.(\\d{1,5})(?:-(\\d{1,5}))?$"));
  HeadSet heads;
  for (const QString& part : partsOf(text)) {
    const QRegularExpressionMatch match = head.match(part);
    if (!match.hasMatch()) return std::nullopt;
    const int first = match.captured(2).toInt();
    const int last = match.hasCaptured(3) ? match.captured(3).toInt() : first;
    if (last < first) return std::nullopt;
    for (int number = first; number <= last; ++number) heads.emplace(match.captured(1).toInt(), number);
  }
  return heads;
}

std::optional<std::vector<int32_t>> layersFromText(const QString& text) {
  static const QRegularExpression dash(QStringLiteral("\\s*-\\s*"));
  static const QRegularExpression range(QStringLiteral("^(\\d{1,4})(?:-(\\d{1,4}))?$"));
  std::set<int32_t> layers;
  for (const QString& part : partsOf(QString(text).replace(dash, QStringLiteral("-")))) {
    const QRegularExpressionMatch match = range.match(part);
    if (!match.hasMatch()) return std::nullopt;
    const int first = match.captured(1).toInt();
    const int last = match.captured(2).isEmpty() ? first : match.captured(2).toInt();
    if (last < first) return std::nullopt;
    for (int layer = first; layer <= last; ++layer) layers.insert(layer);
  }
  return std::vector<int32_t>(layers.begin(), layers.end());
}

QString layersToText(const std::vector<int32_t>& layers) {
  QStringList parts;
  for (size_t i = 0; i < layers.size();) {
    size_t last = i;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    parts << (last == i ? QString::number(layers[i]) : QStringLiteral("%1-%2").arg(layers[i]).arg(layers[last]));
    i = last + 1;
  }
  return parts.join(QStringLiteral(", "));
}

}  // namespace espalier
