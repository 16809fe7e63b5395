#pragma once

namespace espalier {

inline constexpr double kZ95 = 1.959963984540054;  // 97.5 % point of the standard normal

}  // namespace espalier
