#pragma once
// Quantities as people read them, beyond what widgets/theme/numbers.h writes: a dash for what was not measured.

#include <QString>

#include <cstdint>
#include <vector>

namespace espalier {

// Shown wherever a number is unknown.
inline constexpr QChar kUnknownMark(0x2013);

// "512", "22.7 M", "2.72 G".
QString countText(double count);
// A fraction as percent: "89.6 %".
QString percentText(double fraction);
// A difference of fractions in percentage points with its sign: "+0.4", "−1.2".
QString pointsText(double fractionDifference);
// Of something short: "24 µs", "1.26 ms".
QString timeText(double milliseconds);
// "0:41", "1:02:10".
QString durationText(double seconds);
// "1 thread", "2 threads".
QString countedText(int64_t count, const QString& one, const QString& many);
// "[30522, 384]" as "30522 × 384".
QString shapeText(const std::vector<int64_t>& shape);

}  // namespace espalier
