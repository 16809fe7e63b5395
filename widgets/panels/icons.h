#pragma once
#include <QIcon>

namespace espalier {

enum class IconKind { Open, Back, Forward, Run, Stop, Add, Up, Down, Duplicate, Delete, Undo, Redo, More, Warning };

// A line drawing in the theme's text colour, crisp at any scale; follows the theme by itself.
QIcon themedIcon(IconKind kind);

}  // namespace espalier
