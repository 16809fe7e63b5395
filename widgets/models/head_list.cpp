#include "widgets/models/head_list.h"

#include <QRegularExpression>
#include <QStringList>

namespace espalier {

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
  for (const auto& [layer, head] : heads) parts << QStringLiteral("%1.%2").arg(layer).arg(head);
  return parts.join(QStringLiteral(", "));
}

std::optional<HeadSet> headsFromText(const QString& text) {
  static const QRegularExpression separator(QStringLiteral("[,;\\s]+"));
  static const QRegularExpression head(QStringLiteral("^(\\d{1,4})\\.(\\d{1,4})$"));
  HeadSet heads;
  for (const QString& part : text.split(separator, Qt::SkipEmptyParts)) {
    const QRegularExpressionMatch match = head.match(part);
    if (!match.hasMatch()) return std::nullopt;
    heads.emplace(match.captured(1).toInt(), match.captured(2).toInt());
  }
  return heads;
}

}  // namespace espalier
