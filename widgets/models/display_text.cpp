#include "widgets/models/display_text.h"

#include <QStringList>

#include <array>
#include <cmath>

#include "widgets/theme/numbers.h"

namespace espalier {

namespace {

const QString kMinus(QChar(0x2212));

}  // namespace

QString countText(double count) {
  if (!std::isfinite(count) || count < 0) return QString(kUnknownMark);
  static const std::array<const char*, 5> kUnits = {"", "k", "M", "G", "T"};
  size_t unit = 0;
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1000;
    ++unit;
  }
  if (unit == 0) return QString::number(count, 'f', 0);
  return formatNumber(count) + QChar::Nbsp + QLatin1String(kUnits[unit]);
}

QString percentText(double fraction) {
  if (!std::isfinite(fraction)) return QString(kUnknownMark);
  return QString::number(fraction * 100, 'f', 1) + QChar(QChar::Nbsp) + QLatin1Char('%');
}

QString timeText(double milliseconds) {
  if (!std::isfinite(milliseconds)) return QString(kUnknownMark);
  const bool tiny = milliseconds < 1;
  return formatNumber(tiny ? 1000 * milliseconds : milliseconds) + QChar(QChar::Nbsp) +
         (tiny ? QStringLiteral("µs") : QStringLiteral("ms"));
}

QString pointsText(double fractionDifference) {
  if (!std::isfinite(fractionDifference)) return QString(kUnknownMark);
  const QString number = QString::number(std::abs(fractionDifference) * 100, 'f', 1);
  if (number == QLatin1String("0.0")) return number;
  return (fractionDifference < 0 ? kMinus : QStringLiteral("+")) + number;
}

QString durationText(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return QString(kUnknownMark);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  const QString rest = QStringLiteral("%1").arg(whole % 60, 2, 10, QLatin1Char('0'));
  if (whole < 3600) return QStringLiteral("%1:%2").arg(whole / 60).arg(rest);
  return QStringLiteral("%1:%2:%3").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, QLatin1Char('0')).arg(rest);
}

QString countedText(int64_t count, const QString& one, const QString& many) {
  return QString::number(count) + QLatin1Char(' ') + (count == 1 ? one : many);
}

QString shapeText(const std::vector<int64_t>& shape) {
  if (shape.empty()) return QStringLiteral("scalar");
  QStringList sizes;
  for (const int64_t size : shape) sizes << QString::number(size);
  return sizes.join(QStringLiteral(" × "));
}

}  // namespace espalier
