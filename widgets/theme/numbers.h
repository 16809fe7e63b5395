#pragma once
// Numbers as the window writes them: three significant digits, units in powers of 1000.

#include <QString>
#include <QStringList>
#include <cstdint>
#include <vector>

namespace espalier {

// "0.00123", "12.3", "1.23e-6", "12 300"; NaN gives an en dash.
QString formatNumber(double value, int significant = 3);
// A given number of decimals: "0.005".
QString formatFixed(double value, int decimals);
// Enough digits to tell any two float32 apart.
QString formatExact(double value);
// "90.9 MB" (10^6 bytes), "512 B".
QString formatBytes(double bytes);
// "0.913 (0.892\u20130.930)".
QString formatInterval(double value, double low, double high);
// "12 345" with thin spaces.
QString formatCount(int64_t count);
// Plain text for CSV: shortest that reads back to the same double, with a point; empty for NaN.
QString csvNumber(double value);

// Round positions (1, 2 or 5 times a power of ten) inside [low, high], at most `atMost` and at least two if any fit.
std::vector<double> niceTicks(double low, double high, int atMost);
// The same for a logarithmic axis, low > 0: powers of ten when these are enough, else 1-2-5 steps, else as niceTicks.
std::vector<double> logTicks(double low, double high, int atMost);
// Labels of ticks with the same number of decimals.
QStringList tickLabels(const std::vector<double>& ticks);

}  // namespace espalier
