#pragma once
// Numbers as the window writes them: three significant digits, units in powers of 1000.

#include <QString>
#include <cstdint>

namespace espalier {

// "0.00123", "12.3", "1.23e-6", "12 300"; NaN gives an en dash.
QString formatNumber(double value, int significant = 3);
// Enough digits to tell any two float32 apart.
QString formatExact(double value);
// "90.9 MB" (10^6 bytes), "512 B".
QString formatBytes(double bytes);
// "0.913 (0.892\u20130.930)".
QString formatInterval(double value, double low, double high);
// "12 345" with thin spaces.
QString formatCount(int64_t count);

}  // namespace espalier
