#include "widgets/theme/numbers.h"

#include <QLocale>
#include <algorithm>
#include <array>
#include <cmath>

namespace espalier {
namespace {

constexpr QChar kMinus(0x2212);
constexpr QChar kThinSpace(0x2009);
constexpr QChar kNoBreakSpace(0x00A0);
constexpr QChar kEnDash(0x2013);

QString withMinus(QString text) {
  if (text.startsWith('-')) text[0] = kMinus;
  return text;
}

// Thin spaces between groups of three, from 10 000 on.
QString grouped(QString digits) {
  const int sign = digits.startsWith('-') ? 1 : 0;
  if (digits.size() - sign <= 4) return digits;
  for (qsizetype at = digits.size() - 3; at > sign; at -= 3) digits.insert(at, kThinSpace);
  return digits;
}

QString scientific(double value, int decimals) {
  const QString text = QString::number(value, 'e', decimals);
  const qsizetype e = text.indexOf('e');
  const int exponent = QStringView(text).mid(e + 1).toInt();
  return text.left(e) + 'e' + withMinus(QString::number(exponent));
}

double roundedTo(double value, int significant) { return QString::number(value, 'e', significant - 1).toDouble(); }

}  // namespace

QString formatNumber(double value, int significant) {
  if (std::isnan(value)) return QString(kEnDash);
  if (std::isinf(value)) return value > 0 ? QStringLiteral("∞") : QString(kMinus) + QStringLiteral("∞");
  if (value == 0) return QStringLiteral("0");
  const double magnitude = std::abs(roundedTo(value, significant));
  if (magnitude < 1e-3 || magnitude >= 1e6) return withMinus(scientific(value, significant - 1));
  const int exponent = static_cast<int>(std::floor(std::log10(magnitude)));
  const int decimals = std::max(0, significant - 1 - exponent);
  QString text = QString::number(value, 'f', decimals);
  if (decimals == 0) text = grouped(text);
  return withMinus(text);
}

QString formatFixed(double value, int decimals) {
  if (!std::isfinite(value)) return formatNumber(value);
  const QString text = QString::number(value, 'f', decimals);
  return withMinus(text.toDouble() == 0 && text.startsWith('-') ? text.mid(1) : text);
}

QString formatExact(double value) {
  if (std::isnan(value)) return QStringLiteral("not a number");
  if (std::isinf(value)) return formatNumber(value);
  return withMinus(QString::number(value, 'g', 9));
}

QString formatBytes(double bytes) {
  static const std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  if (std::isnan(bytes)) return QString(kEnDash);
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && std::abs(roundedTo(bytes, 3)) >= 1000) {
    bytes /= 1000;
    ++unit;
  }
  const QString number = unit == 0 ? QString::number(bytes, 'f', 0) : formatNumber(bytes);
  return number + kNoBreakSpace + QLatin1String(kUnits[unit]);
}

QString formatInterval(double value, double low, double high) {
  if (low == value && high == value) return formatNumber(value);
  return QStringLiteral("%1 (%2%3%4)")
      .arg(formatNumber(value), formatNumber(low), QString(kEnDash), formatNumber(high));
}

QString formatCount(int64_t count) { return withMinus(grouped(QString::number(count))); }

QString csvNumber(double value) {
  if (std::isnan(value)) return {};
  return QString::number(value, 'g', QLocale::FloatingPointShortest);
}

std::vector<double> niceTicks(double low, double high, int atMost) {
  if (!std::isfinite(low) || !std::isfinite(high) || high <= low || atMost < 1) return {};
  const double power = std::pow(10.0, std::floor(std::log10((high - low) / atMost)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0, 50.0}) {
    const double step = power * factor;
    const double slack = step * 1e-9;
    const auto first = static_cast<int64_t>(std::ceil((low - slack) / step));
    const auto last = static_cast<int64_t>(std::floor((high + slack) / step));
    if (last - first + 1 > atMost) continue;
    std::vector<double> ticks;
    for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
    return ticks;
  }
  return {};
}

std::vector<double> logTicks(double low, double high, int atMost) {
  if (!(low > 0) || !std::isfinite(high) || high <= low || atMost < 1) return {};
  const auto collect = [&](std::initializer_list<double> factors, int every) {
    std::vector<double> ticks;
    for (int e = static_cast<int>(std::floor(std::log10(low))); e <= std::ceil(std::log10(high)); ++e) {
      if (e % every != 0) continue;
      for (const double factor : factors) {
        const double tick = factor * std::pow(10.0, e);
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
      }
    }
    return ticks;
  };
  if (high / low < 3) return niceTicks(low, high, atMost);
  for (const auto& ticks : {collect({1, 2, 5}, 1), collect({1, 3}, 1), collect({1}, 1), collect({1}, 2),
                            collect({1}, 3), collect({1}, 6)}) {
    if (static_cast<int>(ticks.size()) <= atMost && ticks.size() >= 2) return ticks;
  }
  return niceTicks(low, high, atMost);
}

QStringList tickLabels(const std::vector<double>& ticks) {
  double largest = 0, step = 0;
  for (size_t i = 0; i < ticks.size(); ++i) {
    largest = std::max(largest, std::abs(ticks[i]));
    if (i > 0) step = step == 0 ? ticks[i] - ticks[i - 1] : std::min(step, ticks[i] - ticks[i - 1]);
  }
  QStringList labels;
  const bool fixed = step > 0 && largest < 1e6 && step >= 1e-4;
  const int decimals = fixed ? std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))) : 0;
  // Ticks of a logarithmic axis say what they are with digits of their own: 1, 0.1, 0.01.
  bool even = true;
  for (size_t i = 1; i < ticks.size(); ++i) even = even && ticks[i] - ticks[i - 1] < 1.5 * step;
  for (const double tick : ticks) even = even && std::abs(tick / step - std::round(tick / step)) < 1e-6;
  for (const double tick : ticks) {
    if (fixed && even) {
      const double clean = std::abs(tick) < step * 1e-6 ? 0 : tick;
      QString text = QString::number(clean, 'f', decimals);
      labels << withMinus(decimals == 0 ? grouped(text) : text);
    } else {
      QString text = formatNumber(std::abs(tick) < step * 1e-6 ? 0 : tick, 3);
      // 1.00e6 says no more than 1e6, nor 0.500 than 0.5.
      const qsizetype e = text.indexOf('e');
      QString mantissa = e < 0 ? text : text.left(e);
      if (mantissa.contains('.')) {
        while (mantissa.endsWith('0')) mantissa.chop(1);
        if (mantissa.endsWith('.')) mantissa.chop(1);
      }
      labels << mantissa + (e < 0 ? QString() : text.mid(e));
    }
  }
  return labels;
}

}  // namespace espalier
